package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/raft"

	"sallyport/login"
)

const (
	// restartGrace is how long a node may be down before a majority must have known its disk to the end:
	// hardly anybody puts an image back that is younger. Until then, a majority must have answered, and
	// none of them have known more.
	restartGrace = 2 * time.Minute
	// clockGrace is how far a clock may have gone back meanwhile.
	clockGrace = 5 * time.Second
	// beatInterval is how often a node notes that it lives; beatsMissed is how many of these notes
	// another may have missed and still know how far it had come.
	beatInterval = 2 * time.Second
	beatsMissed  = 3
	rollPause    = 200 * time.Millisecond
)

// errRolledBack means that the disk is an old image: what this node promised since is lost, so that it
// could make a majority that accepts a used code again.
var errRolledBack = errors.New("the disk of this node is an old image: it has lost what the others know it had; wipe the data directory and join the node again")

// errNoRecollection means that what init and join have written is not there.
var errNoRecollection = errors.New("the data directory has lost what it knows of the other nodes: wipe it and join the node again")

// errHalfRestored means that this node may have a backup in force that the others know nothing of.
var errHalfRestored = errors.New("this node died while it put a backup back, and may have what the others do not: wipe its data directory and join it again; then look at the number of users, and restore again where it was not done")

// witness is what another node says of this one.
type witness struct {
	name     string
	voter    bool
	answered bool
	led      bool // it is in contact with a leader
	refused  bool // it does not admit this node
	knows    bool // it remembers this node
	recalls  trace
}

// judgement is what a roll-call came to: start, wait, or an error that stays.
type judgement struct {
	start   bool
	missing int // how many more must have answered
	// unsure says that nobody can rule out that something was committed which this disk has lost: not
	// all have answered, and no majority did without it.
	unsure bool
}

// judge decides whether a node may take part. Whoever has just restarted may when a majority has answered,
// unless one of them knows better: without a majority nobody leads anyway. Whoever comes back after a while
// needs a majority that has known its disk to the end.
func judge(own trace, down time.Duration, quorum int, heard []witness) (judgement, error) {
	answered, vouch, silent := 1, 1, 0 // itself, of those who vote
	for _, w := range heard {
		switch {
		case w.answered && w.voter:
			answered++
		case w.voter:
			silent++
		}
		if !w.knows || w.recalls.Fingerprint != own.Fingerprint {
			continue
		}
		if w.recalls.beyond(own) || w.recalls.Beats > own.Beats {
			return judgement{}, fmt.Errorf("%w (%s remembers entry %d of term %d and life %d, here is entry %d of term %d and life %d)", errRolledBack,
				w.name, w.recalls.LastIndex, w.recalls.Term, w.recalls.Beats, own.LastIndex, own.Term, own.Beats)
		}
		if w.voter && w.recalls.Beats+beatsMissed >= own.Beats {
			vouch++
		}
	}
	if own.LastIndex == 0 { // a new node, or one that has forgotten everything: others must do without it
		led := slices.ContainsFunc(heard, func(w witness) bool { return w.led })
		return judgement{start: led, missing: 1}, nil
	}
	if down <= restartGrace && down >= -clockGrace {
		return judgement{start: answered >= quorum, missing: max(0, quorum-answered)}, nil
	}
	for _, w := range heard {
		if w.led {
			return judgement{start: true}, nil // those whom it follows have what was ever committed
		}
	}
	return judgement{start: vouch >= quorum, missing: max(0, quorum-vouch), unsure: silent > 0}, nil
}

// rollCall asks the others what they know of this node's disk until it may start, or must not.
func (n *Node) rollCall(ctx context.Context) error {
	if n.memory.removed() {
		return errRemoved
	}
	own, err := n.ownTrace()
	if err != nil {
		return err
	}
	beats, at := n.memory.beats()
	own.Beats = beats
	down, members := n.config.Now().Sub(at), n.memory.roster()
	self, known := members.find(n.config.Name)
	if unsure, restoring := n.memory.left(); restoring {
		return errHalfRestored
	} else if unsure {
		n.unsure.Store(true)
	}
	if !known {
		return errNoRecollection
	}
	if len(members.Members) < 2 {
		return nil // nothing was promised to anybody
	}
	quorum := members.quorum() // also for one that does not vote: it may vote since a moment ago
	for {
		heard := n.askAround(ctx, members)
		verdict, err := judge(own, down, quorum, heard)
		if err != nil {
			return err
		}
		if verdict.start && (!verdict.unsure || !self.Voter || n.tellDoubt(ctx, members, quorum)) {
			return n.tellLife(ctx, own, members, quorum)
		}
		why := fmt.Errorf("this node was away for %v: %d more of %s must say that its disk is not an old image",
			down.Round(time.Second), verdict.missing, namesOf(members.others(n.config.Name)))
		if by := refusedBy(heard); by != "" {
			why = refusedError(by)
		}
		n.ready.set(fmt.Errorf("%w: %w", login.ErrUnavailable, why))
		if err := wait(ctx, rollPause); err != nil {
			return err
		}
	}
}

// refusedBy are those who do not admit this node.
func refusedBy(heard []witness) string {
	var names []string
	for _, w := range heard {
		if w.refused {
			names = append(names, w.name)
		}
	}
	return strings.Join(names, ", ")
}

// refusedError says that others do not admit this node.
func refusedError(by string) error {
	return fmt.Errorf("%w: %s refused this node's certificate: where \"sallyport cluster list\" does not name it there, it was removed, and is wiped and joined again", login.ErrUnavailable, by)
}

// isRefusal reports whether the other side has ended the handshake, rather than not been reached: it says
// so when it knows the caller and does not admit it.
func isRefusal(err error) bool {
	var alert *net.OpError
	return errors.As(err, &alert) && alert.Op == "remote error" // as crypto/tls puts it
}

func namesOf(members []member) string {
	names := make([]string, len(members))
	for i, m := range members {
		names[i] = m.Name
	}
	return strings.Join(names, ", ")
}

// askAround asks every other member at once.
func (n *Node) askAround(ctx context.Context, members roster) (heard []witness) {
	answers := n.callAll(ctx, members, callRecall)
	for _, m := range members.others(n.config.Name) {
		answer := answers[m.Name]
		w := witness{name: m.Name, voter: m.Voter, answered: answer.err == nil, refused: isRefusal(answer.err)}
		var r remembered
		if w.answered && json.Unmarshal(answer.text, &r) == nil {
			w.led = r.Led
			if r.Trace != nil {
				w.knows, w.recalls = true, *r.Trace
			}
		}
		heard = append(heard, w)
	}
	return heard
}

// remembered is what a node says of another that starts.
type remembered struct {
	Trace *trace `json:"trace,omitempty"`
	// Led means that it leads, or is in contact with a leader.
	Led bool `json:"led"`
}

// answerRecall tells a node what is remembered of it.
func (n *Node) answerRecall(from string) ([]byte, error) {
	r := remembered{Led: n.readableNow() == nil}
	if t, known := n.memory.of(from); known {
		r.Trace = &t
	}
	return json.Marshal(r)
}

// tellDoubt makes enough nodes know that this one starts although something may be lost: whoever of them
// leads, begins a new epoch, in which every code up to now counts as used. It reports whether enough do.
func (n *Node) tellDoubt(ctx context.Context, members roster, quorum int) bool {
	n.doubt(true)
	told := 1
	for name, answer := range n.callAll(ctx, members, callDoubt) {
		if m, ok := members.find(name); ok && m.Voter && answer.err == nil {
			told++
		}
	}
	return told >= quorum
}

// answerDoubt notes that a node starts although something may be lost.
func (n *Node) answerDoubt() ([]byte, error) {
	n.doubt(true)
	return nil, nil
}

// tellLife writes down that this node lives again, and has a majority know it before Raft starts: an image
// from before this start is then told from what becomes of it.
func (n *Node) tellLife(ctx context.Context, own trace, members roster, quorum int) error {
	if err := n.memory.beat(n.config.Now()); err != nil {
		n.logger.Warn("what is known of the other nodes was not written down", "error", err.Error())
		return nil // a full disk is no reason to stay away
	}
	own.Beats, _ = n.memory.beats()
	h := n.ownHello()
	h.Trace = own
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	for {
		told := 1
		for _, answer := range n.sendAll(ctx, members, callHello, text) {
			if answer.err == nil {
				told++
			}
		}
		if told >= quorum {
			return nil
		}
		if err := wait(ctx, rollPause); err != nil {
			return err
		}
	}
}

// doubt notes, also for the next start, that something may be lost, or that the leader has seen to it.
func (n *Node) doubt(unsure bool) {
	if n.unsure.Swap(unsure) == unsure {
		return
	}
	n.memory.doubt(unsure)
	if err := n.memory.beat(n.config.Now()); err != nil {
		n.logger.Warn("what is known of the other nodes was not written down", "error", err.Error())
	}
}

// ownTrace reads from disk how far this node has come, before Raft runs.
func (n *Node) ownTrace() (trace, error) {
	t := trace{Fingerprint: n.self.Fingerprint}
	var err error
	if t.Term, err = n.store.stable.GetUint64(termName); err != nil && !isNotFound(err) {
		return t, fmt.Errorf("read the term: %w", err)
	}
	if t.LastIndex, err = n.store.logs.LastIndex(); err != nil {
		return t, fmt.Errorf("read the log: %w", err)
	}
	if t.LastIndex > 0 {
		var entry raft.Log
		if err := n.store.logs.GetLog(t.LastIndex, &entry); err != nil {
			return t, fmt.Errorf("read the log: %w", err)
		}
		t.LastTerm = entry.Term
	}
	kept, err := n.store.snapshots.List()
	if err != nil {
		return t, fmt.Errorf("look for snapshots: %w", err)
	}
	if len(kept) > 0 && kept[0].Index > t.LastIndex {
		t.LastIndex, t.LastTerm = kept[0].Index, kept[0].Term
	}
	return t, nil
}

// wait returns when the time is over, or with the error of a context that has ended.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
