package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"sallyport/audit"
	"sallyport/cluster"
	"sallyport/cluster/faults"
	"sallyport/cmd/sallyport/internal/config"
	"sallyport/login"
	"sallyport/radius"
	"sallyport/web/admin"
	"sallyport/web/status"
)

// How long the steps of a start and of a stop may take. systemd waits longer for both.
const (
	startWithin = 60 * time.Second
	stopWithin  = 15 * time.Second
)

// daemon is a running Sallyport. It is built by [start], step by step, and taken down in reverse.
type daemon struct {
	logs
	now func() time.Time

	// started is the configuration of the start, which the settings that need a restart are taken
	// from; config is the one of the last reload. logins holds what was built from that.
	started *config.Config
	config  atomic.Pointer[config.Config]
	logins  *logins
	metrics *metrics
	// refusals paces the audit lines.
	refusals refusals

	state  *cluster.Node
	events *audit.Store
	status *status.Server
	radius *radius.Server
	admin  *admin.Server

	// stops undo the steps of the start that were done.
	stops []stop
}

// stop ends one part.
type stop struct {
	part string
	end  func(context.Context) error
}

func newDaemon(cfg *config.Config, l logs) *daemon {
	d := &daemon{logs: l, now: time.Now, started: cfg}
	d.config.Store(cfg)
	d.metrics = newMetrics(d.now)
	d.metrics.registry.MustRegister(logCollector(l.writer.Stats))
	return d
}

// steps are what a start does, in the order in which the parts need one another.
func (d *daemon) steps() []func(context.Context) error {
	return []func(context.Context) error{
		d.openState,   // everything else reads it or writes to it
		d.openEvents,  // what must be durable before it is answered
		d.buildLogins, // directories, factors, the engine
		d.startStatus, // early, so that /readyz says what the start waits for
		d.awaitState,  // a leader, and the keys
		d.startRadius, // from here on people log in
		d.startAdmin,
		d.finishStart, // from here on /readyz may say ready
	}
}

// start builds the parts in the order in which they need one another, and returns when people can
// log in. When a step fails, those before it are undone; the error of a start whose end was asked for
// says nothing, and ends the program with status 0.
func start(asked context.Context, cfg *config.Config, l logs) (*daemon, error) {
	d := newDaemon(cfg, l)
	ctx, cancel := context.WithTimeout(asked, startWithin)
	defer cancel()
	for _, step := range d.steps() {
		if err := step(ctx); err != nil {
			return nil, d.abandon(asked, err)
		}
	}
	return d, nil
}

// abandon undoes a start that came to err. When its end was asked for, nothing went wrong.
func (d *daemon) abandon(asked context.Context, err error) error {
	stopErr := d.stop()
	if asked.Err() == nil {
		return errors.Join(err, stopErr)
	}
	if stopErr != nil {
		return stopErr
	}
	return &exitError{code: exitOK}
}

// stop takes the parts down, the last one first: another node leads, then no more changes by
// administrators, then no more requests, then what those needed. It returns what did not end in order.
func (d *daemon) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	var errs []error
	for _, s := range slices.Backward(d.stops) {
		if err := s.end(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", s.part, err))
		}
	}
	d.stops = nil
	return errors.Join(errs...)
}

// names returns the names of parts.
func names(parts []status.Part) []string {
	var names []string
	for _, p := range parts {
		names = append(names, p.Name())
	}
	return names
}

func (d *daemon) onStop(part string, end func(context.Context) error) {
	d.stops = append(d.stops, stop{part, end})
}

// bootClock is a clock that only runs, and runs while the machine sleeps as well: that of time.Now stands still
// then, and the wall clock would seem to have been set. The zero value is ready; it is safe for concurrent use.
type bootClock struct {
	mu   sync.Mutex
	read time.Duration
	at   time.Time // by the clock of time.Now
}

// bootReading is how long a reading of the kernel's clock is carried on by time.Now, which costs no system call.
const bootReading = 10 * time.Millisecond

func (b *bootClock) sinceBoot() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	passed, byWall := now.Sub(b.at), now.Round(0).Sub(b.at.Round(0))
	slept := byWall - passed // or the wall clock was set
	if !b.at.IsZero() && passed < bootReading && slept.Abs() < time.Millisecond {
		return b.read + passed
	}
	var boot unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) // fails for a clock that does not exist: Linux has it since 2.6.39
	b.read, b.at = max(b.read, time.Duration(boot.Nano())), now
	return b.read
}

func (d *daemon) openState(context.Context) error {
	cfg := d.started
	key, err := cluster.ParseMasterKey([]byte(cfg.Node.MasterKey.Reveal()))
	if err != nil {
		return &exitError{exitConfig, err}
	}
	var clock bootClock
	began := clock.sinceBoot()
	settings := nodeConfig(cfg, d.log, faults.Clock(d.now))
	settings.Elapsed = func() time.Duration { return clock.sinceBoot() - began }
	settings.MasterKey = key
	d.state, err = cluster.Open(settings)
	if err != nil {
		return stateError(err)
	}
	d.state.SetSettings(cfg.Recognised())
	d.onStop("cluster", func(context.Context) error { return d.state.Close() })
	return nil
}

func (d *daemon) openEvents(context.Context) error {
	var err error
	d.events, err = audit.Open(audit.Config{
		Dir: filepath.Join(d.started.Node.DataDir, "audit"), Node: d.started.Node.Name, Now: d.now, Logger: d.log.With(slog.String("part", "audit")),
		MaxAge: d.started.Audit.MaxAge, MaxBytes: int64(d.started.Audit.MaxMiB) << 20,
	})
	if err != nil {
		if noFolder(err) {
			return &exitError{exitConfig, fmt.Errorf("%w; use another data_dir", err)}
		}
		return err
	}
	d.onStop("audit", d.events.Close)
	return nil
}

// deliverWithin is how long a stop waits for messages on their way. One that a mail server refuses for
// now is tried for minutes; its code is still good, and can be sent again, after the start.
const deliverWithin = 5 * time.Second

// closeOutbox lets messages and forwarded answers arrive. Giving some up is no failure of the stop.
func (d *daemon) closeOutbox(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, deliverWithin)
	defer cancel()
	if err := d.logins.outbox.Close(ctx); err != nil {
		d.log.Warn("messages on their way were given up", slog.String("event", "stop"), slog.Any("error", err))
	}
	return nil
}

// stateError tells a wrong setting or master key, which no restart repairs, from what may pass.
func stateError(err error) error {
	var setting *cluster.ConfigError
	switch {
	case errors.Is(err, cluster.ErrMasterKey), errors.As(err, &setting):
		return &exitError{exitConfig, err}
	case noFolder(err):
		return &exitError{exitConfig, fmt.Errorf("%w; use another data_dir", err)}
	}
	return err
}

// noFolder reports whether a folder cannot be made, or be made private, whatever becomes of the disk.
func noFolder(err error) bool {
	var failed *fs.PathError
	return errors.As(err, &failed) && (failed.Op == "mkdir" || failed.Op == "chmod") &&
		(errors.Is(failed, fs.ErrPermission) || errors.Is(failed, fs.ErrNotExist) || errors.Is(failed, fs.ErrExist))
}

func (d *daemon) buildLogins(context.Context) error {
	d.logins = &logins{
		log: d.log, now: d.now, ledger: d.state, codeTime: d.state.CodeTime, audit: d.observe,
		throttle: login.NewThrottle(0, 0, d.now), outbox: login.NewOutbox(d.delivered, d.now),
		replies: newReplyFile(filepath.Join(d.started.Node.DataDir, replyFileName), d.log),
	}
	parts, err := d.logins.prepare(d.started)
	if err != nil {
		return &exitError{exitConfig, err}
	}
	d.logins.use(parts, d.started.Login)
	d.onStop("directories and factors", func(context.Context) error {
		return d.logins.current.Load().closeAllBut(&loginParts{})
	})
	d.onStop("outbox", d.closeOutbox)
	return nil
}

func (d *daemon) startStatus(ctx context.Context) error {
	cfg := d.started
	var err error
	d.status, err = status.New(status.Config{
		Listen: cfg.Status.Listen, Hosts: cfg.StatusHosts(), Version: programVersion(), Node: cfg.Node.Name,
		Registry: d.metrics.registry, Logger: d.log.With(slog.String("part", "status")), Now: d.now,
	})
	if err != nil {
		return err
	}
	parts := append(d.logins.current.Load().parts(), live{clusterPart{d.state}, d.stateAlive}, logPart{d.writer}, starting{})
	if err := d.status.Replace(nil, parts...); err != nil {
		return err
	}
	if cfg.Status.Listen == "" {
		return nil
	}
	if err := d.status.Start(); err != nil {
		return err
	}
	d.onStop("status", d.status.Shutdown)
	return nil
}

// finishStart takes the start out of what must be ready. A stop begins with what is registered here: while
// the lead is handed over, logins go on.
func (d *daemon) finishStart(context.Context) error {
	d.onStop("lead", d.stepDown)
	return d.status.Replace([]string{starting{}.Name()})
}

func (d *daemon) startRadius(context.Context) error {
	cfg := d.started
	var err error
	accounting := cfg.Accounting()
	accounting.Record = d.recordAccounting
	d.radius, err = radius.New(radius.Config{
		Accounting: accounting,
		Listen:     cfg.Radius.Listen, Clients: cfg.RadiusClients(), VendorID: cfg.Radius.VendorID,
		RejectDelay: cfg.RejectDelay(), Logger: d.log.With(slog.String("part", "radius")), Now: d.now,
		Tag: d.requestKey, CanServe: d.canServe(), Refused: d.observe,
	}, d.logins, d.state)
	if err != nil {
		return &exitError{exitConfig, err}
	}
	if err := d.radius.Start(); err != nil {
		return err
	}
	d.onStop("radius", d.radius.Shutdown)
	d.metrics.registry.MustRegister(d.partMetrics()...)
	return d.status.Register(live{d.radius, d.radiusAlive})
}

func (d *daemon) startAdmin(context.Context) error {
	snapshots, err := newBackups(d)
	if err != nil {
		return &exitError{exitConfig, err}
	}
	d.admin, err = admin.New(admin.Config{
		Socket: d.started.Admin.Socket, Users: administered{d.state}, Directories: d.logins.finders, Factors: d.logins.factors, Tell: d.logins.Tell,
		Clients: clientBook{d}, Cluster: clusterBook{d.state}, Snapshots: snapshots, Status: d.status, Now: d.now,
		Logger: d.log.With(slog.String("part", "admin")), Audit: d.audit.With(slog.String("part", "admin")),
	})
	if err != nil {
		return err
	}
	if err := d.admin.Start(); err != nil {
		return err
	}
	d.onStop("admin", d.admin.Shutdown)
	return nil
}
