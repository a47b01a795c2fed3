package cluster

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// goWrong plays the schedule of what goes wrong until ctx ends. Each fault is mended some time later, by
// itself; the last ones with everything else.
func (s *sim) goWrong(ctx context.Context) {
	dice := s.newDice(1)
	var mending sync.WaitGroup
	defer mending.Wait()
	for wait(ctx, between(dice, 20, 300)) == nil {
		mend := s.mischief(dice)
		lasts := between(dice, 50, 1200)
		mending.Go(func() {
			_ = wait(ctx, lasts) // at the end everything is mended
			mend()
		})
	}
}

func between(dice *rand.Rand, least, most int) time.Duration {
	return time.Duration(least+dice.IntN(most-least)) * time.Millisecond
}

// mischief makes one thing go wrong, and returns how it is mended.
func (s *sim) mischief(dice *rand.Rand) (mend func()) {
	h := s.hosts[dice.IntN(len(s.hosts))]
	other := s.hosts[dice.IntN(len(s.hosts))]
	nothing := func() {}
	switch n := dice.IntN(100); {
	case n < 15:
		h.crash(h.running(), nil)
		return func() { s.start(h) }
	case n < 30:
		return s.crashInAWrite(h, dice)
	case n < 35:
		return s.stopAndStart(h)
	case n < 45:
		return s.cut(way{h.name, other.name}, way{other.name, h.name})
	case n < 55:
		return s.cut(s.waysOf(h, true, true)...)
	case n < 65:
		in := dice.IntN(2) == 0
		return s.cut(s.waysOf(h, in, !in)...)
	case n < 73:
		s.tell("%s stands still", h.name)
		return s.wires.hold(h.name)
	case n < 79:
		return s.slow(s.waysOf(h, true, true), between(dice, 5, 300))
	case n < 86:
		step := time.Duration(dice.Int64N(int64(40*time.Second))) - 20*time.Second
		s.tell("the clock of %s steps by %v", h.name, step)
		h.offset.Add(int64(step))
		return func() { h.offset.Store(0) }
	case n < 91:
		return s.breakDisk(h, dice)
	case n < 95:
		s.transfer(h)
	default:
		s.burst(h)
	}
	return nothing
}

func (s *sim) start(h *host) {
	if h.running() == nil {
		s.tell("%s starts", h.name)
	}
	if err := h.boot(); err != nil {
		s.book.wrong("%s does not start: %v", h.name, err)
	}
}

// crashInAWrite has a process die in one of its next writes, just before or just after it is on the
// platter: between the vote and its answer, between the commit and its result, between two writes that
// belong together.
func (s *sim) crashInAWrite(h *host, dice *rand.Rand) (mend func()) {
	l := h.running()
	in, before, fault := 1+dice.IntN(12), dice.IntN(2) == 0, dice.IntN(3) == 0
	if l != nil {
		l.disk.fault(func(d *simDisk) { d.crashIn, d.crashBefore, d.crashFault = in, before, fault })
	}
	return func() { s.start(h) }
}

func (s *sim) stopAndStart(h *host) (mend func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.stop()
	}()
	return func() {
		<-done
		s.start(h)
	}
}

// waysOf are the ways of a node to all others, and theirs to it.
func (s *sim) waysOf(h *host, in, out bool) (all []way) {
	for _, other := range s.hosts {
		if in {
			all = append(all, way{other.name, h.name})
		}
		if out {
			all = append(all, way{h.name, other.name})
		}
	}
	return all
}

func (s *sim) cut(ways ...way) (mend func()) {
	s.tell("cut: %v", ways)
	set := func(off bool) func(*wires) {
		return func(w *wires) {
			for _, y := range ways {
				w.cut[y] = off
			}
		}
	}
	s.wires.set(set(true))
	return func() { s.wires.set(set(false)) }
}

func (s *sim) slow(ways []way, most time.Duration) (mend func()) {
	s.tell("slow by up to %v: %v", most, ways)
	set := func(d time.Duration) func(*wires) {
		return func(w *wires) {
			for _, y := range ways {
				w.slow[y] = d
			}
		}
	}
	s.wires.set(set(most))
	return func() { s.wires.set(set(0)) }
}

// breakDisk fills a disk, or makes its writes hang, for which a process ends itself when it lasts.
func (s *sim) breakDisk(h *host, dice *rand.Rand) (mend func()) {
	l := h.running()
	full := dice.IntN(2) == 0
	if l == nil {
		return func() {}
	}
	s.tell("the disk of %s is full (%v), or hangs", h.name, full)
	l.disk.fault(func(d *simDisk) {
		if full {
			d.full = true
		} else if d.stalled == nil {
			d.stalled = make(chan struct{})
		}
	})
	return func() {
		l.disk.heal()
		s.start(h)
	}
}

func (s *sim) transfer(h *host) {
	l := h.running()
	if l == nil {
		return
	}
	s.tell("%s asks for another leader", h.name)
	s.ending.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = l.node.Transfer(ctx, "") // there may be none
	})
}

// burst makes as many entries as a node that is away misses too many of, so that it needs a snapshot.
func (s *sim) burst(h *host) {
	l := h.running()
	if l == nil {
		return
	}
	s.tell("%s commits a lot", h.name)
	s.ending.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		for range 120 {
			if _, err := l.node.Forget(ctx, "nobody"); err != nil {
				return
			}
		}
	})
}
