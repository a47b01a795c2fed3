package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"sallyport/cmd/sallyport/internal/config"
	"sallyport/web/admin"
)

func doctorVerb() verb {
	return verb{
		name: "doctor", summary: "ask every server that the configuration names, and say what is wrong",
		usage: "[directory|smtp|sms|rsa|policy] [--config FILE] [--send-to ADDRESS] [--json]",
		note:  "The daemon need not run. Nobody's attempts are used up, and nothing is changed.",
		examples: []string{
			"sallyport doctor",
			"sallyport doctor rsa",
			"sallyport doctor smtp --send-to me@example.com",
		},
		exits: `0   nothing fails
2   the command line is wrong
3   something fails
78  the configuration is wrong`,
		flags: func(fs *pflag.FlagSet) {
			configFlag(fs)
			fs.String("send-to", "", "send a test message to this mail `address` or telephone number")
			socketFlag(fs)
			jsonFlag(fs)
		},
		run: runDoctor,
	}
}

// level is how bad a finding is, as it is written.
type level string

// The levels.
const (
	levelOK   level = " ok "
	levelWarn level = "warn"
	levelFail level = "fail"
)

// MarshalText writes the word alone.
func (l level) MarshalText() ([]byte, error) { return []byte(strings.TrimSpace(string(l))), nil }

// finding is what was found about one server or setting.
type finding struct {
	Level level `json:"level"`
	// Subject is the table and the server; Remedy says what to do, where something is wrong.
	Subject string `json:"subject"`
	Message string `json:"message"`
	Remedy  string `json:"remedy,omitempty"`
}

// doctor looks at what a configuration names.
type doctor struct {
	cfg    *config.Config
	log    *slog.Logger
	now    func() time.Time
	sendTo string
	// clients asks the daemon what it has learned about the clients; it may not run.
	clients func(context.Context) (admin.ClientList, error)
	// found takes each finding.
	found func(finding)
}

// checkWithin bounds one check, sending a message included.
const checkWithin = 30 * time.Second

// check is one topic of the doctor's.
type check struct {
	topic string
	run   func(doctor, context.Context)
}

func checks() []check {
	return []check{
		{"directory", doctor.directories},
		{"smtp", doctor.mail},
		{"sms", doctor.gateways},
		{"rsa", doctor.rsa},
		{"policy", doctor.policies},
	}
}

// chosenChecks returns the checks that the arguments name, all when they name none.
func chosenChecks(args []string) ([]check, error) {
	all := checks()
	if len(args) == 0 {
		return all, nil
	}
	topic, err := oneArg(args, "topic")
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(c check) bool { return c.topic == topic })
	if i < 0 {
		return nil, usageErrorf("unknown topic %q: directory, smtp, sms, rsa or policy", topic)
	}
	return all[i : i+1], nil
}

func runDoctor(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
	chosen, err := chosenChecks(args)
	if err != nil {
		return err
	}
	cfg, err := readConfig(e, fs, config.Check)
	if err != nil {
		return err
	}
	asJSON := isSet(fs, "json")
	redact := cfg.Redactor().Replace
	var all []finding
	d := doctor{
		cfg: cfg, log: slog.New(slog.DiscardHandler), now: time.Now, sendTo: text(fs, "send-to"),
		clients: adminCaller(e, fs).Clients,
		found: func(f finding) {
			f.Subject, f.Message = redact(f.Subject), redact(f.Message)
			all = append(all, f)
			if !asJSON {
				printFinding(e, f)
			}
		},
	}
	if err := d.examine(ctx, chosen); err != nil {
		return err
	}
	if asJSON {
		if err := printJSON(e.stdout, struct {
			Findings []finding `json:"findings"`
		}{all}); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(all, func(f finding) bool { return f.Level == levelFail }) {
		return &exitError{code: exitDegraded}
	}
	return nil
}

// examine runs the checks one after the other, each within its time.
func (d doctor) examine(ctx context.Context, chosen []check) error {
	for _, c := range chosen {
		within, cancel := context.WithTimeout(ctx, checkWithin)
		c.run(d, within)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if d.sendTo == "" {
		return nil
	}
	within, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	return d.send(within, chosen)
}

// atOnce asks all servers at the same time, so that silent ones take no time from the others. The
// answers have the order of the servers.
func atOnce[S, A any](servers []S, ask func(S) A) []A {
	answers := make([]A, len(servers))
	var wg sync.WaitGroup
	for i, s := range servers {
		wg.Go(func() { answers[i] = ask(s) })
	}
	wg.Wait()
	return answers
}

// remedy says what to do about a server that could not be asked: otherwise, but where err says that
// nothing was reached that could have been wrong.
func remedy(err error, otherwise string) string {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return "Nothing listens there: correct the address and port, start the server, or see whether a firewall refuses in its place."
	}
	return otherwise
}

func (d doctor) ok(subject, format string, args ...any) {
	d.found(finding{levelOK, subject, fmt.Sprintf(format, args...), ""})
}

func (d doctor) warn(subject, message, remedy string) {
	d.found(finding{levelWarn, subject, message, remedy})
}

func (d doctor) fail(subject, message, remedy string) {
	d.found(finding{levelFail, subject, message, remedy})
}

func printFinding(e env, f finding) {
	fmt.Fprintf(e.stdout, "[%s] %s: %s\n", f.Level, printable(f.Subject), oneLine(f.Message))
	if f.Remedy != "" {
		fmt.Fprintf(e.stdout, "       %s\n", oneLine(f.Remedy))
	}
}

// oneLine joins the lines of what several servers said.
func oneLine(text string) string {
	return strings.ReplaceAll(printable(strings.TrimSpace(text)), "\n", "; ")
}

// sinceText says how long a question took.
func (d doctor) sinceText(began time.Time) string {
	return d.now().Sub(began).Round(time.Millisecond).String()
}

// errNotConfigured is the finding about a factor that has no table.
var errNotConfigured = errors.New("not configured")
