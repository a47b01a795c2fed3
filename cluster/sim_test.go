package cluster

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"sallyport/login"
)

// A simulation is three nodes in this process, whole but for disks, wires and clocks, which are of
// memory. What goes wrong with these, and what clients ask, follows from one number. Time is that of
// testing/synctest: it passes when everybody waits, so that minutes take no time at all.
//
//	go test ./cluster -run TestSimulation -seed 17       one schedule, with what happened in it
//	go test ./cluster -run TestSimulation -seeds 10000   more of them
//
// The schedule is the same for the same number, and so is what each wire and each disk does with its nth
// message or write. What is not: in which order goroutines run that are ready at the same moment, which
// of several ready channels a select takes, and how long Raft waits for an election, which it draws from
// a source that nobody can seed. A failure may need some plays of its number: -count 20.
var (
	oneSeed = flag.Uint64("seed", 0, "play this one schedule of the simulation, and tell what happened")
	seeds   = flag.Uint64("seeds", 60, "how many schedules of the simulation are played")
)

// Whatever dies, hangs, lags or lies: a code lets one login in, an answer has one verdict, a passcode is
// forwarded once, what was acknowledged stays, and when all is well again all nodes serve and agree.
func TestSimulation(t *testing.T) {
	if *oneSeed > 0 {
		if err := playSimulation(t, *oneSeed, simOptions{log: t.Log}); err != nil {
			t.Error(err)
		}
		return
	}
	var next, accepts atomic.Uint64
	t.Run("schedules", func(t *testing.T) {
		for worker := range runtime.GOMAXPROCS(0) {
			t.Run(fmt.Sprint(worker), func(t *testing.T) {
				t.Parallel()
				for seed := next.Add(1); seed <= *seeds && !t.Failed(); seed = next.Add(1) {
					if err := playSimulation(t, seed, simOptions{accepts: &accepts}); err != nil {
						t.Errorf("%v\nagain: go test ./cluster -run TestSimulation -seed %d", err, seed)
					}
				}
			})
		}
	})
	if accepts.Load() < *seeds {
		t.Errorf("%d logins in %d schedules: nothing was tried", accepts.Load(), *seeds)
	}
}

// The simulation finds the mistake that it is there for: nodes that judge single use by what they know.
func TestSimulationFindsSingleUseByLocalState(t *testing.T) {
	for seed := uint64(1); seed <= *seeds; seed++ {
		err := playSimulation(t, seed, simOptions{broken: true})
		if err != nil && strings.Contains(err.Error(), errUsedTwice) {
			first, _, _ := strings.Cut(err.Error(), "\n")
			t.Logf("schedule %d: %s", seed, first)
			return
		}
	}
	t.Errorf("not found in %d schedules", *seeds)
}

type simOptions struct {
	broken  bool           // nodes judge answers by their own replicas
	log     func(...any)   // gets the whole story; nil for none
	accepts *atomic.Uint64 // counts logins
}

// playSimulation plays one schedule. The error says what went wrong, and what happened before.
func playSimulation(t *testing.T, seed uint64, o simOptions) (err error) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(seed, o)
		err = s.play()
		if o.accepts != nil {
			o.accepts.Add(s.book.accepts())
		}
		if o.log != nil {
			o.log(s.book.story(1 << 20))
		}
	})
	return err
}

// sim is one play of one schedule.
type sim struct {
	simOptions
	seed       uint64
	began      time.Time
	book       *book
	wires      *wires
	hosts      []*host
	ring       *login.KeyRing
	registered registered

	mu     sync.Mutex // for the lives of hosts
	ending sync.WaitGroup
}

const (
	simNodes   = 3
	simClients = 4
	// simChaos is how long things go wrong, simCalm how long it may take until all is well.
	simChaos = 3 * time.Second
	simCalm  = 30 * time.Second
)

func newSim(seed uint64, o simOptions) *sim {
	s := &sim{simOptions: o, seed: seed, began: time.Now(), wires: newWires(seed)}
	s.book = newBook(s.began)
	for i := range simNodes {
		h := &host{sim: s, name: fmt.Sprintf("n%d", i+1), dice: s.newDice(uint64(100 + i))}
		s.hosts = append(s.hosts, h)
	}
	return s
}

// newDice are the dice of one actor.
func (s *sim) newDice(actor uint64) *rand.Rand { return rand.New(rand.NewPCG(s.seed, actor)) }

func (s *sim) tell(format string, args ...any) { s.book.tell(format, args...) }

func (s *sim) play() error {
	defer s.close()
	if err := s.begin(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), simChaos)
	defer cancel()
	var actors sync.WaitGroup
	actors.Go(func() { s.goWrong(ctx) })
	actors.Go(func() { s.administer(ctx) })
	for i := range simClients {
		actors.Go(func() { s.newClient(i).live(ctx) })
	}
	actors.Wait()
	if err := s.calm(); err != nil {
		s.book.wrong("%v", err)
	}
	return s.book.verdict()
}

// begin makes the cluster, and waits until it serves.
func (s *sim) begin() error {
	var servers []raft.Server
	var members roster
	for _, h := range s.hosts {
		servers = append(servers, raft.Server{ID: raft.ServerID(h.name), Address: raft.ServerAddress(simAddress(h.name))})
		members.Members = append(members.Members, member{
			Name: h.name, Address: simAddress(h.name), Voter: true, Fingerprint: fingerprintText(simFingerprint(h.name)),
		})
	}
	for _, h := range s.hosts {
		if err := errors.Join(h.format(servers, members), h.boot()); err != nil {
			return err
		}
	}
	if err := s.ready(); err != nil {
		return err
	}
	for _, h := range s.hosts { // they begin at once, so that no log says what time it is
		for n := h.running().node; n.Now().Before(s.began); {
			time.Sleep(10 * time.Millisecond)
		}
	}
	var err error
	s.ring, err = s.hosts[0].running().node.keyRing()
	return err
}

// ready waits until all nodes serve.
func (s *sim) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), simCalm)
	defer cancel()
	for _, h := range s.hosts {
		l := h.running()
		if l == nil {
			return fmt.Errorf("%s is down", h.name)
		}
		if err := l.node.WaitReady(ctx); err != nil {
			return fmt.Errorf("%s does not serve: %w", h.name, err)
		}
		for err := l.node.readableNow(); err != nil; err = l.node.readableNow() {
			if wait(ctx, 10*time.Millisecond) != nil {
				return fmt.Errorf("%s does not serve: %w", h.name, err)
			}
		}
	}
	return nil
}

// calm mends everything, and looks at what has come of it.
func (s *sim) calm() error {
	s.tell("all is well")
	s.wires.heal()
	for _, h := range s.hosts {
		h.offset.Store(0)
		if l := h.running(); l != nil {
			l.disk.heal()
		}
	}
	for _, h := range s.hosts {
		if err := h.boot(); err != nil {
			return err
		}
	}
	if err := s.ready(); err != nil {
		return err
	}
	if err := s.recheck(); err != nil {
		return err
	}
	return s.agree()
}

// agree waits until all nodes have applied the same, and compares what they have.
func (s *sim) agree() error {
	ctx, cancel := context.WithTimeout(context.Background(), simCalm)
	defer cancel()
	for {
		first := s.hosts[0].running().node.machine.View()
		same := true
		for _, h := range s.hosts[1:] {
			view := h.running().node.machine.View()
			if same = same && view.Index() == first.Index(); same && (view.Digest() != first.Digest() || view.Hash() != first.Hash()) {
				return fmt.Errorf("at entry %d %s has another state than %s", first.Index(), h.name, s.hosts[0].name)
			}
		}
		if same {
			return nil
		}
		if err := wait(ctx, 10*time.Millisecond); err != nil {
			return fmt.Errorf("the nodes do not come to the same entry: %w", err)
		}
	}
}

// close ends everything that runs.
func (s *sim) close() {
	s.wires.heal()
	for _, h := range s.hosts {
		h.crash(h.running(), nil)
	}
	s.ending.Wait()
	s.wires.carrying.Wait()
}
