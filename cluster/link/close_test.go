package link_test

import (
	"net"
	"runtime"
	"sync"
	"testing"

	"sallyport/cluster/link"
)

// TestCloseLeavesNothing closes a node with connections of every class and direction, also some that
// nobody has accepted, while more are being made.
func TestCloseLeavesNothing(t *testing.T) {
	w := newWorld(t, "c1")
	one, two := w.member(t, "a"), w.member(t, "b")
	before := runtime.NumGoroutine()

	a, b := w.listen(t, one), w.listen(t, two)
	var open []net.Conn
	for _, class := range betweenMembers {
		x, y := connect(t, a, b, class)
		z, v := connect(t, b, a, class)
		open = append(open, x, y, z, v)
	}
	waiting, err := b.Dial(t.Context(), link.Call, "a", a.address())
	if err != nil {
		t.Fatal(err)
	}
	joiner, _, err := link.DialJoin(t.Context(), a.address(), link.Fingerprint(w.authority.Certificate()))
	if err != nil {
		t.Fatal(err)
	}
	var dialling sync.WaitGroup
	for range 8 {
		dialling.Go(func() {
			for {
				c, err := a.Dial(t.Context(), link.Raft, "b", b.address())
				if err != nil {
					return
				}
				_ = c.Close()
			}
		})
	}
	if err := a.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
	dialling.Wait() // a closed node dials nobody
	for _, c := range append(open, waiting, joiner) {
		ends(t, c)
		_ = c.Close()
	}
	if err := b.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	waitFor(t, "the goroutines to end", func() bool { return runtime.NumGoroutine() <= before })
}
