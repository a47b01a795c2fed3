package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"sallyport/cmd/sallyport/internal/config"
)

// closeAfter is how long a directory or a factor that is not used any more stays open for the logins
// that began with it: more than any answer may take.
const closeAfter = 40 * time.Second

// prepared is a configuration with what was built from it; or what is wrong with it.
type prepared struct {
	cfg   *config.Config
	parts *loginParts
	err   error
}

// reload puts a new configuration into effect: clients, policies, directories, factors, limits and
// the log level. What load or a part finds wrong leaves everything as it was, and so does the end of
// ctx, which is not kept waiting by a file system that hangs.
func (d *daemon) reload(ctx context.Context, load func() (*config.Config, error)) {
	var next prepared
	select {
	case next = <-d.prepareReload(ctx, load):
	case <-ctx.Done():
		return
	}
	if next.err == nil {
		next.err = d.take(next.cfg, next.parts)
	}
	err := next.err
	d.metrics.reloaded(err == nil)
	if err == nil {
		return
	}
	for line := range strings.Lines(err.Error()) {
		d.log.Error("configuration not reloaded, the old one stays",
			slog.String("event", "reload"), slog.String("error", strings.TrimSuffix(line, "\n")))
	}
}

// prepareReload reads the configuration and builds its parts in the background. When nobody waits for
// them any more, they are closed.
func (d *daemon) prepareReload(ctx context.Context, load func() (*config.Config, error)) <-chan prepared {
	done := make(chan prepared)
	go func() {
		var next prepared
		if next.cfg, next.err = load(); next.err == nil {
			next.parts, next.err = d.logins.prepare(next.cfg)
		}
		select {
		case done <- next:
		case <-ctx.Done():
			if next.parts != nil {
				d.closeUnused(next.parts, d.logins.current.Load())
			}
		}
	}()
	return done
}

// take puts a configuration and its parts in the place of those in use.
func (d *daemon) take(next *config.Config, parts *loginParts) error {
	old := d.logins.current.Load()
	if err := d.status.Replace(names(old.parts()), parts.parts()...); err != nil {
		return errors.Join(err, parts.closeAllBut(old))
	}
	if err := d.radius.SetClients(next.RadiusClients()); err != nil {
		return errors.Join(err, d.status.Replace(names(parts.parts()), old.parts()...), parts.closeAllBut(old))
	}
	// Nothing fails from here on.
	d.logins.use(parts, next.Login)
	time.AfterFunc(closeAfter, func() { d.closeUnused(old, parts) })
	d.config.Store(next)
	d.state.SetSettings(next.Recognised())
	d.level.Set(next.LogLevel())
	d.reportReload(next)
	return nil
}

func (d *daemon) closeUnused(old, used *loginParts) {
	if err := old.closeAllBut(used); err != nil {
		d.log.Warn("a directory or a factor did not close in order", slog.Any("error", err))
	}
}

// reportReload says what was taken over, and what was not.
func (d *daemon) reportReload(next *config.Config) {
	for _, w := range next.Warnings {
		d.log.Warn("configuration warning", slog.String("warning", w.String()))
	}
	if needRestart := config.NeedRestart(d.started, next); len(needRestart) > 0 {
		d.log.Warn("configuration reloaded, but these settings wait for a restart",
			slog.String("event", "reload"), slog.Any("settings", needRestart))
		return
	}
	d.log.Info("configuration reloaded", slog.String("event", "reload"))
}
