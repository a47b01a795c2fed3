package state

import (
	"bytes"
	"errors"
	"testing"
)

// poison panics in the middle of a change.
type poison struct{ Unlock }

func (*poison) apply(t *txn) Result {
	t.putUser(&User{ID: "half done"})
	panic("poison")
}

func TestAPanicLosesOneCommandOnly(t *testing.T) {
	m, twin := foundedMachine(), foundedMachine()
	for _, m := range []*Machine{m, twin} {
		good := []Command{settleNumber(1, 10), &poison{}, nil, settleNumber(2, 10)}
		results := m.apply(2, 1, good)
		for i, want := range []Status{Done, Ignored, Ignored, Done} {
			if results[i].Status != want {
				t.Errorf("command %d: status %d, want %d", i, results[i].Status, want)
			}
		}
	}
	if m.View().User("half done") != nil {
		t.Error("half of a command was kept")
	}
	if m.View().Sizes().Challenges != 2 || m.Counters().Panics != 2 || m.Counters().Ignored != 1 {
		t.Errorf("sizes %+v, counters %+v", m.View().Sizes(), m.Counters())
	}
	if m.View().Hash() != twin.View().Hash() {
		t.Error("two machines differ after a panic")
	}
}

func TestWhatIsNotUnderstoodChangesNothing(t *testing.T) {
	m := foundedMachine()
	before := m.View()
	for name, command := range map[string][]byte{
		"empty": {}, "version": {9, 1}, "type": {version, 200}, "truncated": Encode(settleNumber(1, 1))[:40],
		"short tag": append([]byte{version, byte(KindSettle)}, 1<<3|2, 2, 0, 0),
	} {
		r := m.Apply(before.Index(), EncodeBatch(0, [][]byte{command}))
		if len(r) != 1 || r[0].Status != Ignored || m.View().Hash() != before.Hash() {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if r := m.Apply(before.Index(), []byte{9, 9, 9}); r != nil || m.View().Hash() != before.Hash() {
		t.Errorf("an unknown batch: %+v", r)
	}
	if got := m.Counters().Ignored; got != 6 {
		t.Errorf("%d ignored, want 6", got)
	}
}

func TestTimeNeverGoesBack(t *testing.T) {
	m := foundedMachine()
	m.Apply(2, EncodeBatch(100*second, nil))
	m.Apply(3, EncodeBatch(50*second, nil))
	if got := m.View().Time(); got != 100*second {
		t.Errorf("time %d, want %d", got, 100*second)
	}
}

func TestForgettingIsBounded(t *testing.T) {
	m := foundedMachine()
	const kept = 1000
	for i := range kept {
		m.Apply(uint64(i+2), EncodeBatch(0, [][]byte{Encode(settleNumber(i, kept))}))
	}
	m.Apply(kept+2, EncodeBatch(1000*second, [][]byte{Encode(&Unlock{UserID: "nobody"})}))
	if got := m.View().Sizes().Challenges; got != kept-forgetPerBatch-forgetPerCommand {
		t.Errorf("%d challenges after one batch", got)
	}
	for i := uint64(0); m.View().Sizes().Challenges > 0; i++ {
		if i > kept/forgetPerBatch {
			t.Fatalf("%d challenges are never forgotten", m.View().Sizes().Challenges)
		}
		m.Apply(kept+3+i, EncodeBatch(1000*second, nil))
	}
	if r := m.now.Load(); r.requests.size != 0 || r.rejoins.size != 0 || r.kept.size != 0 || len(r.expiries) != 0 || r.verdicts != 0 {
		t.Errorf("something is left: %d, %d, %d, %d", r.requests.size, r.rejoins.size, len(r.expiries), r.verdicts)
	}
}

func TestDamagedSnapshotsAreRefused(t *testing.T) {
	m := foundedMachine()
	for i := range 5 {
		m.Apply(uint64(i+2), EncodeBatch(0, [][]byte{Encode(settleNumber(i, 10))}))
	}
	var b bytes.Buffer
	if err := m.View().WriteSnapshot(&b); err != nil {
		t.Fatal(err)
	}
	whole := b.Bytes()
	other := foundedMachine()
	before := other.View().Hash()
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 1
		if err := other.Restore(bytes.NewReader(damaged)); !errors.Is(err, ErrSnapshot) {
			t.Fatalf("octet %d flipped: %v", i, err)
		}
	}
	if err := other.Restore(bytes.NewReader(whole[:len(whole)-1])); !errors.Is(err, ErrSnapshot) {
		t.Fatalf("truncated: %v", err)
	}
	if other.View().Hash() != before {
		t.Error("a damaged snapshot changed the state")
	}
	if err := other.Restore(bytes.NewReader(whole)); err != nil || other.View().Hash() != m.View().Hash() {
		t.Errorf("the whole snapshot: %v", err)
	}
}

// TestReadsDoNotWait reads views while batches are applied; the race detector has the last word.
func TestReadsDoNotWait(t *testing.T) {
	m := foundedMachine()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 500 {
			c := settleNumber(i, 10)
			c.Expires, c.Limits.Keep = int64(i+1)*second, 0
			m.Apply(uint64(i+2), EncodeBatch(int64(i)*second, [][]byte{Encode(c)}))
		}
	}()
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		v := m.View()
		if first := v.Hash(); first != v.Hash() {
			t.Fatal("a view has changed")
		}
	}
}
