package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"sallyport/cmd/sallyport/internal/config"
)

func serveVerb() verb {
	return verb{
		name: "serve", summary: "run the daemon in the foreground",
		usage: "[--config FILE] [--log-level LEVEL] [--log-format FORMAT]",
		examples: []string{
			"sallyport serve",
			"sallyport serve --config ./sallyport.toml --log-level debug",
		},
		exits: `0   stopped by a signal
1   a part failed
2   the command line is wrong
70  the disk hangs
74  the disk does not take a write
78  the configuration is wrong; a restart would not help`,
		flags: func(fs *pflag.FlagSet) {
			configFlag(fs)
			logFlags(fs)
		},
		run: serve,
	}
}

// logFlags declares what goes before the [log] table.
func logFlags(fs *pflag.FlagSet) {
	fs.String("log-level", "", "debug, info, warn or error; goes before the configuration's")
	fs.String("log-format", "", "text or json; goes before the configuration's")
}

// overrideLog puts the flags of logFlags in place of the configuration's settings.
func overrideLog(fs *pflag.FlagSet, l *config.Log) error {
	for _, flag := range []struct {
		name    string
		setting *string
		words   []string
	}{
		{"log-level", &l.Level, []string{"debug", "info", "warn", "error"}},
		{"log-format", &l.Format, []string{"text", "json"}},
	} {
		value := text(fs, flag.name)
		if value == "" {
			continue
		}
		if !slices.Contains(flag.words, value) {
			return usageErrorf("--%s is one of %s", flag.name, strings.Join(flag.words, ", "))
		}
		*flag.setting = value
	}
	return nil
}

func serve(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
	if err := noArgs(args); err != nil {
		return err
	}
	load := func() (*config.Config, error) {
		cfg, err := readConfig(e, fs, config.Load)
		if err != nil {
			return nil, err
		}
		return cfg, overrideLog(fs, &cfg.Log)
	}
	cfg, err := load()
	if err != nil {
		return err
	}
	tuneMemory()
	l := newLogs(e.stderr, cfg.Log.Format, cfg.LogLevel())
	for _, w := range cfg.Warnings {
		l.log.Warn("configuration warning", slog.String("warning", w.String()))
	}
	// From here on a hang-up reloads, even one that comes while the start goes on.
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)

	d, err := start(ctx, cfg, l)
	if err != nil {
		return err
	}
	return d.run(ctx, newNotifier(l.log), hangup, load)
}

// run serves until ctx ends, and then takes the daemon down.
func (d *daemon) run(ctx context.Context, systemd notifier, hangup <-chan os.Signal, load func() (*config.Config, error)) error {
	systemd.ready(d.summary())
	d.log.Info("serving", slog.String("event", "start"), slog.String("version", programVersion()),
		slog.String("node", d.started.Node.Name), slog.Any("radius", d.radius.Addrs()), slog.Any("accounting", d.radius.AccountingAddrs()))
	go systemd.watch(ctx, watchdogInterval(d.log), d.status.Alive)
	for {
		select {
		case <-hangup:
			systemd.reloading()
			d.reload(ctx, load)
			if ctx.Err() == nil {
				systemd.ready(d.summary())
			}
		case <-ctx.Done():
			d.log.Info("stopping: requests in progress are finished first", slog.String("event", "stop"))
			systemd.stopping("finishing the requests in progress")
			return d.stop()
		}
	}
}

// summary is the line that systemctl status shows.
func (d *daemon) summary() string {
	var addresses []string
	for _, a := range d.radius.Addrs() {
		addresses = append(addresses, a.String())
	}
	return "node " + d.started.Node.Name + " serves RADIUS on " + strings.Join(addresses, ", ")
}
