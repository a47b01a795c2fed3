package state

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"sallyport/login"
)

// drawCommand makes commands that meet: few users, challenges, tokens and answers.
func drawCommand(t *rapid.T) Command {
	small := func(name string) byte { return rapid.ByteRange(1, 4).Draw(t, name) }
	user := fmt.Sprintf("corp:%d", small("user"))
	handle := login.Handle{user[5]}
	factor := rapid.SampledFrom([]string{"totp", "sms"}).Draw(t, "factor")
	client := rapid.SampledFrom([]string{"vpn", "wifi"}).Draw(t, "client")
	version := rapid.Uint32Range(0, 3).Draw(t, "version")
	epoch := rapid.Uint32Range(0, 3).Draw(t, "epoch")
	expires := int64(rapid.IntRange(1, 200).Draw(t, "expires")) * second
	capacity := rapid.SampledFrom([]uint64{0, 6}).Draw(t, "capacity")
	keep := int64(rapid.IntRange(0, 20).Draw(t, "keep")) * second
	record := rapid.SampledFrom([][]byte{nil, []byte("record")}).Draw(t, "record")
	act := login.Tag{rapid.ByteRange(0, 9).Draw(t, "act")}
	id := login.ChallengeID{small("challenge"), small("challenge 2")}
	return rapid.OneOf(
		rapid.Just[Command](&Settle{
			Challenge: id, Token: login.Tag{small("token")}, Answer: login.Tag{small("answer")},
			Request: login.Tag{rapid.ByteRange(0, 3).Draw(t, "request")},
			Client:  client, UserID: user, Name: "name", Handle: handle, ClusterEpoch: 1, Epoch: epoch,
			Factor: factor, Version: version, Number: rapid.Uint64Range(0, 6).Draw(t, "number"),
			Memo: record, Register: record, Expires: expires,
			Limits: Limits{Attempts: 3, SoftLock: 2, SoftLockFor: second, SoftLockMax: 4 * second, HardLock: 9, Keep: keep, Capacity: capacity},
		}),
		rapid.Just[Command](&Open{
			ID: id, UserID: user, Name: "name", Handle: handle, Client: client, Factor: factor, Epoch: epoch,
			Record: record, Rejoin: login.Tag{rapid.ByteRange(0, 2).Draw(t, "rejoin")},
			RejoinWithin: 30 * second, Life: expires, Keep: keep, Capacity: capacity,
		}),
		rapid.Just[Command](&Cancel{Challenge: id, Client: client, UserID: user, Epoch: epoch, Expires: expires, Keep: keep, Capacity: capacity}),
		rapid.Just[Command](&Register{UserID: user, Name: "new name", Handle: handle, Factor: factor, Version: version, Record: []byte("record 2")}),
		rapid.Just[Command](&Reset{UserID: user, Factor: rapid.SampledFrom([]string{"", factor}).Draw(t, "which"), Act: act, Handle: handle}),
		rapid.Just[Command](&Unlock{UserID: user, Factor: factor, Act: act}),
		rapid.Just[Command](&Learn{Client: client, Address: []byte{192, 0, 2, small("address")}}),
		rapid.Just[Command](&Forget{Client: client, Act: act}),
		rapid.Just[Command](&Rotate{Previous: small("previous"), Key: StateKey{ID: small("key"), Sealed: []byte("key")}}),
	).Draw(t, "command")
}

// drawEntry makes a batch; the stamps sometimes go back.
func drawEntry(t *rapid.T, stamp *int64) []byte {
	*stamp += int64(rapid.IntRange(-2, 20).Draw(t, "seconds")) * second
	commands := rapid.SliceOfN(rapid.Custom(drawCommand), 0, 8).Draw(t, "commands")
	encoded := make([][]byte, len(commands))
	for i, c := range commands {
		encoded[i] = Encode(c)
	}
	return EncodeBatch(*stamp, encoded)
}

// TestLogAndSnapshotAgree compares a machine that has the whole log with one that is restored from a
// snapshot now and then, and with a third that merely has the log too.
func TestLogAndSnapshotAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole, twin, restored := foundedMachine(), foundedMachine(), foundedMachine()
		var stamp int64
		for index := range rapid.IntRange(1, 40).Draw(t, "entries") {
			entry := drawEntry(t, &stamp)
			a := whole.Apply(uint64(index+2), entry)
			b := twin.Apply(uint64(index+2), entry)
			c := restored.Apply(uint64(index+2), entry)
			for i := range a {
				if a[i].Outcome != b[i].Outcome || a[i].Outcome != c[i].Outcome || a[i].Status != b[i].Status || a[i].Status != c[i].Status {
					t.Fatalf("entry %d, command %d: %+v, %+v, %+v", index, i, a[i], b[i], c[i])
				}
			}
			if rapid.IntRange(0, 3).Draw(t, "restore") == 0 {
				var snapshot bytes.Buffer
				if err := whole.View().WriteSnapshot(&snapshot); err != nil {
					t.Fatal(err)
				}
				restored = New()
				if err := restored.Restore(&snapshot); err != nil {
					t.Fatal(err)
				}
			}
		}
		if whole.View().Hash() != twin.View().Hash() {
			t.Fatal("two machines with the same log differ")
		}
		if whole.View().Hash() != restored.View().Hash() || whole.View().Sizes() != restored.View().Sizes() {
			t.Fatal("the log and a snapshot with the rest of the log differ")
		}
	})
}

// TestNumbersAreUsedOnce is single use: whatever commands come, an accept that is not a repetition
// never has a number that the same credential accepted before, unless it was registered anew.
func TestNumbersAreUsedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := foundedMachine()
		last := map[string]uint64{}
		var stamp int64
		for index := range rapid.IntRange(1, 60).Draw(t, "commands") {
			stamp += int64(rapid.IntRange(0, 5).Draw(t, "seconds")) * second
			c := drawCommand(t)
			r := m.Apply(uint64(index+2), EncodeBatch(stamp, [][]byte{Encode(c)}))[0]
			s, ok := c.(*Settle)
			if !ok || r.Outcome.Code != login.CodeAccepted || r.Outcome.Repeated {
				continue
			}
			key := s.UserID + " " + s.Factor
			if len(s.Register) == 0 && s.Number <= last[key] {
				t.Fatalf("%d was accepted after %d", s.Number, last[key])
			}
			last[key] = s.Number
		}
	})
}

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
