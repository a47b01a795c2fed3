package fair

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var errBusy = errors.New("busy")

// S9: a client that floods the gate holds up nobody else, whether places are free soon or late.
func TestS9TheGateServesAQuietClientBesideAFlood(t *testing.T) {
	for name, limits := range map[string]Limits{
		"with a share":    {Places: 64, Share: Share, Waiting: 64, Patience: 250 * time.Millisecond, Busy: errBusy},
		"without a share": {Places: 2, Waiting: 64, Busy: errBusy},
	} {
		synctest.Test(t, func(t *testing.T) {
			g := NewGate(limits)
			// Each is inside for as long as all places together serve 100 a second.
			inside := time.Duration(limits.Places) * 10 * time.Millisecond
			use := func(client string) error {
				if err := g.Enter(t.Context(), client); err != nil {
					return err
				}
				time.Sleep(inside)
				g.Leave(client)
				return nil
			}
			var all sync.WaitGroup
			turnedAway := 0
			var mu sync.Mutex
			for range 4000 { // a second's worth
				time.Sleep(250 * time.Microsecond)
				all.Go(func() {
					if err := use("flood"); err != nil {
						mu.Lock()
						turnedAway++
						mu.Unlock()
					}
				})
			}
			for range 20 {
				start := time.Now()
				if err := use("quiet"); err != nil {
					t.Errorf("%s: the quiet client got %v", name, err)
				}
				if waited := time.Since(start) - inside; waited > inside/time.Duration(limits.Places)+inside {
					t.Errorf("%s: the quiet client waited %v", name, waited)
				}
			}
			all.Wait()
			if turnedAway == 0 {
				t.Errorf("%s: the flood was no flood", name)
			}
			if in, waiting := g.Counts(); in != 0 || waiting != 0 {
				t.Errorf("%s: %d inside, %d waiting", name, in, waiting)
			}
		})
	}
}

func TestTheGateTurnsAwayWhatCannotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const patience = 250 * time.Millisecond
		g := NewGate(Limits{Places: 1, Share: Share, Waiting: 1, Patience: patience, Busy: errBusy})
		if err := g.Enter(t.Context(), "vpn"); err != nil {
			t.Fatal(err)
		}
		patient := make(chan error, 1)
		go func() { patient <- g.Enter(t.Context(), "vpn") }()
		synctest.Wait()
		start := time.Now()
		if err := g.Enter(t.Context(), "vpn"); !errors.Is(err, errBusy) || time.Since(start) != patience {
			t.Errorf("the second who waits got %v after %v", err, time.Since(start))
		}
		if in, waiting := g.Counts(); in != 1 || waiting != 1 {
			t.Errorf("counts = %d, %d", in, waiting)
		}
		time.AfterFunc(time.Hour, func() { g.Leave("vpn") })
		if err := <-patient; err != nil || time.Since(start) < time.Hour {
			t.Errorf("the first who waits got %v after %v", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := g.Enter(ctx, "vpn"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Enter = %v, want the context's error", err)
		}
		g.Leave("vpn")
		if in, waiting := g.Counts(); in != 0 || waiting != 0 {
			t.Errorf("counts = %d, %d", in, waiting)
		}
	})
}
