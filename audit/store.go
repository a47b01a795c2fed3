package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Config says where a [Store] is and how much it keeps. Only Dir is needed.
type Config struct {
	// Dir is the store's folder. It is made, and made private, when the store is opened.
	Dir string
	// Node is the node's name, for the header of the segments.
	Node string
	// MaxAge is how long records are kept. Zero means 90 days.
	MaxAge time.Duration
	// MaxBytes is how large the store becomes. Zero means 2 GiB.
	MaxBytes int64
	// Logger takes the log; nil means none.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Defaults of [Config].
const (
	DefaultMaxAge   = 90 * 24 * time.Hour
	DefaultMaxBytes = 2 << 30
)

// What a segment spans at most: a part of either bound, since segments are removed as a whole.
const (
	segmentsByAge  = 90
	segmentsBySize = 64
	largestSegment = 16 << 20
)

// maxWaiting is how many records may wait for the disk, and maxRecord the bytes of one event: 64 MiB
// together, reached only while the disk hangs.
const (
	maxWaiting = 4096
	maxRecord  = 16 << 10
)

// ErrBusy means that as many records wait for the disk as may.
var ErrBusy = errors.New("audit: too many records wait for the disk")

// ErrClosed means that the store was closed.
var ErrClosed = errors.New("audit: the store is closed")

// Record is one event as it is stored.
type Record struct {
	// Seq counts the records of the node from 1. A number is missing where a write failed in a way that
	// leaves open whether it reached the disk.
	Seq  uint64    `json:"seq"`
	Time time.Time `json:"time"`
	// Kind names the form of Event, such as "accounting".
	Kind  string          `json:"kind"`
	Event json.RawMessage `json:"event"`
}

// Store is an append-only store of records. Make one with [Open]. Its methods are safe for concurrent use.
type Store struct {
	cfg  Config
	disk disk

	// written is closed when the writer has ended.
	written chan struct{}

	mu      sync.Mutex
	waiting []*entry
	more    chan struct{} // has a token while something waits, or the store is closed
	closed  bool
	stats   Stats
}

// entry is a record on its way to the disk.
type entry struct {
	kind  string
	event json.RawMessage
	// taken is guarded by the store's mutex: a record that the writer has not taken can be withdrawn.
	taken, withdrawn bool
	done             chan error // has room for the one result
}

// Stats are counts since the start, and what the store holds now.
type Stats struct {
	// Records were made durable, in Batches that cost one disk flush each; Failed ones were not.
	Records uint64 `json:"records"`
	Batches uint64 `json:"batches"`
	Failed  uint64 `json:"failed"`
	// Waiting records are not on the disk yet.
	Waiting int `json:"waiting"`
	// Segments and Bytes are what the store holds; Removed segments made room since the start.
	Segments int    `json:"segments"`
	Bytes    int64  `json:"bytes"`
	Removed  uint64 `json:"removed"`
}

// Open opens the store in cfg.Dir, which it makes where it does not exist, and cuts off what a crash has
// torn. One process at a time may have it open.
func Open(cfg Config) (*Store, error) { return open(cfg, createFile) }

// open is Open on files that create makes.
func open(cfg Config, create func(name string, flags int) (file, error)) (*Store, error) {
	if cfg.MaxAge == 0 {
		cfg.MaxAge = DefaultMaxAge
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = DefaultMaxBytes
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Store{cfg: cfg, more: make(chan struct{}, 1), written: make(chan struct{})}
	s.disk = disk{cfg: cfg, create: create, space: statfs}
	if err := s.disk.open(); err != nil {
		return nil, fmt.Errorf("open the audit store: %w", err)
	}
	s.disk.prune(cfg.Now())
	s.note(0, 0)
	go s.write()
	return s, nil
}

// Append records event, which is encoded as JSON of at most 16 KiB, and returns when it is durable. An
// error means that it must not be counted as recorded; when ctx ends while it is being written, it may be
// found in the store all the same.
func (s *Store) Append(ctx context.Context, kind string, event any) error {
	text, err := json.Marshal(event)
	if err != nil {
		return fmt.Errorf("encode an audit record of kind %q: %w", kind, err)
	}
	if len(text) > maxRecord {
		return fmt.Errorf("an audit record of kind %q has %d bytes: at most %d are allowed", kind, len(text), maxRecord)
	}
	e := &entry{kind: kind, event: text, done: make(chan error, 1)}
	if err := s.enqueue(e); err != nil {
		return err
	}
	select {
	case err := <-e.done:
		return err
	case <-ctx.Done():
		s.withdraw(e)
		return fmt.Errorf("wait for the audit store: %w", context.Cause(ctx))
	}
}

func (s *Store) enqueue(e *entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case len(s.waiting) >= maxWaiting:
		s.stats.Failed++
		return ErrBusy
	}
	s.waiting = append(s.waiting, e)
	s.wake()
	return nil
}

// wake lets the writer look. The mutex is held.
func (s *Store) wake() {
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// withdraw takes back a record that the writer has not taken yet. It keeps its place, so that waiting
// stays bounded while the disk hangs.
func (s *Store) withdraw(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !e.taken {
		e.withdrawn = true
		s.stats.Failed++
	}
}

// take returns all that waits, and whether more may come.
func (s *Store) take() (batch []*entry, open bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.waiting {
		if !e.withdrawn {
			e.taken = true
			batch = append(batch, e)
		}
	}
	s.waiting = nil
	return batch, !s.closed
}

// write is the one goroutine that uses the disk, until the store is closed and nothing waits.
func (s *Store) write() {
	defer close(s.written)
	prune := time.NewTicker(time.Hour) // a store that nothing is written to grows old too
	defer prune.Stop()
	failing := false
	for {
		select {
		case <-s.more:
		case <-prune.C:
			s.disk.prune(s.cfg.Now())
			s.note(0, 0)
			continue
		}
		batch, open := s.take()
		if len(batch) > 0 {
			err := s.disk.append(batch)
			s.report(err, &failing)
			if err != nil {
				s.note(0, len(batch))
			} else {
				s.note(len(batch), 0)
			}
			for _, e := range batch {
				e.done <- err
			}
		}
		if !open {
			s.disk.close()
			return
		}
	}
}

// report logs when writing begins to fail, and when it works again.
func (s *Store) report(err error, failing *bool) {
	switch {
	case err != nil && !*failing:
		s.cfg.Logger.Error("audit records cannot be written: what depends on them stays unanswered; free disk space, or repair the disk",
			slog.String("dir", s.cfg.Dir), slog.Any("error", err))
	case err == nil && *failing:
		s.cfg.Logger.Info("audit records are written again", slog.String("dir", s.cfg.Dir))
	}
	*failing = err != nil
}

// note counts the records of a batch, and looks at what the disk holds. Only the writer calls it.
func (s *Store) note(recorded, failed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Records += uint64(recorded)
	s.stats.Failed += uint64(failed)
	if recorded > 0 {
		s.stats.Batches++
	}
	s.stats.Segments, s.stats.Bytes, s.stats.Removed = len(s.disk.segments), s.disk.bytes(), s.disk.removed
}

// Stats returns the counts.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	st.Waiting = len(s.waiting)
	return st
}

// Close takes no more records, waits until those that wait are written, and closes the files. When ctx
// ends first, its error is returned; the disk is left to the end of the process.
func (s *Store) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	s.wake()
	s.mu.Unlock()
	select {
	case <-s.written:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close the audit store: %w", context.Cause(ctx))
	}
}

// file is what is needed of an open segment.
type file interface {
	Write(b []byte) (int, error)
	// Sync makes what was written durable.
	Sync() error
	Truncate(size int64) error
	Close() error
}

// segmentFile syncs the data and the size of a file, and no times.
type segmentFile struct{ *os.File }

func (f segmentFile) Sync() error { return fdatasync(f.File) }

func createFile(name string, flags int) (file, error) {
	f, err := os.OpenFile(name, flags|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	return segmentFile{f}, nil
}
