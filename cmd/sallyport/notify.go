package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// notifier tells systemd how the service is. Outside a service it tells nobody.
type notifier struct {
	log *slog.Logger
	// send is sd.SdNotify, or a test's.
	send func(state string) error
}

func newNotifier(log *slog.Logger) notifier {
	return notifier{log, func(state string) error {
		_, err := sd.SdNotify(false, state)
		return err
	}}
}

func (n notifier) tell(state string) {
	if err := n.send(state); err != nil {
		n.log.Warn("systemd could not be notified", slog.Any("error", err))
	}
}

// ready also ends a reload.
func (n notifier) ready(status string) { n.tell(sd.SdNotifyReady + "\nSTATUS=" + status) }

// reloading carries the time that systemd wants with it (sd_notify(3), MONOTONIC_USEC).
func (n notifier) reloading() {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		n.log.Warn("the monotonic clock cannot be read", slog.Any("error", err))
		return
	}
	n.tell(fmt.Sprintf("%s\nMONOTONIC_USEC=%d", sd.SdNotifyReloading, now.Nano()/1000))
}

func (n notifier) stopping(reason string) { n.tell(sd.SdNotifyStopping + "\nSTATUS=" + reason) }

// watch feeds systemd's watchdog for as long as alive says that nothing hangs. interval is how long
// systemd waits before it ends the process; zero means that it does not watch.
func (n notifier) watch(ctx context.Context, interval time.Duration, alive func(context.Context) map[string]error) {
	if interval == 0 {
		return
	}
	tick := time.NewTicker(interval / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		hung := alive(ctx)
		if len(hung) == 0 {
			n.tell(sd.SdNotifyWatchdog)
			continue
		}
		for part, err := range hung {
			n.log.Error("a part hangs; systemd will end this process", slog.String("part", part), slog.Any("error", err))
		}
	}
}

// watchdogInterval returns systemd's WatchdogSec, zero without a watchdog.
func watchdogInterval(log *slog.Logger) time.Duration {
	interval, err := sd.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("systemd's watchdog is misconfigured and stays unfed", slog.Any("error", err))
	}
	return interval
}
