package state

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sallyport/login"
)

// sealedAs is a record that says what it is sealed for.
func sealedAs(userID, factor string, version uint32) []byte {
	return fmt.Appendf(nil, "%s %s %d", userID, factor, version)
}

// reseal opens nothing that is sealed for something else.
func reseal(userID, factor string, from, to uint32, sealed []byte) ([]byte, error) {
	if string(sealed) != string(sealedAs(userID, factor, from)) {
		return nil, errors.New("it is sealed for something else")
	}
	return sealedAs(userID, factor, to), nil
}

func merging(floors ...Floor) Merging {
	return Merging{Key: StateKey{ID: 9, Sealed: []byte("new key")}, Floors: floors, Reseal: reseal}
}

func enrol(userID, factor string, version uint32) Command {
	return &Register{UserID: userID, Name: userID, Handle: login.Handle{userID[0]}, Factor: factor, Version: version, Record: sealedAs(userID, factor, version+1)}
}

func grant(tags ...byte) Command {
	codes := make([]OneTimeCode, len(tags))
	for i, t := range tags {
		codes[i] = OneTimeCode{Tag: login.Tag{t}, Uses: 2, Until: 1000 * second}
	}
	return &Grant{UserID: "alice", Handle: login.Handle{'a'}, Factor: login.CredentialRecovery, Codes: codes}
}

// backedUp is a cluster when its backup was made, and later.
func backedUp() (backup, current *Machine) {
	early := func() *Machine {
		m := foundedMachine()
		m.apply(2, 100*second, []Command{
			announce(), enrol("alice", "totp", 0), enrol("alice", "sms", 0), enrol("bob", "totp", 0), grant(1, 2, 3),
			&OpenWindow{Subject: "corp:1", Until: 9000 * second}, &Learn{Client: "vpn", Address: []byte{192, 0, 2, 1}}, sendOne(2),
			answer(func(c *Settle) { c.Epoch = 2 }),
		})
		return m
	}
	backup, current = early(), early()
	wrong3 := func(c *Settle) { c.Challenge, c.Number, c.Epoch, c.Limits.HardLock = login.ChallengeID{7}, 0, 3, 1 }
	current.apply(9, 200*second, []Command{
		&Certify{Certificate: []byte("certificate"), Key: []byte("sealed")}, issue(), use(),
		enrol("alice", "totp", 1), enrol("carol", "totp", 0), &Reset{UserID: "alice", Factor: "sms"}, &OpenWindow{Subject: "corp:1"},
		&Grant{UserID: "alice", Factor: login.CredentialRecovery, Codes: []OneTimeCode{{login.Tag{1}, 1, 0}, {login.Tag{2}, 3, 500 * second}, {login.Tag{4}, 1, 0}}},
		&Renew{UserID: "alice", Factor: "totp"},
		answer(another, num(77), func(c *Settle) { c.Epoch, c.Version, c.Expires = 4, 2, 999*second }),
		answer(wrong3, func(c *Settle) { c.Epoch, c.Version, c.Expires = 4, 2, 999*second }),
		&Forget{Client: "vpn", Act: login.Tag{5}},
	})
	return backup, current
}

func TestABackupTakesThePlaceOfTheUsers(t *testing.T) {
	backup, current := backedUp()
	if c := current.View().User("alice").Credential("totp"); c.Last != 77 || !c.HardLocked || c.Version != 2 || !c.Renew {
		t.Fatalf("alice now: %+v", c)
	}
	merged, err := Merge(backup.View(), current.View(), merging(Floor{"totp", 100}))
	if err != nil {
		t.Fatal(err)
	}
	m := restoredFrom(t, merged)
	v := m.View()
	if got, want := v.Sizes(), (Sizes{Users: 2, Learned: 1, Tallies: 2, Windows: 1}); got != want {
		t.Errorf("sizes %+v, want %+v", got, want)
	}
	if v.Window("corp:1") != 9000*second || !v.Learned("vpn", []byte{192, 0, 2, 1}, 0) {
		t.Error("the window or the address is not the backup's")
	}
	alice := v.User("alice")
	if alice.Epoch != current.View().User("alice").Epoch+1 {
		t.Errorf("epoch %d", alice.Epoch)
	}
	totp := Credential{Factor: "totp", Version: 2, Record: sealedAs("alice", "totp", 2), Last: 77, Failures: 1, HardLocked: true, Renew: true}
	if got := alice.Credential("totp"); !reflect.DeepEqual(got, totp) {
		t.Errorf("totp %+v, want %+v", got, totp)
	}
	if got := alice.Credential("sms"); got.Version != 1 || string(got.Record) != string(sealedAs("alice", "sms", 1)) || got.Sent != 1 {
		t.Errorf("sms %+v", got)
	}
	codes := []OneTimeCode{{login.Tag{1}, 1, 1000 * second}, {login.Tag{2}, 2, 500 * second}}
	if got := alice.Credential(login.CredentialRecovery).Codes; !reflect.DeepEqual(got, codes) {
		t.Errorf("codes %+v, want %+v", got, codes)
	}
	if bob := v.User("bob"); !reflect.DeepEqual(bob.Credential("totp"), backup.View().User("bob").Credential("totp")) {
		t.Errorf("bob %+v", bob)
	}
	if v.User("carol") != nil || v.UserByHandle(login.Handle{'b'}).ID != "bob" {
		t.Error("carol is there, or bob is not found")
	}
	checkLeftovers(t, m)
}

func TestAMergedClusterStaysWhatItIs(t *testing.T) {
	backup, current := backedUp()
	backup.apply(3, 100*second, []Command{raise(Floor{"sms", 5})})
	merged, err := Merge(backup.View(), current.View(), merging(Floor{"totp", 100}))
	if err != nil {
		t.Fatal(err)
	}
	got, now := merged.Meta(), current.View().Meta()
	want := &Meta{
		ClusterID: now.ClusterID, Epoch: 3, Check: now.Check, Authority: now.Authority, Level: now.Level,
		Keys: []StateKey{{ID: 9, Sealed: []byte("new key"), Since: 200 * second}}, Floors: []Floor{{"sms", 5}, {"totp", 100}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("meta %+v, want %+v", got, want)
	}
	if merged.Index() != 9 || merged.Time() != 200*second || !reflect.DeepEqual(merged.Nodes(), current.View().Nodes()) {
		t.Errorf("index %d, time %d, nodes %+v", merged.Index(), merged.Time(), merged.Nodes())
	}
	m := restoredFrom(t, merged)
	if r := m.apply(10, 0, []Command{use(), &Forget{Client: "vpn", Act: login.Tag{5}}}); r[0].Status != Done || r[1].Count != 1 {
		t.Errorf("what was done before is done again: %+v", r)
	}
	if !m.View().Learned("vpn", []byte{192, 0, 2, 1}, 0) {
		t.Error("a forget was done again")
	}
	checkUsedCodes(t, m)
}

// checkUsedCodes tries what was good before the backup, after it, and up to the floor.
func checkUsedCodes(t *testing.T, m *Machine) {
	t.Helper()
	bob := func(c *Settle) {
		c.UserID, c.Handle, c.ClusterEpoch, c.Expires = "bob", login.Handle{'b'}, 3, 999*second
		c.Epoch = m.View().User("bob").Epoch
		c.Limits.Attempts = 9
	}
	m.apply(11, 0, []Command{&Unlock{UserID: "alice"}})
	alice := func(c *Settle) { bob(c); c.UserID, c.Epoch, c.Version = "alice", m.View().User("alice").Epoch, 2 }
	for i, c := range []struct {
		number uint64
		who    func(*Settle)
		want   login.Code
	}{
		{10, alice, login.CodeOTPReplayed}, {77, alice, login.CodeOTPReplayed}, {100, alice, login.CodeOTPReplayed},
		{101, alice, login.CodeAccepted}, {10, bob, login.CodeOTPReplayed}, {101, bob, login.CodeAccepted},
	} {
		settle := answer(num(c.number), c.who, func(c *Settle) { c.Challenge, c.Token = login.ChallengeID{50, byte(i)}, login.Tag{byte(i + 1)} })
		if got := m.apply(uint64(12+i), 0, []Command{settle})[0].Outcome; got.Code != c.want {
			t.Errorf("%d: %+v, want %s", c.number, got, c.want)
		}
	}
}

func TestWhatCannotBeMergedIsRefused(t *testing.T) {
	backup, current := backedUp()
	foreign := New()
	foreign.apply(1, 0, []Command{&Found{ClusterID: "other", Check: []byte("another key"), Key: StateKey{ID: 1, Sealed: []byte("key")}, Level: Level}})
	old := New()
	old.apply(1, 0, []Command{&Found{ClusterID: "old", Key: StateKey{ID: 1, Sealed: []byte("key")}}})
	tampered, _ := backedUp()
	tampered.apply(3, 0, []Command{&Register{UserID: "alice", Handle: login.Handle{'a'}, Factor: "totp", Version: 1, Record: []byte("other")}})
	newer, _ := backedUp()
	newest := newer.View()
	current.apply(10, 0, []Command{enrol("alice", "totp", 2)})
	for name, c := range map[string]struct {
		backup, current View
		m               Merging
		words           string
	}{
		"another master key":       {foreign.View(), current.View(), merging(), "another master key"},
		"a lower level":            {newest, old.View(), merging(), "run the newer sallyport"},
		"no key":                   {backup.View(), current.View(), Merging{Reseal: reseal}, "sealed State key"},
		"no way to seal":           {backup.View(), current.View(), Merging{Key: merging().Key}, "seal records anew"},
		"endless floors":           {backup.View(), current.View(), merging(endless()...), "out of range"},
		"a record of another name": {tampered.View(), current.View(), merging(), "totp"},
	} {
		before := c.current.Hash()
		if _, err := Merge(c.backup, c.current, c.m); err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", name, err)
		}
		if c.current.Hash() != before {
			t.Errorf("%s: the state has changed", name)
		}
	}
}

// TestAMergedStateTravels: whatever both have, the merged one is the same after a snapshot, nobody's guard
// falls back, and what goes on after it goes on alike.
func TestAMergedStateTravels(t *testing.T) {
	anyway := func(_, _ string, _, _ uint32, sealed []byte) ([]byte, error) { return sealed, nil }
	rapid.Check(t, func(t *rapid.T) {
		var stamp int64
		m := foundedMachine()
		index := uint64(1)
		run := func(name string) {
			for range rapid.IntRange(0, 20).Draw(t, name) {
				index++
				m.Apply(index, drawEntry(t, &stamp))
			}
		}
		run("before")
		backup := m.View()
		run("after")
		current := m.View()
		hashes := [][32]byte{backup.Hash(), current.Hash()}
		merged, err := Merge(backup, current, Merging{Key: StateKey{ID: 9, Sealed: []byte("key")}, Reseal: anyway})
		if err != nil {
			t.Fatal(err)
		}
		travelled, stayed := restoredFrom(t, merged), NewFrom(merged)
		if travelled.View().Hash() != merged.Hash() || travelled.View().Digest() != merged.Digest() {
			t.Fatal("the merged state is another one after a snapshot")
		}
		if merged.Digest() == current.Digest() || merged.Digest() == backup.Digest() {
			t.Fatal("who has missed the merge would not be noticed")
		}
		checkGuards(t, merged, backup)
		checkGuards(t, merged, current)
		entry := drawEntry(t, &stamp)
		travelled.Apply(index+1, entry)
		stayed.Apply(index+1, entry)
		if travelled.View().Hash() != stayed.View().Hash() || stayed.Counters().Panics != 0 {
			t.Fatal("what comes after differs")
		}
		if backup.Hash() != hashes[0] || current.Hash() != hashes[1] {
			t.Fatal("a view was changed")
		}
	})
}

// checkGuards compares the users of the merged state that are in an earlier one too.
func checkGuards(t *rapid.T, merged, earlier View) {
	for _, u := range merged.Users("", 1000) {
		before := earlier.User(u.ID)
		if before == nil {
			continue
		}
		if u.Epoch <= before.Epoch {
			t.Fatalf("%s: epoch %d after %d", u.ID, u.Epoch, before.Epoch)
		}
		for _, b := range before.Credentials {
			c := u.Credential(b.Factor)
			if c.Last < b.Last || c.Sent < b.Sent || c.Version < b.Version || c.Failures < b.Failures ||
				c.LockedUntil < b.LockedUntil || b.HardLocked && !c.HardLocked || len(c.Codes) > len(b.Codes) {
				t.Fatalf("%s: %+v after %+v", u.ID, c, b)
			}
		}
	}
}
