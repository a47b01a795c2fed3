package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// The watchdog is fed from a real check, and starves as soon as something hangs.
func TestWatchdogIsFedOnlyWhileNothingHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		var log strings.Builder
		n := notifier{slog.New(slog.NewTextHandler(&log, nil)), func(state string) error {
			told = append(told, state)
			return nil
		}}
		var hangs atomic.Bool
		alive := func(context.Context) map[string]error {
			if hangs.Load() {
				return map[string]error{"radius": errors.New("no worker takes a packet")}
			}
			return nil
		}
		ctx, stop := context.WithCancel(t.Context())
		go n.watch(ctx, 30*time.Second, alive)

		time.Sleep(31 * time.Second)
		synctest.Wait()
		if got := strings.Join(told, " "); got != "WATCHDOG=1 WATCHDOG=1 WATCHDOG=1" {
			t.Errorf("after 31 s systemd was told %q", got)
		}
		hangs.Store(true)
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(told) != 3 {
			t.Errorf("systemd was told %q while a part hangs", told[3:])
		}
		if !strings.Contains(log.String(), "part=radius") {
			t.Errorf("the log does not name the part: %s", log.String())
		}
		stop()
		synctest.Wait()
	})
}

func TestWithoutWatchdogNothingIsChecked(t *testing.T) {
	n := notifier{slog.New(slog.DiscardHandler), func(string) error { return errors.New("told") }}
	n.watch(t.Context(), 0, func(context.Context) map[string]error {
		t.Error("the parts were asked")
		return nil
	})
}
