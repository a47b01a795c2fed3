package logwriter

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipe takes a call of Write for each token in open; without one it blocks, as a pipe does that nobody reads.
type pipe struct {
	open chan struct{}
	mu   sync.Mutex
	text strings.Builder
	err  error
}

func (p *pipe) Write(b []byte) (int, error) {
	<-p.open
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text.Write(b)
	return len(b), p.err
}

func (p *pipe) read() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

func TestALineIsWrittenWhenWaitReturns(t *testing.T) {
	p := &pipe{open: make(chan struct{})}
	close(p.open)
	w := &Writer{Out: p}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			for j := range 50 {
				line := fmt.Sprintf("<%d %d>\n", i, j)
				if n, err := w.Write([]byte(line)); n != len(line) || err != nil {
					t.Errorf("%d, %v", n, err)
				}
				w.Wait()
				if !strings.Contains(p.read(), line) {
					t.Errorf("%q is not written", line)
				}
			}
		})
	}
	wg.Wait()
	if n := strings.Count(p.read(), "\n"); n != 1000 {
		t.Errorf("%d lines", n)
	}
	if s := w.Stats(); s != (Stats{}) {
		t.Errorf("%+v", s)
	}
}

// TestS11AReaderThatStandsStillStopsNobody: the first line waits for Patience, the others not at all; what has room
// is kept in order, what has none is counted and told.
func TestS11AReaderThatStandsStillStopsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipe{open: make(chan struct{})}
		w := &Writer{Out: p, Limit: 100, Patience: time.Second}
		w.Lost = func(n uint64) { fmt.Fprintf(w, "lost %d\n", n) }
		start := time.Now()
		for i := range 30 {
			fmt.Fprintf(w, "line %03d\n", i) // nine bytes
			w.Wait()
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("30 lines took %v", took)
		}
		time.Sleep(time.Second)
		// The first line is with the pipe, eleven wait.
		if s := w.Stats(); s != (Stats{Stalled: 2 * time.Second, Waiting: 99, Lost: 18}) {
			t.Errorf("%+v", s)
		}
		for range 3 {
			p.open <- struct{}{}
		}
		synctest.Wait()
		lines := strings.Split(strings.TrimSpace(p.read()), "\n")
		if len(lines) != 13 || lines[0] != "line 000" || lines[11] != "line 011" || lines[12] != "lost 18" {
			t.Errorf("%q", lines)
		}
		if s := w.Stats(); s.Stalled != 0 || s.Waiting != 0 {
			t.Errorf("after that: %+v", s)
		}
		// And it waits again.
		go func() { p.open <- struct{}{} }()
		fmt.Fprintln(w, "again")
		w.Wait()
		if !strings.HasSuffix(p.read(), "again\n") {
			t.Errorf("%q", p.read())
		}
	})
}

func TestAnErrorIsCounted(t *testing.T) {
	p := &pipe{open: make(chan struct{}), err: errors.New("gone")}
	close(p.open)
	w := &Writer{Out: p}
	for range 3 {
		fmt.Fprintln(w, "line")
		w.Wait()
	}
	if s := w.Stats(); s.Failed != 3 || s.Lost != 0 {
		t.Errorf("%+v", s)
	}
}
