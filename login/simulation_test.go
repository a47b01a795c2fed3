package login_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"sallyport/cluster"
	"sallyport/cluster/ledgertest"
	"sallyport/factors/totp"
	"sallyport/login"
)

// A simulation is a cluster of three engines, a clock and a schedule, all of which follow from one
// number. Requests stop at each question to the ledger and go on when the schedule says so; nodes lag
// behind the log as it says; commands are lost, doubled, delayed, or committed without anyone being
// told. The packets, keys and nonces are random, but decide nothing.
//
//	go test ./login -run TestSingleUse -seed 17        one schedule, with what happened in it
//	go test ./login -run TestSingleUse -seeds 10000    more of them
var (
	oneSeed = flag.Uint64("seed", 0, "play this one schedule of the simulation, and tell what happened")
	seeds   = flag.Uint64("seeds", 300, "how many schedules of the simulation are played")
)

// Whatever nodes know, whatever becomes of commands and whoever repeats what: a code lets one login in,
// a packet has one reply, a wrong code lets nobody in, and a right one is not refused.
func TestSingleUseOnNodesThatLag(t *testing.T) {
	first, last := uint64(1), *seeds
	if *oneSeed > 0 {
		first, last = *oneSeed, *oneSeed
	}
	var accepts int
	for seed := first; seed <= last; seed++ {
		s := newSimulation(t, seed, false)
		if err := s.run(); err != nil {
			t.Fatalf("%v\n%s\nagain: go test ./login -run TestSingleUse -seed %d", err, s.story(40), seed)
		}
		accepts += s.accepts
		if *oneSeed > 0 {
			t.Log(s.story(len(s.told)))
		}
	}
	if schedules := int(last - first + 1); accepts < schedules {
		t.Errorf("%d logins in %d schedules: nothing was tried", accepts, schedules)
	}
}

// The simulation finds the mistake that it is there for: nodes that judge single use by what they know.
func TestSimulationFindsSingleUseByLocalState(t *testing.T) {
	const enough = 100
	for seed := uint64(1); seed <= enough; seed++ {
		if err := newSimulation(t, seed, true).run(); err != nil && strings.Contains(err.Error(), "with one code") {
			t.Logf("schedule %d: %v", seed, err)
			return
		}
	}
	t.Errorf("not found in %d schedules", enough)
}

// simulation is one schedule.
type simulation struct {
	*world
	people
	rng     *rand.Rand
	all     *cluster.Replicas
	engines []*login.Engine
	calm    bool // nothing goes wrong any more
	running []*call
	current *call
	told    []string
}

// call is a request on its way through an engine.
type call struct {
	next func() (struct{}, bool)
	// pause stops the call until the schedule resumes it.
	pause func(struct{}) bool
}

func newSimulation(t testing.TB, seed uint64, broken bool) *simulation {
	s := &simulation{rng: rand.New(rand.NewPCG(seed, 0))}
	s.world = newWorldOn(t, func(now func() time.Time) ledgertest.Ledger {
		s.all = cluster.NewReplicas(serving+1, now)
		return s.all.Node(serving)
	})
	s.people = newPeople(s)
	for n := range serving {
		node := s.all.Node(n)
		node.Advance(node.Behind())
		node.Fate, node.Broken = s.fate, broken
		s.engines = append(s.engines, s.newEngineOn(&stepping{node, s}, login.Limits{}))
	}
	return s
}

// fate draws what becomes of a command.
func (s *simulation) fate() cluster.Fate {
	unlucky := []cluster.Fate{cluster.Doubled, cluster.Lost, cluster.Unknown, cluster.Delayed}
	if n := s.rng.IntN(20); n < len(unlucky) && !s.calm {
		return unlucky[n]
	}
	return cluster.Committed
}

// tell notes what happened.
func (s *simulation) tell(format string, args ...any) {
	s.told = append(s.told, s.now.UTC().Format("04:05 ")+fmt.Sprintf(format, args...))
}

// story is what was told last.
func (s *simulation) story(lines int) string {
	return strings.Join(s.told[max(len(s.told)-lines, 0):], "\n")
}

// start makes a call that stops at each question to the ledger.
func (s *simulation) start(do func()) {
	c := &call{}
	c.next, _ = iter.Pull(func(yield func(struct{}) bool) {
		c.pause = yield
		do()
	})
	s.running = append(s.running, c)
}

// resume lets a call go on to its next question.
func (s *simulation) resume(n int) {
	c := s.running[n]
	s.current = c
	if _, more := c.next(); !more {
		s.running = append(s.running[:n], s.running[n+1:]...)
	}
	s.current = nil
}

// stop is called by the ledgers of the engines.
func (s *simulation) stop() {
	if c := s.current; c != nil {
		c.pause(struct{}{})
	}
}

// run plays the schedule, and then looks whether everybody can still log in.
func (s *simulation) run() error {
	for range 250 {
		s.happen()
	}
	s.calm = true
	for len(s.running) > 0 {
		s.resume(0)
	}
	s.all.Deliver()
	if s.fault == nil {
		s.everybodyLogsIn()
	}
	return s.fault
}

// happen is one thing of the schedule.
func (s *simulation) happen() {
	const most = 5
	switch n := s.rng.IntN(100); {
	case n < 60 && len(s.running) > 0:
		s.resume(s.rng.IntN(len(s.running)))
	case n < 80 && len(s.running) < most:
		s.somebodyActs()
	case n < 92:
		s.all.Node(s.rng.IntN(serving)).Advance(1 + s.rng.IntN(3))
	case n < 95:
		s.all.Deliver()
	case n < 96:
		s.administer()
	default:
		s.now = s.now.Add(time.Duration(1+s.rng.IntN(20)) * time.Second)
	}
}

// administer changes a user's factor, or unlocks it.
func (s *simulation) administer() {
	admin := s.all.Node(serving)
	admin.Advance(admin.Behind())
	p := s.pick()
	if s.rng.IntN(2) == 0 {
		if err := admin.Unlock(s.t.Context(), p.id(), ""); err != nil && !errors.Is(err, login.ErrNotEnrolled) {
			s.t.Fatal(err)
		}
		return
	}
	if w := s.newest(p); len(w.Credentials) == 0 {
		return // an administrator gives another key, not a first one
	}
	record, err := totp.ParseKey(otherKey)
	s.must(err)
	s.enrol(p.name, totp.Name, record)
	p.keys = append(p.keys, otherKey)
	s.tell("%s was given another key", p.name)
}

// otherKey is what an administrator registers for a user who has a key.
const otherKey = "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU"

// stepping is the ledger of a node; each question waits until the schedule comes to it, and what has no
// result is asked again, as a node does.
type stepping struct {
	*cluster.Replica
	s *simulation
}

func (l *stepping) Keys(ctx context.Context) (*login.KeyRing, error) {
	l.s.stop()
	return l.Replica.Keys(ctx)
}

func (l *stepping) Enrolment(ctx context.Context, id string) (login.Enrolment, error) {
	l.s.stop()
	return l.Replica.Enrolment(ctx, id)
}

func (l *stepping) EnrolmentByHandle(ctx context.Context, h login.Handle) (login.Enrolment, bool, error) {
	l.s.stop()
	return l.Replica.EnrolmentByHandle(ctx, h)
}

func (l *stepping) Opened(ctx context.Context, id login.ChallengeID) (login.Opened, bool, error) {
	l.s.stop()
	return l.Replica.Opened(ctx, id)
}

func (l *stepping) Refresh(ctx context.Context) error {
	l.s.stop()
	return l.Replica.Refresh(ctx)
}

func (l *stepping) Open(ctx context.Context, o login.Opening) (out login.Opened, err error) {
	for try := 0; try == 0 || err != nil && try < 3; try++ {
		l.s.stop()
		out, err = l.Replica.Open(ctx, o)
	}
	return out, err
}

func (l *stepping) Settle(ctx context.Context, a login.Settlement) (out login.Outcome, err error) {
	for try := 0; try == 0 || err != nil && try < 3; try++ {
		l.s.stop()
		out, err = l.Replica.Settle(ctx, a)
	}
	return out, err
}
