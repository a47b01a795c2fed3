package radius

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/login"
)

// forgetful is a Memory whose Learn is a function.
type forgetful func(ctx context.Context) error

func (forgetful) Learned(string, netip.Addr) bool { return false }

func (forgetful) Sighted(string, netip.Addr) (signed, unsigned login.Sighting) { return }

func (f forgetful) Learn(ctx context.Context, _ login.Lesson) error { return f(ctx) }

func TestLearningIsTriedAgainWithTheNextPacket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		tries, commit := 0, make(chan struct{})
		l := newLearner(forgetful(func(context.Context) error {
			<-commit
			if tries++; tries < 6 {
				return errors.New("no leader")
			}
			return nil
		}), slog.New(slog.NewTextHandler(&log, nil)), time.Now)
		l.start()
		one := lesson{login.Lesson{Client: "vpn", Address: testFrom.Addr()}, true}
		for range 6 {
			l.learn(one)
			l.learn(one) // is pending
			commit <- struct{}{}
			synctest.Wait()
		}
		l.close()
		if tries != 6 {
			t.Errorf("tried %d times, want 6", tries)
		}
		if got := strings.Count(log.String(), "no leader"); got != logBurst {
			t.Errorf("%d lines for 5 failures, want %d", got, logBurst)
		}
		if !strings.Contains(log.String(), "required of it from now on") {
			t.Error("success is not logged")
		}
	})
}

func TestClosedLearnerCancelsWhatTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		l := newLearner(forgetful(func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}), slog.New(slog.DiscardHandler), time.Now)
		l.start()
		for n := range 2 * maxLessons {
			l.learn(lesson{Lesson: login.Lesson{Client: "vpn", Address: netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)})}})
		}
		synctest.Wait()
		l.close()
		if took := time.Since(start); took != 0 {
			t.Errorf("close took %v", took)
		}
	})
}
