package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"sallyport/login"
	"sallyport/web/admin"
)

func userShowVerb() verb {
	return verb{
		name: "show", summary: "show one user: factors, addresses, codes, failures, locks", usage: "USER [--json]",
		examples: []string{"sallyport user show alice", `sallyport user show 'EXAMPLE\alice' --json`},
		exits:    adminExits,
		flags:    func(fs *pflag.FlagSet) { socketFlag(fs); directoryFlag(fs); jsonFlag(fs) },
		run:      showUser,
	}
}

func showUser(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
	name, err := oneArg(args, "user")
	if err != nil {
		return err
	}
	r, err := adminCaller(e, fs).User(ctx, name, text(fs, "directory"))
	if err != nil {
		return adminError(err)
	}
	if isSet(fs, "json") {
		return printJSON(e.stdout, r)
	}
	printNotes(e, r.Notes)
	return printUser(e, r)
}

func printUser(e env, r admin.UserReply) error {
	rows := [][]string{{"name", r.User.Name}, {"id", r.User.ID}, {"last factor", r.User.LastFactor}}
	if r.User.WindowUntil != nil {
		rows = append(rows, []string{"window", "closes " + in(*r.User.WindowUntil, r.Now)})
	}
	for _, c := range []struct {
		name  string
		codes *admin.Codes
	}{{"recovery codes", r.User.Recovery}, {"bypass code", r.User.Bypass}, {"invitation", r.User.Invitation}} {
		if c.codes != nil {
			rows = append(rows, []string{c.name, codesLeft(*c.codes, r.Now)})
		}
	}
	if err := printTable(e.stdout, rows...); err != nil {
		return err
	}
	fmt.Fprintln(e.stdout)
	if len(r.User.Factors) == 0 {
		fmt.Fprintln(e.stdout, "no factor is registered")
		return nil
	}
	rows = [][]string{{"FACTOR", "REGISTERED", "ADDRESS", "LAST CODE SENT", "WRONG IN A ROW", "STATE"}}
	for _, f := range r.User.Factors {
		rows = append(rows, []string{f.Name, yesNo(f.Registered), f.Address, lastSend(f, r.Now),
			strconv.FormatUint(uint64(f.Failures), 10), factorState(f, r.Now)})
	}
	if err := printTable(e.stdout, rows...); err != nil {
		return err
	}
	for _, f := range r.User.Factors {
		if c := f.Clock; c != nil {
			near := login.Near{Number: 1, Ahead: time.Duration(c.SecondsAhead) * time.Second}
			fmt.Fprintf(e.stdout, "%s, last wrong code, %s: %s\n", f.Name, ago(c.At, r.Now), near)
		}
	}
	return nil
}

// codesLeft says how often codes may be used still, until when, and who issued them.
func codesLeft(c admin.Codes, now time.Time) string {
	line := plural(c.Left, "use") + " left"
	if c.Until != nil {
		line += ", ends " + in(*c.Until, now)
	}
	if c.Note != "" {
		line += ", by " + c.Note
	}
	return line
}

func lastSend(f admin.Factor, now time.Time) string {
	switch {
	case f.Sent == nil:
		return ""
	case f.SendFailed:
		return ago(*f.Sent, now) + ", did not leave"
	}
	return ago(*f.Sent, now)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func plural(n uint32, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
