package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"sallyport/cmd/sallyport/internal/config"
	"sallyport/login"
	"sallyport/radius"
)

// What everybody knows of the demo: it listens on loopback only.
const (
	demoSecret = "sallyport-demo-secret"
	demoBrand  = "Sallyport demo"
)

func demoVerb() verb {
	return verb{
		name: "demo", summary: "show the main job on this machine, with nothing to configure",
		usage: "[--nodes N] [--listen ADDRESS:PORT] [--status ADDRESS:PORT] [--state DIR] [--ui]",
		examples: []string{
			"sallyport demo",
			"sallyport demo --nodes 3",
			"sallyport demo --listen 127.0.0.1:0 --status 127.0.0.1:0 --state /tmp/sallyport-demo",
		},
		exits: "0  stopped by a signal\n1  a part failed\n2  the command line is wrong",
		flags: func(fs *pflag.FlagSet) {
			fs.Int("nodes", 1, "how many nodes; with several, each is a process of its own on an address of its own (127.0.0.1, 127.0.0.2, …)")
			fs.String("listen", "127.0.0.1:1812", "the RADIUS `address`, on loopback; port 0 takes a free one")
			fs.String("status", "127.0.0.1:9812", "the status port's `address`, on loopback; port 0 takes a free one")
			fs.String("state", "", "the `folder` that keeps what is registered (default: gone when the demo ends)")
			fs.Bool("ui", false, "serve the RADIUS client as one that reads the Sallyport attributes, not only Reply-Message")
			logFlags(fs)
		},
		run: demo,
	}
}

func demo(ctx context.Context, e env, fs *pflag.FlagSet, args []string) (err error) {
	if err := noArgs(args); err != nil {
		return err
	}
	for _, flag := range []string{"listen", "status"} {
		if err := onLoopback(flag, text(fs, flag)); err != nil {
			return err
		}
	}
	nodes, err := demoNodes(fs)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP) // a closed terminal ends it in order too
	defer stop()
	folder, clean, err := demoFolder(text(fs, "state"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, clean()) }()
	said := config.Log{Format: "text", Level: "error"}
	if err := overrideLog(fs, &said); err != nil {
		return err
	}
	l := newLogs(e.stderr, said.Format, (&config.Config{Log: said}).LogLevel())
	if text(fs, "log-level") == "" {
		l.audit = slog.New(slog.DiscardHandler) // what the person reads here is the dialogue
	}
	b := &board{w: e.stdout}
	world, err := openWorld(b, l.log, time.Now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, world.close()) }()
	l.audit = slog.New(askedHandler{l.audit.Handler(), world.token})
	o := demoOptions{
		node: "demo", folder: folder, listen: text(fs, "listen"), status: text(fs, "status"), ui: isSet(fs, "ui"), level: "error",
	}
	if nodes > 1 {
		return demoCluster{board: b, errors: e.stderr, world: world, log: l, loud: text(fs, "log-level") != "", program: e.program}.run(ctx, nodes, o)
	}
	cfg, err := demoConfig(o, world)
	if err != nil {
		return err
	}
	d, err := start(ctx, cfg, l)
	if err != nil {
		return busyHint(err)
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	return d.demonstrate(ctx, b, e.program)
}

// onLoopback keeps the demo, whose secrets everyone knows, off the network.
func onLoopback(flag, address string) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return usageErrorf("--%s: %q is not an address with a port, such as 127.0.0.1:0", flag, address)
	}
	if !a.Addr().IsLoopback() {
		return usageErrorf("--%s: the demo's passwords are public, so it serves loopback addresses only, such as 127.0.0.1:0", flag)
	}
	return nil
}

// busyHint says what to do when a port is taken.
func busyHint(err error) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	return fmt.Errorf("%w\nanother program has this port: stop it, or run the demo on free ports with --listen 127.0.0.1:0 --status 127.0.0.1:0", err)
}

// demonstrate registers those who are registered from the start, logs the first one in over UDP, and
// says what to try next.
func (d *daemon) demonstrate(ctx context.Context, w io.Writer, program string) error {
	if err := d.registerDemoPeople(ctx); err != nil {
		return err
	}
	server := d.radius.Addrs()[0].String()
	accounting := "accounting nowhere, since its port is taken"
	if addrs := d.radius.AccountingAddrs(); len(addrs) > 0 {
		accounting = "accounting on " + addrs[0].String()
	}
	fmt.Fprintf(w, "Sallyport %s, a demo: RADIUS on %s (shared secret %s), %s, status on http://%s\n\n"+
		"One complete login, over UDP, as a VPN does it for %s:\n\n",
		programVersion(), server, demoSecret, accounting, d.status.Addr(), demoUser)
	accepted, err := d.demoLogin(ctx, w, server)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the demo's own login: %w", err)
	}
	if !accepted {
		return errors.New("the demo's own login was rejected")
	}
	advice, err := demoAdvice(program, server, d.admin.Socket())
	if err != nil {
		return err
	}
	fmt.Fprint(w, advice)
	<-ctx.Done()
	fmt.Fprintln(w, "\nThe demo has ended.")
	return nil
}

// demoLogin is one login as a RADIUS client does it, with each prompt and answer written down.
func (d *daemon) demoLogin(ctx context.Context, w io.Writer, server string) (bool, error) {
	caller, err := radius.Dial(radius.CallerConfig{Server: server, Secret: demoSecret})
	if err != nil {
		return false, err
	}
	defer func() {
		if err := caller.Close(); err != nil {
			d.log.Warn("the demo's client did not close in order", slog.Any("error", err))
		}
	}()
	return runDialogue(ctx, &indented{w: w}, demoDialogue(caller.Exchange, d.now, d.demoCode))
}

// demoDialogue is the demo's own login: the first person, by the code that code returns.
func demoDialogue(
	exchange func(context.Context, radius.Message) (*radius.Response, error), now func() time.Time, code func(context.Context) (string, error),
) dialogueConfig {
	return dialogueConfig{
		exchange: exchange, username: demoUser, transcript: true, now: now,
		answer: func(ctx context.Context, q question) (string, error) {
			if q.step == login.StepPassword {
				return demoPassword, nil
			}
			return code(ctx)
		},
	}
}
