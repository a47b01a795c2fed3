// Package logwriter writes log lines for callers that must not wait for whoever reads the log: a journal
// or a pipe that nobody reads any more must not stop a login.
package logwriter

import (
	"io"
	"sync"
	"time"
)

// The defaults of [Writer].
const (
	// DefaultLimit is some 20,000 lines, and far above what is written while a reader pauses.
	DefaultLimit = 8 << 20
	// DefaultPatience is short beside the patience of a RADIUS client.
	DefaultPatience = 200 * time.Millisecond
)

// Writer hands lines to another writer, in order and from one goroutine. While that one takes them, [Writer.Wait]
// returns when the lines before it are written. When a write takes longer than Patience, Wait gives up, and until
// everything is written again it does not wait at all; up to Limit bytes are kept meanwhile, further lines are lost and counted.
// It is safe for concurrent use; set the fields before the first line.
type Writer struct {
	// Out takes the lines, several of them in one call.
	Out io.Writer
	// Limit is how many bytes may wait; zero means [DefaultLimit].
	Limit int
	// Patience is how long one write of Out may take; zero means [DefaultPatience].
	Patience time.Duration
	// Lost is called when lines can be written again, with the number of those that were lost in between.
	// It may write; nil is nobody.
	Lost func(lines uint64)
	// Now is the clock; nil means time.Now.
	Now func() time.Time

	mu sync.Mutex
	// waiting are the lines that nobody has taken to Out yet, and spare is room for the next ones.
	waiting, spare []byte
	// writing is closed when the lines that are on their way are with Out, last when those that wait are. Each is
	// nil when nobody is to wait for it.
	writing, last chan struct{}
	// running says that a goroutine takes lines to Out, since when it is at the present ones.
	running bool
	since   time.Time
	stalled bool
	// writes counts the calls of Out.
	writes uint64
	// lost counts all lost lines, told those of them that Lost knows of.
	lost, told uint64
	failed     uint64
}

// Stats says how the writer is.
type Stats struct {
	// Stalled is how long Out has been blocking, zero while it takes lines within Patience.
	Stalled time.Duration
	// Waiting counts bytes, Lost lines, Failed the calls of Out that returned an error, with their lines.
	Waiting      int
	Lost, Failed uint64
}

// Write keeps a copy of the line for Out and returns at once. It never fails: a line that has no room is lost.
func (w *Writer) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if limit := orDefault(w.Limit, DefaultLimit); len(w.waiting)+len(line) > limit {
		w.lost++
		return len(line), nil
	}
	if w.last == nil && !w.stalled {
		w.last = make(chan struct{})
	}
	w.waiting = append(w.waiting, line...)
	if !w.running {
		w.running = true
		go w.run()
	}
	return len(line), nil
}

// run takes lines to Out until none waits.
func (w *Writer) run() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		if len(w.waiting) == 0 && w.lost > w.told && w.Lost != nil {
			lines := w.lost - w.told
			w.told = w.lost
			w.mu.Unlock()
			w.Lost(lines)
			w.mu.Lock()
		}
		if len(w.waiting) == 0 {
			w.running, w.stalled = false, false
			return
		}
		lines := w.waiting
		w.waiting, w.since = w.spare[:0], w.now()
		w.writing, w.last = w.last, nil
		w.writes++
		write := w.writes
		w.mu.Unlock()
		patience := time.AfterFunc(orDefault(w.Patience, DefaultPatience), func() { w.giveUp(write) })
		_, err := w.Out.Write(lines)
		patience.Stop()
		w.mu.Lock()
		if err != nil {
			w.failed++
		}
		release(&w.writing)
		if w.spare = lines; cap(lines) > 64<<10 { // what a pause has filled is not kept
			w.spare = nil
		}
	}
}

// giveUp lets nobody wait any more, until everything is written, unless this write has ended meanwhile.
func (w *Writer) giveUp(write uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.writing == nil || w.writes != write {
		return
	}
	w.stalled = true
	release(&w.writing)
	release(&w.last)
}

// release closes a channel once.
func release(c *chan struct{}) {
	if *c != nil {
		close(*c)
		*c = nil
	}
}

// Wait returns when the lines that were written before it are with Out, or Out blocks.
func (w *Writer) Wait() {
	w.mu.Lock()
	written := w.last
	if written == nil {
		written = w.writing
	}
	w.mu.Unlock()
	if written != nil {
		<-written
	}
}

// Stats returns how the writer is.
func (w *Writer) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := Stats{Waiting: len(w.waiting), Lost: w.lost, Failed: w.failed}
	if w.stalled {
		s.Stalled = w.now().Sub(w.since)
	}
	return s
}

func (w *Writer) now() time.Time {
	if w.Now == nil {
		return time.Now()
	}
	return w.Now()
}

func orDefault[T int | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}
