package cluster

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"sallyport/cluster/state"
)

const (
	// helloInterval is how often nodes tell one another how they are, and helloTimeout how long an
	// answer may take.
	helloInterval = time.Second
	helloTimeout  = time.Second
	// upWithin is how old the last hello of a node may be for it to count as up.
	upWithin = 3500 * time.Millisecond
)

// hello is what a node says of itself.
type hello struct {
	Name        string `json:"name"`
	Address     string `json:"address"`
	Fingerprint string `json:"fingerprint"`
	// Run is made anew at each start of the process.
	Run     string `json:"run"`
	Version string `json:"version"`
	Level   uint32 `json:"level"`
	// Now is the wall clock in nanoseconds since 1970.
	Now int64 `json:"now"`
	// ClockSet says that the wall clock was set at run time, so that it proves no other one right.
	ClockSet bool   `json:"clock_set,omitempty"`
	Trace    trace  `json:"trace"`
	Applied  uint64 `json:"applied"`
	Leader   string `json:"leader,omitempty"`
	// Unsure says that this node has come back in doubt, Settled in which term it has, as the leader, begun
	// a new epoch for that.
	Unsure  bool   `json:"unsure,omitempty"`
	Settled uint64 `json:"settled,omitempty"`
	Reason  string `json:"reason,omitempty"` // why it does not serve; empty when it does
	// Settings recognises the policies and limits that the node has; see [Node.SetSettings].
	Settings string `json:"settings,omitempty"`
	Free     uint64 `json:"free"`
	Total    uint64 `json:"total"`
	// Digests are checkpoints of the state: index and digest, the newest few.
	Digests map[string]string `json:"digests,omitempty"`
	Roster  roster            `json:"roster"`
}

// heard is what was heard of a node, and when by a clock that only runs.
type heard struct {
	hello  hello
	at     time.Duration
	since  time.Duration // when it came up
	offset time.Duration // of its clock against ours
	// called is when it has called us, as well as answered: so both directions work. address is where it
	// said that it is.
	called  time.Duration
	address string
}

// peers are the other nodes, as heard. It is safe for concurrent use.
type peers struct {
	mu      sync.Mutex
	all     map[string]heard
	refused map[string]time.Duration // who did not admit this node, and when last
}

// refusedBy are those who have not admitted this node a moment ago.
func (p *peers) refusedBy(now time.Duration) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var names []string
	for name, at := range p.refused {
		if now-at < upWithin {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// refusal notes that a node has not admitted this one.
func (p *peers) refusal(name string, now time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refused == nil {
		p.refused = map[string]time.Duration{}
	}
	p.refused[name] = now
}

func (p *peers) snapshot() map[string]heard {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.all)
}

// answered notes an answer to our hello.
func (p *peers) answered(h hello, now, offset time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.all[h.Name]
	if old.hello.Run != h.Run || now-old.at > upWithin {
		old.since = now
	}
	old.hello, old.at, old.offset = h, now, offset
	p.all[h.Name] = old
}

// called notes that a node has called us.
func (p *peers) called(h hello, now time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.all[h.Name]
	old.called, old.address = now, h.Address
	p.all[h.Name] = old
}

// keep forgets who is no member any more.
func (p *peers) keep(r roster) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.all, func(name string, _ heard) bool {
		_, member := r.find(name)
		return !member
	})
}

// greet exchanges hellos with every other member until ctx ends.
func (n *Node) greet(ctx context.Context) {
	ticker := time.NewTicker(helloInterval)
	defer ticker.Stop()
	var running sync.WaitGroup
	defer running.Wait()
	busy := map[string]chan struct{}{}
	for {
		members := n.known()
		n.peers.keep(members)
		for _, m := range members.others(n.config.Name) {
			if done, calling := busy[m.Name]; calling {
				select {
				case <-done:
				default:
					continue // the last one is still on its way
				}
			}
			done := make(chan struct{})
			busy[m.Name] = done
			running.Go(func() {
				defer close(done)
				n.greetOne(ctx, m)
			})
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// greetOne says hello to one node. Its clock is compared with the middle of the round trip.
func (n *Node) greetOne(ctx context.Context, m member) {
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	text, err := json.Marshal(n.ownHello())
	if err != nil {
		return // strings and numbers always encode
	}
	began := n.config.Elapsed()
	answer, err := n.net.call(ctx, m, callHello, text)
	now := n.config.Elapsed()
	var h hello
	if isRefusal(err) {
		n.peers.refusal(m.Name, now)
	}
	if err != nil || json.Unmarshal(answer, &h) != nil || h.Name != m.Name {
		return
	}
	middle := n.config.Now().Add(-(now - began) / 2)
	n.peers.answered(h, now, time.Unix(0, h.Now).Sub(middle))
	n.hear(h)
}

// returnPause is how often it is looked whether a node is back.
const returnPause = 50 * time.Millisecond

// awaitReturn returns when a node is heard of again, or when this node does not lead that term any more.
func (n *Node) awaitReturn(id raft.ServerID, term uint64) {
	away := n.config.Elapsed()
	for n.leads() && n.raft.Load().CurrentTerm() == term && !n.disk.stopped.Load() {
		if h := n.peers.snapshot()[string(id)]; h.at > away || h.called > away {
			return
		}
		if _, member := n.known().find(string(id)); !member {
			return
		}
		time.Sleep(returnPause)
	}
}

// answerHello answers a hello. The caller has proved its name to the network.
func (n *Node) answerHello(from string, request []byte) ([]byte, error) {
	var h hello
	if err := json.Unmarshal(request, &h); err != nil || h.Name != from {
		return nil, fmt.Errorf("a hello of %q cannot be read", from)
	}
	n.peers.called(h, n.config.Elapsed())
	n.hear(h)
	return json.Marshal(n.ownHello())
}

// hear takes what another node says.
func (n *Node) hear(h hello) {
	if h.Trace.LastIndex > 0 {
		n.memory.note(h.Name, h.Trace)
	}
	r := n.raft.Load()
	if (r == nil || n.lost(r)) && h.Roster.Index <= h.Trace.LastIndex && n.memory.learn(h.Roster) {
		n.net.recheck()
	}
	if r != nil {
		n.hearDoubt(r, h)
	}
	n.compare(h)
}

// hearDoubt makes a leader begin a new epoch, once in its term, when a node says that something may be
// lost, and takes the doubt from those whom such a leader has told that it did.
func (n *Node) hearDoubt(r *raft.Raft, h hello) {
	term := r.CurrentTerm()
	switch _, leader := r.LeaderWithID(); {
	case r.State() == raft.Leader:
		if h.Unsure && n.settled.Load() != term {
			n.doubt(true)
		}
	case h.Name == string(leader) && h.Settled == term:
		n.doubt(false)
	}
}

// ownHello is what this node says of itself.
func (n *Node) ownHello() hello {
	view := n.machine.View()
	beats, _ := n.memory.beats()
	h := hello{
		Name: n.config.Name, Address: n.self.Address, Fingerprint: n.self.Fingerprint, Run: n.run,
		Version: n.config.Version, Level: state.Level, Now: n.config.Now().UnixNano(),
		Applied: view.Index(), Roster: n.known(), Digests: n.digests(),
		Trace: trace{Fingerprint: n.self.Fingerprint, Beats: beats}, Unsure: n.unsure.Load(), Settled: n.settled.Load(),
	}
	if _, doubted := n.codeClock.doubted(); doubted {
		h.ClockSet = true
	}
	if s := n.settings.Load(); s != nil {
		h.Settings = *s
	}
	h.Free, h.Total = n.disk.space.last()
	if err := n.readableNow(); err != nil {
		h.Reason = err.Error()
	}
	if r := n.raft.Load(); r != nil && !n.disk.over.Load() { // else Raft's term is not what the disk has
		stats := r.Stats()
		h.Trace.Term = r.CurrentTerm()
		h.Trace.LastIndex, h.Trace.LastTerm = numberOf(stats["last_log_index"]), numberOf(stats["last_log_term"])
		if snapshot := numberOf(stats["last_snapshot_index"]); snapshot >= h.Trace.LastIndex {
			h.Trace.LastIndex, h.Trace.LastTerm = snapshot, numberOf(stats["last_snapshot_term"])
		}
		_, leader := r.LeaderWithID()
		h.Leader = string(leader)
	}
	return h
}

// numberOf reads a number that raft has written.
func numberOf(text string) uint64 {
	n, _ := strconv.ParseUint(text, 10, 64)
	return n
}

func digestText(d [32]byte) string { return hex.EncodeToString(d[:]) }
