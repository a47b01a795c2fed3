//go:build e2e

package cluster

import (
	"errors"
	"math/rand/v2"
	"time"

	"sallyport/e2e/hosts"
)

// fault is something that goes wrong, and how it is put right.
type fault struct {
	name string
	// lasts is how long before it is put right.
	lasts time.Duration
	begin func(s *site, r *rand.Rand) (end func() error, err error)
}

// faults are all that the script knows, in the order of the short form.
func faults() []fault {
	const short, long = 2 * time.Second, 4 * time.Second
	return []fault{
		{"kill -9 of the leader", short, killing(leads)},
		{"kill -9 of a follower", short, killing(follows)},
		{"kill -9 of two", short, killing(leads, follows)},
		{"the leader is paused", short, each(leads, (*node).pause, (*node).resume)},
		{"the leader is cut off, both ways", long, parting((*hosts.Network).Part)},
		{"the leader is not heard", long, parting(deaf)},
		{"the leader hears nothing", long, parting(mute)},
		{"the leader's log hangs", long, each(leads, (*node).stall, (*node).mend)},
		{"the leader's log fails", short, each(leads, (*node).fail, (*node).mend)},
		{"the leader's disk is full", short, each(leads, (*node).fill, (*node).free)},
		{"a follower's clock is 90 s ahead", long, clock(follows, 90*time.Second)},
		{"the leader's clock is an hour behind", long, clock(leads, -time.Hour)},
	}
}

// victim chooses a node.
type victim func(s *site, r *rand.Rand) *node

func leads(s *site, _ *rand.Rand) *node { return s.leader() }

func follows(s *site, r *rand.Rand) *node {
	rest := s.others(s.leader())
	return rest[r.IntN(len(rest))]
}

// each does something to a node, and undoes it.
func each(choose victim, do, undo func(*node) error) func(*site, *rand.Rand) (func() error, error) {
	return func(s *site, r *rand.Rand) (func() error, error) {
		n := choose(s, r)
		s.Logf("  %s", n.Name)
		return func() error { return undo(n) }, do(n)
	}
}

// killing kills nodes and starts them again.
func killing(choose ...victim) func(*site, *rand.Rand) (func() error, error) {
	return func(s *site, r *rand.Rand) (func() error, error) {
		var dead []*node
		for _, c := range choose {
			dead = append(dead, c(s, r))
		}
		for _, n := range dead {
			s.Logf("  %s", n.Name)
			n.kill()
		}
		return func() error {
			var errs []error
			for _, n := range dead {
				errs = append(errs, n.launch())
			}
			return errors.Join(errs...)
		}, nil
	}
}

// parting loses packets between the leader and the others.
func parting(lose func(*hosts.Network, ...*hosts.Host) error) func(*site, *rand.Rand) (func() error, error) {
	return func(s *site, _ *rand.Rand) (func() error, error) {
		n := s.leader()
		s.Logf("  %s", n.Name)
		return s.net.Heal, lose(s.net, n.host)
	}
}

// deaf loses what some hosts send to the others, mute what the others send to them.
func deaf(net *hosts.Network, some ...*hosts.Host) error { return net.PartFrom(some...) }
func mute(net *hosts.Network, some ...*hosts.Host) error { return net.PartTo(some...) }

// clock puts a node's clock off, and right again.
func clock(choose victim, offset time.Duration) func(*site, *rand.Rand) (func() error, error) {
	return each(choose,
		func(n *node) error {
			n.site.hold(2 * time.Second) // a node that has just started has not compared clocks yet
			return n.setClock(offset)
		},
		func(n *node) error { return n.setClock(0) })
}

// fill takes all that is free on the node's disk, and free gives it back.
func (n *node) fill() error { return n.disk.Fill() }
func (n *node) free() error { return n.disk.Free() }

// strike lets a fault happen, and waits until the cluster is whole again.
func (s *site) strike(f fault, r *rand.Rand) {
	s.Helper()
	s.Logf("%s", f.name)
	end, err := f.begin(s, r)
	s.must(err)
	s.hold(f.lasts)
	s.must(end())
	s.Logf("  whole again after %v", s.whole(30*time.Second).Round(10*time.Millisecond))
}
