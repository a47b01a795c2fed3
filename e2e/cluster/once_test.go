//go:build e2e

package cluster

import (
	"errors"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"sallyport/e2e/history"
)

// Whatever fails, a code lets somebody in once, and each answer has one outcome on all nodes.
func TestCodesAreUsedOnceWhateverFails(t *testing.T) {
	sc := readScript(t, 1)
	s := start(t, options{program: raced, people: 400, disk: 256 << 20})
	s.register()
	random := rand.New(rand.NewPCG(sc.seed, 0))
	tr := s.race(sc.seed)
	s.hold(2 * time.Second)
	for _, f := range faults() {
		s.strike(f, random)
	}
	for until := time.Now().Add(sc.lasts - time.Since(tr.began)); time.Now().Before(until); {
		all := faults()
		s.strike(all[random.IntN(len(all))], random)
	}
	tr.judge()
	s.alike()
	s.raceless()
}

// The same traffic shows the planted fault: a node that asks only its own replica, and replicates later.
func TestCheckingOneReplicaIsFound(t *testing.T) {
	sc := readScript(t, 1)
	s := start(t, options{people: 400, broken: true})
	s.register()
	tr := s.race(sc.seed)
	illegal := new(history.IllegalError)
	took := s.eventually("a code that lets in twice", time.Minute, func() error {
		if len(history.Twice(tr.record.Operations())) == 0 {
			return errors.New("none yet")
		}
		return nil
	})
	tr.end()
	page := drawing(s)
	defer os.Remove(page)
	if err := tr.record.Check(time.Minute, page); !errors.As(err, &illegal) {
		t.Fatalf("the history was judged %v, want it to be found illegal", err)
	}
	t.Logf("found after %v: %v", took.Round(time.Millisecond), illegal)
}
