//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"sallyport/e2e/servers"
	"sallyport/login"
	"sallyport/radius"
)

// commuter is somebody who logs in again and again, with a new code each time.
type commuter struct {
	name, password, key string
	used                int64 // the time step of the newest code
}

// traffic is people who log in at a steady rate through any node of a cluster, by a client that asks the
// next node when one is silent and stays with the one that answers, as VPN servers do.
type traffic struct {
	t       *testing.T
	callers []*radius.Caller
	people  []commuter
	stop    context.CancelFunc
	all     sync.WaitGroup

	mu      sync.Mutex
	logins  int
	resent  map[int]int // how many logins took so many retransmissions
	slowest time.Duration
	faults  []error
}

// patience is how long a node may be silent before the next one is asked.
const patience = 3 * time.Second

// startTraffic registers the bulk of a slapd's people, and then lets rate of them log in a second.
func startTraffic(t *testing.T, nodes trio, people, rate int) *traffic {
	t.Helper()
	tr := &traffic{t: t, people: make([]commuter, people), resent: map[int]int{}}
	for _, s := range nodes {
		c, err := radius.Dial(radius.CallerConfig{
			Server: s.Radius, Secret: servers.ClientSecret,
			Timing: radius.Timing{Initial: patience, Transmissions: 1, Total: 2 * patience},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		tr.callers = append(tr.callers, c)
	}
	tr.register()
	ctx, stop := context.WithCancel(t.Context())
	tr.stop = stop
	t.Cleanup(tr.end)
	tr.all.Go(func() { tr.run(ctx, time.Second/time.Duration(rate)) })
	return tr
}

// register registers everybody with the code of the time step before, so that the current one is left.
func (tr *traffic) register() {
	tr.t.Helper()
	const atOnce = 16
	room, errs := make(chan struct{}, atOnce), make([]error, len(tr.people))
	for i := range tr.people {
		room <- struct{}{}
		tr.all.Go(func() {
			p := &tr.people[i]
			p.name, p.password = servers.BulkUser(i), servers.BulkPassword(i)
			errs[i] = tr.registers(p, i%len(tr.callers))
			<-room
		})
	}
	tr.all.Wait()
	if err := errors.Join(errs...); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr *traffic) registers(p *commuter, node int) error {
	first, err := tr.callers[node].Exchange(tr.t.Context(), radius.Message{Username: p.name, Password: login.Secret(p.password)})
	if err != nil {
		return err
	}
	p.key, p.used = first.Prompt.SecretKey.Reveal(), timeStep()-1
	second, err := tr.callers[node].Exchange(tr.t.Context(), radius.Message{
		Username: p.name, Password: login.Secret(codeAt(tr.t, p.key, p.used)), State: first.State,
	})
	if err == nil && second.Verdict != login.Accept {
		err = fmt.Errorf("%s is not registered: %v %s", p.name, second.Verdict, second.Code)
	}
	return err
}

// run starts logins until ctx ends.
func (tr *traffic) run(ctx context.Context, distance time.Duration) {
	tick := time.NewTicker(distance)
	defer tick.Stop()
	for turn := 0; ; turn++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		p := &tr.people[turn%len(tr.people)]
		tr.all.Go(func() {
			began := time.Now()
			resent, err := tr.login(p, turn%len(tr.callers))
			tr.note(resent, time.Since(began), err)
		})
	}
}

// login logs a person in, beginning at a node, and says how often a request was sent again.
func (tr *traffic) login(p *commuter, node int) (resent int, err error) {
	ask := func(typed, state string) (*radius.Response, error) {
		for try := 0; ; try++ {
			r, err := tr.callers[node].Exchange(tr.t.Context(), radius.Message{Username: p.name, Password: login.Secret(typed), State: state})
			if err == nil || try == len(tr.callers)-1 {
				return r, err
			}
			node = (node + 1) % len(tr.callers)
			resent++
		}
	}
	first, err := ask(p.password, "")
	if err != nil {
		return resent, err
	}
	if first.Verdict != login.Challenge {
		return resent, fmt.Errorf("%s gets no challenge: %v %s", p.name, first.Verdict, first.Code)
	}
	step := time.Now().Unix() / stepSeconds
	if step <= p.used {
		return resent, fmt.Errorf("%s has used the code of this time step: there are too few people for the rate", p.name)
	}
	p.used = step
	second, err := ask(codeAt(tr.t, p.key, step), first.State)
	if err == nil && second.Verdict != login.Accept {
		err = fmt.Errorf("%s is not let in: %v %s", p.name, second.Verdict, second.Code)
	}
	return resent, err
}

func (tr *traffic) note(resent int, took time.Duration, err error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.logins++
	tr.resent[resent]++
	tr.slowest = max(tr.slowest, took)
	if err != nil {
		tr.faults = append(tr.faults, fmt.Errorf("login %d: %w", tr.logins, err))
	}
}

// more waits until so many more logins have ended.
func (tr *traffic) more(logins int) {
	tr.t.Helper()
	count := func() int {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		return tr.logins
	}
	wanted := count() + logins
	(&site{t: tr.t}).eventually(fmt.Sprintf("%d more logins", logins), func() error {
		if n := count(); n < wanted {
			return fmt.Errorf("%d are missing", wanted-n)
		}
		return nil
	})
}

// end lets the logins in progress end, and no other begin. It may be called again.
func (tr *traffic) end() {
	tr.stop()
	tr.all.Wait()
}

// judge ends the traffic: every login must have succeeded, with one retransmission at most.
func (tr *traffic) judge() {
	tr.t.Helper()
	tr.end()
	tr.t.Logf("%d logins, by the number of retransmissions %v, the slowest %v", tr.logins, tr.resent, tr.slowest.Round(time.Millisecond))
	if err := errors.Join(tr.faults...); err != nil {
		tr.t.Error(err)
	}
	for resent, logins := range tr.resent {
		if resent > 1 {
			tr.t.Errorf("%d logins took %d retransmissions", logins, resent)
		}
	}
	if tr.logins == 0 {
		tr.t.Error("nobody has logged in: nothing was tested")
	}
}
