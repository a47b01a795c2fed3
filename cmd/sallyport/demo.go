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

	"github.com/spf13/pflag"

	"sallyport/cluster"
	"sallyport/factors/totp"
	"sallyport/login"
	"sallyport/radius"
)

// Who is in the demo. All of this is public: the demo listens on loopback only.
const (
	demoSecret        = "sallyport-demo-secret"
	demoUser          = "alice"
	demoPassword      = "wonderland-1"
	demoKey           = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	demoOtherUser     = "bob"
	demoOtherPassword = "builder-1"
)

func demoVerb() verb {
	return verb{
		name: "demo", summary: "show the main job on this machine, with nothing to configure",
		usage: "[--listen ADDRESS:PORT] [--status ADDRESS:PORT] [--state DIR]",
		examples: []string{
			"sallyport demo",
			"sallyport demo --listen 127.0.0.1:0 --status 127.0.0.1:0 --state /tmp/sallyport-demo",
		},
		exits: "0  stopped by a signal\n1  a part failed\n2  the command line is wrong",
		flags: func(fs *pflag.FlagSet) {
			fs.String("listen", "127.0.0.1:1812", "the RADIUS `address`, on loopback; port 0 takes a free one")
			fs.String("status", "127.0.0.1:9812", "the status port's `address`; port 0 takes a free one")
			fs.String("state", "", "the `folder` that keeps what is registered (default: gone when the demo ends)")
			logFlags(fs)
		},
		run: demo,
	}
}

func demo(ctx context.Context, e env, fs *pflag.FlagSet, args []string) (err error) {
	if err := noArgs(args); err != nil {
		return err
	}
	if err := onLoopback(text(fs, "listen")); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP) // a closed terminal ends it in order too
	defer stop()
	folder, clean, err := demoFolder(text(fs, "state"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, clean()) }()
	cfg, err := demoConfig(folder, text(fs, "listen"), text(fs, "status"))
	if err != nil {
		return err
	}
	if err := overrideLog(fs, &cfg.Log); err != nil {
		return err
	}
	l := newLogs(e.stderr, cfg.Log.Format, cfg.LogLevel())
	if text(fs, "log-level") == "" {
		l.audit = slog.New(slog.DiscardHandler) // what the person reads here is the dialogue
	}
	d, err := start(ctx, cfg, l)
	if err != nil {
		return busyHint(err)
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	return d.demonstrate(ctx, e.stdout, e.program)
}

// onLoopback keeps the demo, whose secrets everyone knows, off the network.
func onLoopback(address string) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return usageErrorf("--listen: %q is not an address with a port, such as 127.0.0.1:1812", address)
	}
	if !a.Addr().IsLoopback() {
		return usageErrorf("--listen: the demo's passwords are public, so it serves loopback addresses only, such as 127.0.0.1:1812")
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

// demonstrate registers the first user, logs that user in over UDP, and says what to try next.
func (d *daemon) demonstrate(ctx context.Context, w io.Writer, program string) error {
	if err := d.registerDemoUser(ctx); err != nil {
		return err
	}
	server := d.radius.Addrs()[0].String()
	fmt.Fprintf(w, "Sallyport %s, a demo: RADIUS on %s (shared secret %s), status on http://%s\n\n",
		programVersion(), server, demoSecret, d.status.Addr())
	fmt.Fprintf(w, "One complete login, over UDP, as a VPN does it for %s:\n\n", demoUser)
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
	fmt.Fprint(w, demoAdvice(program, server, d.admin.Socket()))
	<-ctx.Done()
	fmt.Fprintln(w, "\nThe demo has ended.")
	return nil
}

// registerDemoUser stores the first user's authenticator, unless an earlier demo did.
func (d *daemon) registerDemoUser(ctx context.Context) error {
	id, err := d.demoUserID(ctx)
	if err != nil {
		return err
	}
	enrolment, err := d.state.Enrolment(ctx, id)
	if err != nil || enrolment.Credentials[totp.Name].Registered() {
		return err
	}
	record, err := totp.ParseKey(demoKey)
	if err != nil {
		return err
	}
	return d.state.Register(ctx, cluster.Registration{UserID: id, Name: demoUser, Factor: totp.Name, Record: record})
}

func (d *daemon) demoUserID(ctx context.Context) (string, error) {
	u, err := d.logins.finders()["demo"].Find(ctx, demoUser)
	return u.ID, err
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
	return runDialogue(ctx, &indented{w: w}, dialogueConfig{
		exchange: caller.Exchange, username: demoUser, transcript: true, now: d.now,
		answer: func(ctx context.Context, q question) (string, error) {
			if q.step == login.StepPassword {
				return demoPassword, nil
			}
			return d.demoCode(ctx)
		},
	})
}
