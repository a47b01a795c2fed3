package cluster

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"sallyport/login"
)

// health is what keeps a node from serving although it has contact with a leader.
type health struct {
	clock    atomic.Pointer[error] // its clock is not that of the others
	diverged atomic.Pointer[error] // its state is not that of the others
	// correction is what makes this clock that of the others, where it is far from theirs.
	correction atomic.Int64
	compared   atomic.Bool // with those of a majority
}

func (h *health) err() error {
	for _, p := range []*atomic.Pointer[error]{&h.diverged, &h.clock} {
		if err := p.Load(); err != nil {
			return *err
		}
	}
	return nil
}

// judgeClocks says which clock is wrong: this node's, when those of at least two others agree with one
// another and not with it. It is right when another agrees with it; else nobody can tell. offsets are how
// far other clocks are ahead of this one, own is how far this one is ahead of the most.
func judgeClocks(offsets []time.Duration) (own time.Duration, wrong, right bool) {
	if len(offsets) == 0 {
		return 0, false, false
	}
	all := append(slices.Clone(offsets), 0)
	slices.Sort(all)
	median := all[len(all)/2]
	if len(all)%2 == 0 && abs(all[len(all)/2-1]) < abs(median) {
		median = all[len(all)/2-1] // between two halves, the one nearer to this clock
	}
	agreeing := 0
	for _, o := range offsets {
		if abs(o-median) <= maxOffset {
			agreeing++
		}
		right = right || abs(o) <= maxOffset
	}
	wrong = abs(median) > maxOffset && agreeing >= 2
	return -median, wrong, right && !wrong
}

// correctionOf is what to add to this clock for the stamps of the log: the way to the median of all
// clocks, to the earlier one of two, where it is far. A log that is behind ends nothing early.
func correctionOf(offsets []time.Duration) time.Duration {
	all := append(slices.Clone(offsets), 0)
	slices.Sort(all)
	if median := all[(len(all)-1)/2]; abs(median) > maxOffset {
		return median
	}
	return 0
}

// clockPatience is how long after its start a node waits for the clocks of others before it goes by its
// own.
const clockPatience = 5 * time.Second

// agreedClock is what the other nodes' clocks say of this one.
func (n *Node) agreedClock() (correction time.Duration, known bool) {
	correction = time.Duration(n.health.correction.Load())
	alone := n.memory.roster().quorum() <= 1
	return correction, alone || n.health.compared.Load() || n.config.Elapsed()-n.begun > clockPatience
}

func abs(d time.Duration) time.Duration { return max(d, -d) }

// lookAtClocks compares this node's clock with the others'. One that is wrong judges no codes, and does
// not stamp the log.
func (n *Node) lookAtClocks(up map[string]heard) {
	var offsets []time.Duration
	for _, h := range up {
		offsets = append(offsets, h.offset)
	}
	own, wrong, right := judgeClocks(offsets)
	n.health.correction.Store(int64(correctionOf(offsets)))
	if len(offsets)+1 >= n.known().quorum() && len(offsets) > 0 {
		n.health.compared.Store(true)
	}
	if right && n.health.clock.Swap(nil) != nil {
		n.logger.Info("the clock of this node agrees with the others again")
	}
	if !wrong {
		return
	}
	err := fmt.Errorf("%w: the clock of this node is %v off those of the others: check NTP", login.ErrUnavailable, own.Round(100*time.Millisecond))
	if n.health.clock.Swap(&err) == nil {
		n.logger.Error("the clock of this node is not that of the others, so it judges no codes", "offset", own.Round(time.Millisecond).String())
	}
}

// digests are the newest checkpoints of this node's state, for the others.
func (n *Node) digests() map[string]string {
	index, digest := n.machine.Checkpoint()
	if index == 0 {
		return nil
	}
	return map[string]string{fmt.Sprint(index): digestText(digest)}
}

// compare looks whether another node's state is this one's where both were at the same place. Which of
// them is wrong, the majority says.
func (n *Node) compare(h hello) {
	if h.Version != n.config.Version {
		return
	}
	agrees, known := n.agrees(h.Digests)
	if !known || !n.doubts.hear(h.Name, agrees) {
		return
	}
	agree, differ := n.doubts.count(n.known())
	switch {
	case differ > agree:
		err := fmt.Errorf("%w: the state of this node is not that of the others: wipe its data directory and join it again", login.ErrUnavailable)
		if n.health.diverged.Swap(&err) == nil {
			n.logger.Error("the state of this node differs from that of the majority, so it takes no part any more", "differing", differ)
		}
	case !agrees:
		n.logger.Error("the state of another node differs from this one's", "node", h.Name)
	}
}

// agrees reports whether checkpoints are as they are here, where they can be compared.
func (n *Node) agrees(digests map[string]string) (agrees, known bool) {
	agrees = true
	for at, theirs := range digests {
		own, found := n.machine.DigestAt(numberOf(at))
		known = known || found
		agrees = agrees && (!found || digestText(own) == theirs)
	}
	return agrees, known
}
