package state

import (
	"bytes"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"sallyport/login"
)

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
				if !reflect.DeepEqual(a[i], b[i]) || !reflect.DeepEqual(a[i], c[i]) {
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
		if n := whole.Counters().Panics; n != 0 {
			t.Fatalf("%d panics", n)
		}
		if whole.View().Hash() != twin.View().Hash() {
			t.Fatal("two machines with the same log differ")
		}
		if whole.View().Digest() != twin.View().Digest() || whole.View().Digest() != restored.View().Digest() {
			t.Fatal("the digests differ")
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
			if !ok || r.Outcome.Repeated || s.Exempt != "" || s.Code != (login.Tag{}) {
				continue
			}
			if r.Outcome.Code != login.CodeAccepted && r.Outcome.Code != login.CodePrompt {
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

// TestCodesAreUsedAsOftenAsTheyMay is the same for one-time codes: between two grants a code is accepted
// no more often than it has uses, be it that it ends the login, passes it, or allows a registration.
func TestCodesAreUsedAsOftenAsTheyMay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := foundedMachine()
		left := map[string]uint32{}
		key := func(user, kind string, code login.Tag) string { return user + " " + kind + string(code[:1]) }
		var stamp int64
		for index := range rapid.IntRange(1, 60).Draw(t, "commands") {
			stamp += int64(rapid.IntRange(0, 5).Draw(t, "seconds")) * second
			c := drawCommand(t)
			r := m.Apply(uint64(index+2), EncodeBatch(stamp, [][]byte{Encode(c)}))[0]
			if g, ok := c.(*Grant); ok && r.Status == Done {
				for _, o := range g.Codes { // several may have one tag
					left[key(g.UserID, g.Factor, o.Tag)] += o.Uses
				}
			}
			s, ok := c.(*Settle)
			if !ok || r.Outcome.Repeated || r.Outcome.Code != login.CodeAccepted && r.Outcome.Code != login.CodePrompt {
				continue
			}
			var used string
			switch {
			case s.Exempt != "":
				continue
			case len(s.Register) > 0 && s.Invitation != (login.Tag{}):
				used = key(s.UserID, login.CredentialInvitation, s.Invitation)
			case s.Code != (login.Tag{}) && (s.Factor != login.CredentialInvitation || r.Outcome.Code == login.CodeAccepted):
				used = key(s.UserID, s.Factor, s.Code)
			default:
				continue
			}
			if left[used] == 0 {
				t.Fatalf("command %d used a code without a use: %+v", index, s)
			}
			left[used]--
		}
	})
}

// delivered is one code that somebody was told to deliver.
type delivered struct {
	open *Open
	at   int64
}

// TestNoMoreIsSentThanMayBe counts what callers were told to deliver: each code is delivered by one of
// them, numbers rise, and no window has more than its limit.
func TestNoMoreIsSentThanMayBe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := foundedMachine()
		var all []delivered
		acts, last := map[login.Tag]uint64{}, map[string]uint64{}
		var stamp int64
		for index := range rapid.IntRange(1, 80).Draw(t, "commands") {
			stamp += int64(rapid.IntRange(0, 1500).Draw(t, "seconds")) * second
			c := drawCommand(t)
			if f, ok := c.(*SendFailed); ok {
				f.Number = 0 // a failed send makes way: that is tested elsewhere
			}
			r := m.Apply(uint64(index+2), EncodeBatch(stamp, [][]byte{Encode(c)}))[0]
			o, ok := c.(*Open)
			if !ok || !r.Fresh || o.Decoy || r.Opened.Decoy {
				continue
			}
			sent := r.Opened.Opening.last()
			if n, repeated := acts[o.Send.Act]; repeated && n == sent.Number {
				continue // the same caller again
			}
			acts[o.Send.Act] = sent.Number
			key := o.UserID + " " + sent.Factor
			if sent.Number <= last[key] {
				t.Fatalf("number %d was sent after %d", sent.Number, last[key])
			}
			last[key] = sent.Number
			all = append(all, delivered{o, stamp})
			checkWindows(t, all)
		}
	})
}

// checkWindows looks at the windows that end with the newest delivery.
func checkWindows(t *rapid.T, all []delivered) {
	newest := all[len(all)-1]
	bounds := sendBounds()
	for name, c := range map[string]struct {
		rate SendRate
		same func(a, b *Open) bool
	}{
		"user": {bounds.User, func(a, b *Open) bool { return a.UserID == b.UserID && a.Factor == b.Factor }},
		"destination": {bounds.Destination, func(a, b *Open) bool {
			return a.Send.Destination == b.Send.Destination && a.Send.Destination != (login.Tag{})
		}},
		"country": {bounds.Country, func(a, b *Open) bool {
			return a.Send.Country == b.Send.Country && a.Send.Country != "" && a.Factor == b.Factor
		}},
		"global": {bounds.Global, func(a, b *Open) bool { return a.Factor == b.Factor }},
	} {
		var sends []int64
		for _, d := range all {
			if c.same(d.open, newest.open) {
				sends = append(sends, d.at)
			}
		}
		inHour, inDay := exactly(sends, hour, newest.at), exactly(sends, day, newest.at)
		if c.rate.Hour > 0 && inHour > uint64(c.rate.Hour) || c.rate.Day > 0 && inDay > uint64(c.rate.Day) {
			t.Fatalf("%s: %d in an hour, %d in a day", name, inHour, inDay)
		}
		if n := len(sends); name == "user" && n > 1 && sends[n-1]-sends[n-2] < bounds.Between {
			t.Fatalf("two sends within %d", sends[n-1]-sends[n-2])
		}
	}
}

// TestAPasscodeIsForwardedOnce: whatever comes between, one passcode is claimed under one act only as
// long as anything is remembered of it, and a concluded accept was claimed.
func TestAPasscodeIsForwardedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := foundedMachine()
		claimed, acts := map[login.Tag]login.Tag{}, map[login.Tag]bool{}
		for index := range rapid.IntRange(1, 80).Draw(t, "commands") {
			c := drawCommand(t)
			if claim, ok := c.(*Claim); ok { // nothing is forgotten, and some epochs fit
				claim.Expires, claim.Limits.Capacity, claim.Factor, claim.Version = 200*second, 0, "securid", 0
			}
			r := m.Apply(uint64(index+2), EncodeBatch(int64(index)*second, [][]byte{Encode(c)}))[0]
			switch c := c.(type) {
			case *Claim:
				if !r.Outcome.Claimed {
					continue
				}
				if first, known := claimed[c.Passcode]; known && first != c.Act && c.Passcode != (login.Tag{}) {
					t.Fatalf("command %d: claimed by %x after %x", index, c.Act[0], first[0])
				}
				claimed[c.Passcode], acts[c.Act] = c.Act, true
			case *Conclude:
				if r.Outcome.Code == login.CodeAccepted && !r.Outcome.Repeated && !acts[c.Act] {
					t.Fatalf("command %d: accepted without a claim", index)
				}
				if c.Release && !r.Outcome.Repeated {
					clear(claimed)
				}
			}
		}
	})
}
