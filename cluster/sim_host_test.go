package cluster

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// host is a machine of the simulation: a clock, a disk, and a process most of the time.
type host struct {
	sim    *sim
	name   string
	offset atomic.Int64 // of its clock, in nanoseconds

	diceMu sync.Mutex
	dice   *rand.Rand // for the disk

	// What is left of the last process; under sim.mu, as is life.
	platter platter
	life    *life
}

func simAddress(name string) string { return name + ":18300" }

func simFingerprint(name string) [32]byte { return sha256.Sum256([]byte(name)) }

func (h *host) now() time.Time { return time.Now().Round(0).Add(time.Duration(h.offset.Load())) }

func (h *host) config() Config {
	c := Config{
		Name: h.name, DataDir: "/nonexistent/" + h.name, MasterKey: bytes.Repeat([]byte{7}, masterKeySize),
		Listen: simAddress(h.name), Version: "test",
		Now: h.now, Elapsed: func() time.Duration { return time.Since(h.sim.began) },
		// As many entries stay as a leader may send without an answer.
		SnapshotInterval: 300 * time.Millisecond, SnapshotThreshold: 16, TrailingLogs: 64,
		QueueSize: 256, PromoteAfter: time.Second, Logger: slog.New(simLog{h}),
	}
	return c.withDefaults()
}

// format makes the platter that of a member of a cluster which begins.
func (h *host) format(servers []raft.Server, members roster) error {
	h.platter = newPlatter()
	d := &simDisk{latency: func() time.Duration { return 0 }, platter: h.platter}
	_, transport := raft.NewInmemTransport(raft.ServerAddress(simAddress(h.name)))
	c := h.config()
	rc := c.raft()
	rc.Logger = newRaftLogger(slog.New(slog.DiscardHandler))
	if err := raft.BootstrapCluster(rc, d, simStable{d}, simSnapshots{d}, transport, raft.Configuration{Servers: servers}); err != nil {
		return err
	}
	h.platter = d.copy()
	var err error
	h.platter.recalled, err = json.Marshal(recollection{Roster: members, At: h.now()})
	return err
}

// boot starts a process, where none runs.
func (h *host) boot() error {
	h.sim.mu.Lock()
	defer h.sim.mu.Unlock()
	if h.life != nil {
		return nil
	}
	l := &life{name: h.name, wires: h.sim.wires, died: make(chan struct{}), ended: make(chan struct{}), rpcs: make(chan raft.RPC)}
	config := h.config()
	config.OnFault = func(_ string, err error) {
		h.crash(l, nil)
		if errors.Is(err, errNoFit) || errors.Is(err, errTermBack) {
			runtime.Goexit() // Raft cannot go on, as after any other fault
		}
	}
	config.OnHang = func(string) { h.crash(l, nil) }
	l.disk = &simDisk{platter: h.platter.clone(), latency: h.latency, die: func(p platter) { h.crash(l, &p) }}
	l.node = newNode(config)
	if err := h.open(l); err != nil {
		return fmt.Errorf("start %s: %w", h.name, err)
	}
	h.life = l
	return nil
}

// open is what [Node.open] does, on what there is here.
func (h *host) open(l *life) error {
	n := l.node
	seal, err := newSealer(n.config.MasterKey)
	if err != nil {
		return err
	}
	n.store = l.disk.storage(n.disk)
	if err := checkMasterKey(n.store.stable, seal); err != nil {
		return err
	}
	if n.memory, err = newMemory(l.disk.platter.recalled, l.disk.remember); err != nil {
		return err
	}
	n.assemble(seal)
	n.self.Fingerprint = fingerprintText(simFingerprint(h.name))
	n.net = l
	return n.start()
}

// latency draws how long a write takes.
func (h *host) latency() time.Duration {
	h.diceMu.Lock()
	defer h.diceMu.Unlock()
	d := time.Duration(100+h.dice.IntN(400)) * time.Microsecond
	if h.dice.IntN(50) == 0 {
		d += time.Duration(h.dice.IntN(20)) * time.Millisecond
	}
	return d
}

// crash ends a process at once. What it does afterwards nobody sees: the next one gets the platter as it
// is now, or as it is given.
func (h *host) crash(l *life, left *platter) {
	h.sim.mu.Lock()
	defer h.sim.mu.Unlock()
	if h.life != l || l == nil {
		return
	}
	h.sim.tell("%s dies", h.name)
	close(l.died)
	h.sim.wires.leave(l)
	if left == nil {
		p := l.disk.copy()
		left = &p
	}
	h.platter, h.life = *left, nil
	h.sim.ending.Go(func() {
		l.disk.heal()
		_, _ = l.shut() // it has died long ago
	})
}

// stop ends a process as systemd does.
func (h *host) stop() {
	l := h.running()
	if l == nil {
		return
	}
	h.sim.tell("%s stops", h.name)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = l.node.StepDown(ctx) // nobody may take it
	first, err := l.shut()
	h.sim.mu.Lock()
	defer h.sim.mu.Unlock()
	if !first || h.life != l {
		return // it died meanwhile, or another stops it
	}
	if err != nil && !isFull(err) {
		h.sim.book.wrong("%s was closed: %v", h.name, err)
	}
	close(l.died)
	h.sim.wires.leave(l)
	h.platter, h.life = l.disk.copy(), nil
}

// running is the process, or nil.
func (h *host) running() *life {
	h.sim.mu.Lock()
	defer h.sim.mu.Unlock()
	return h.life
}

// simLog tells what a node logs.
type simLog struct{ host *host }

func (s simLog) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }
func (s simLog) WithAttrs([]slog.Attr) slog.Handler               { return s }
func (s simLog) WithGroup(string) slog.Handler                    { return s }

func (s simLog) Handle(_ context.Context, r slog.Record) error {
	line := ""
	r.Attrs(func(a slog.Attr) bool {
		line += fmt.Sprintf(" %s=%v", a.Key, a.Value)
		return true
	})
	s.host.sim.tell("%s: %s%s", s.host.name, r.Message, line)
	return nil
}
