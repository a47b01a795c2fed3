package state

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
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
			&OpenWindow{Subject: "corp:1", Until: 9000 * second}, &OpenWindow{Subject: "corp:3", Until: 400 * second}, &Learn{Client: "vpn", Address: []byte{192, 0, 2, 1}}, sendOne(2),
			answer(func(c *Settle) { c.Epoch = 2 }),
		})
		return m
	}
	backup, current = early(), early()
	wrong3 := func(c *Settle) { c.Challenge, c.Number, c.Epoch, c.Limits.HardLock = login.ChallengeID{7}, 0, 3, 1 }
	current.apply(9, 200*second, []Command{
		&Certify{Certificate: []byte("certificate"), Key: []byte("sealed")}, issue(), use(),
		enrol("alice", "totp", 1), enrol("carol", "totp", 0), &Reset{UserID: "alice", Factor: "sms"}, &OpenWindow{Subject: "corp:1"}, &OpenWindow{Subject: "corp:2", Until: 9000 * second}, &OpenWindow{Subject: "corp:3", Until: 9000 * second},
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
	merged, losses, err := Merge(backup.View(), current.View(), merging(Floor{"totp", 100}))
	if err != nil {
		t.Fatal(err)
	}
	want := Losses{
		Recovery: Lost{Count: 2, Of: []string{"alice (alice)"}}, Windows: Lost{Count: 1, Of: []string{"corp:2"}},
		Unregistered: Lost{Count: 1, Of: []string{"carol (carol)"}}, Older: Lost{Count: 1, Of: []string{"alice (alice)"}},
	}
	if !reflect.DeepEqual(losses, want) {
		t.Errorf("losses %+v, want %+v", losses, want)
	}
	m := restoredFrom(t, merged)
	v := m.View()
	if got, want := v.Sizes(), (Sizes{Users: 3, Learned: 1, Tallies: 2, Windows: 2}); got != want {
		t.Errorf("sizes %+v, want %+v", got, want)
	}
	if v.Window("corp:1") != 0 || v.Window("corp:2") != 0 || v.Window("corp:3") != 400*second || !v.Learned("vpn", []byte{192, 0, 2, 1}, 0) {
		t.Error("a window that was closed is open, one is open for longer, or the address is not the backup's")
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
	if bob := v.User("bob"); bob.Epoch != backup.View().User("bob").Epoch+1 || !reflect.DeepEqual(bob.Credential("totp"), backup.View().User("bob").Credential("totp")) {
		t.Errorf("bob %+v", bob)
	}
	carol := Credential{Factor: "totp", Version: 1}
	if got := v.User("carol"); got == nil || len(got.Credentials) != 1 || !reflect.DeepEqual(got.Credential("totp"), carol) {
		t.Errorf("of carol, who came later, there is %+v, want what a reset leaves", got)
	}
	if v.UserByHandle(login.Handle{'b'}).ID != "bob" || v.UserByHandle(login.Handle{'c'}).ID != "carol" {
		t.Error("bob or carol is not found")
	}
	checkLeftovers(t, m)
}

// TestS10ABackupInANewCluster restores what was saved before its codes were used and its window closed, where
// nobody knows of that.
func TestS10ABackupInANewCluster(t *testing.T) {
	backup := foundedMachine()
	codes := func(kind string, tag byte) Command {
		return &Grant{UserID: "alice", Name: "alice", Handle: login.Handle{'a'}, Factor: kind, Codes: []OneTimeCode{{login.Tag{tag}, 3, 0}}, Note: "uid 0"}
	}
	backup.apply(2, 100*second, []Command{
		announce(), enrol("alice", "totp", 0), enrol("bob", "totp", 0),
		codes(login.CredentialRecovery, 1), codes(login.CredentialBypass, 2), codes(login.CredentialInvitation, 3),
		&OpenWindow{Subject: "corp:1", Until: 9000 * second}, &OpenWindow{Subject: "group:corp:vpn", Until: 9000 * second},
		learn(nas1, false),
	})
	fresh := New()
	fresh.apply(1, 200*second, []Command{&Found{ClusterID: "new", Key: StateKey{ID: 1, Sealed: []byte("key")}, Level: Level}})
	fresh.apply(2, 200*second, []Command{enrol("carol", "totp", 0), learn(nas2, true), &OpenWindow{Subject: "corp:3", Until: 9000 * second}})
	merged, losses, err := Merge(backup.View(), fresh.View(), merging(Floor{"totp", 100}))
	if err != nil {
		t.Fatal(err)
	}
	alice := Lost{Count: 1, Of: []string{"alice (alice)"}}
	want := Losses{
		Foreign: true, Recovery: alice, Bypass: alice, Invitations: alice,
		Windows: Lost{Count: 3, Of: []string{"corp:1", "corp:3", "group:corp:vpn"}}, Unregistered: Lost{Count: 1, Of: []string{"carol (carol)"}},
	}
	if !reflect.DeepEqual(losses, want) {
		t.Errorf("losses %+v, want %+v", losses, want)
	}
	m := restoredFrom(t, merged)
	v := m.View()
	for _, kind := range []string{login.CredentialRecovery, login.CredentialBypass, login.CredentialInvitation} {
		if c := v.User("alice").Credential(kind); len(c.Codes) != 0 {
			t.Errorf("%s: %+v", kind, c)
		}
	}
	if got := v.User("alice").Credential("totp"); string(got.Record) != string(sealedAs("alice", "totp", 1)) {
		t.Errorf("alice's factor: %+v", got)
	}
	if got := v.Windows(); len(got) != 0 {
		t.Errorf("windows %+v", got)
	}
	if !v.Learned("vpn", nas1, v.Time()) || v.Sighting("vpn", nas2, true, v.Time()) == nil {
		t.Error("what was learned is not that of both")
	}
	if carol := v.User("carol"); carol == nil || !hadFactor(carol) || len(carol.Credential("totp").Record) != 0 {
		t.Errorf("carol: %+v", carol)
	}
	checkLeftovers(t, m)
}

func TestAMergedClusterStaysWhatItIs(t *testing.T) {
	backup, current := backedUp()
	backup.apply(3, 100*second, []Command{raise(Floor{"sms", 5})})
	merged, _, err := Merge(backup.View(), current.View(), merging(Floor{"totp", 100}))
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
		if _, _, err := Merge(c.backup, c.current, c.m); err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", name, err)
		}
		if c.current.Hash() != before {
			t.Errorf("%s: the state has changed", name)
		}
	}
}

func TestLossesAreBounded(t *testing.T) {
	var l Lost
	for n := range 3 * maxLost {
		l.add(2, fmt.Sprint(n))
		if want := n >= maxLost; l.More != want || len(l.Of) != min(n+1, maxLost) || l.Count != 2*(n+1) {
			t.Fatalf("after %d: %+v", n+1, l)
		}
	}
}

// TestS10NoGuardFallsBack merges any two states, of one cluster or of two, the backup being the older or the
// newer one, or one that a restore has made: the merged state is the same after a snapshot and made again, what
// guards somebody in either guards them still, and what goes on after it goes on alike.
func TestS10NoGuardFallsBack(t *testing.T) {
	anyway := func(_, _ string, _, _ uint32, sealed []byte) ([]byte, error) { return sealed, nil }
	rapid.Check(t, func(t *rapid.T) {
		var stamp int64
		index := uint64(1)
		run := func(m *Machine, name string) View {
			for range rapid.IntRange(0, 20).Draw(t, name) {
				index++
				m.Apply(index, drawEntry(t, &stamp))
			}
			return m.View()
		}
		merge := func(backup, current View) View {
			merged, losses, err := Merge(backup, current, Merging{Key: StateKey{ID: 9, Sealed: []byte("key")}, Reseal: anyway})
			if err != nil {
				t.Fatal(err)
			}
			again, _, _ := Merge(backup, current, Merging{Key: StateKey{ID: 9, Sealed: []byte("key")}, Reseal: anyway})
			if again.Hash() != merged.Hash() {
				t.Fatal("merged again, it is another state")
			}
			if losses.Foreign != (backup.Meta().ClusterID != current.Meta().ClusterID) {
				t.Fatalf("losses %+v", losses)
			}
			checkGuards(t, merged, backup, current)
			return merged
		}
		m := foundedMachine()
		backup := run(m, "before")
		current := run(m, "after")
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 1:
			backup, current = current, backup
		case 2: // restored, and restored again
			current = run(restoredFrom(t, merge(backup, current)), "after the restore")
		case 3:
			other := New()
			other.Apply(1, EncodeBatch(0, [][]byte{Encode(&Found{ClusterID: "other", Key: StateKey{ID: 1, Sealed: []byte("key")}, Level: Level})}))
			current = run(other, "in another cluster")
		}
		hashes := [][32]byte{backup.Hash(), current.Hash()}
		merged := merge(backup, current)
		travelled, stayed := restoredFrom(t, merged), NewFrom(merged)
		if travelled.View().Hash() != merged.Hash() || travelled.View().Digest() != merged.Digest() {
			t.Fatal("the merged state is another one after a snapshot")
		}
		if merged.Digest() == current.Digest() || merged.Digest() == backup.Digest() {
			t.Fatal("who has missed the merge would not be noticed")
		}
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

// checkGuards compares the merged state with the two that it is of.
func checkGuards(t *rapid.T, merged, backup, current View) {
	for _, earlier := range []View{backup, current} {
		checkUserGuards(t, merged, earlier)
		checkOtherGuards(t, merged, earlier)
	}
	now := merged.Time()
	for _, u := range merged.Users("", 1000) {
		b, c := backup.User(u.ID), current.User(u.ID)
		for _, cred := range u.Credentials {
			if then := b.Credential(cred.Factor); string(cred.Record) != string(then.Record) {
				t.Fatalf("%s: record %q, and the backup has %q", u.ID, cred.Record, then.Record)
			}
			for _, code := range cred.Codes {
				for _, all := range [][]OneTimeCode{b.Credential(cred.Factor).Codes, c.Credential(cred.Factor).Codes} {
					if code.goodAt(now) && !slices.ContainsFunc(all, func(o OneTimeCode) bool {
						return o.Tag == code.Tag && code.Uses <= o.Uses && (o.Until == 0 || code.Until != 0 && code.Until <= o.Until)
					}) {
						t.Fatalf("%s: code %+v of %v", u.ID, code, all)
					}
				}
			}
		}
	}
	for _, w := range merged.Windows() {
		if w.Until > now && (w.Until > backup.Window(w.Subject) || w.Until > current.Window(w.Subject)) {
			t.Fatalf("window %+v", w)
		}
	}
	if !reflect.DeepEqual(merged.Nodes(), current.Nodes()) || !reflect.DeepEqual(merged.root.tokens, current.root.tokens) ||
		!reflect.DeepEqual(merged.root.acts, current.root.acts) || merged.Meta().ClusterID != current.Meta().ClusterID || len(merged.Meta().Keys) != 1 {
		t.Fatal("the cluster is another one")
	}
}

// hadFactor is as login has it: whoever had a factor registers no other one by the password alone.
func hadFactor(u *User) bool {
	return u.LastFactor != "" || slices.ContainsFunc(u.Credentials, func(c Credential) bool { return c.Version > 0 })
}

func checkUserGuards(t *rapid.T, merged, earlier View) {
	for _, before := range earlier.Users("", 1000) {
		u := merged.User(before.ID)
		if u == nil || u.Epoch <= before.Epoch || hadFactor(before) && !hadFactor(u) {
			t.Fatalf("%s: %+v after %+v", before.ID, u, before)
		}
		if h := before.Handle; h != (login.Handle{}) && merged.UserByHandle(h) == nil {
			t.Fatalf("%s is not found by the handle", before.ID)
		}
		for _, b := range before.Credentials {
			c := u.Credential(b.Factor)
			if c.Last < b.Last || c.Sent < b.Sent || c.Version < b.Version || c.Failures < b.Failures ||
				c.LockedUntil < b.LockedUntil || b.HardLocked && !c.HardLocked || b.Renew && len(c.Record) > 0 && !c.Renew {
				t.Fatalf("%s: %+v after %+v", u.ID, c, b)
			}
		}
	}
}

func checkOtherGuards(t *rapid.T, merged, earlier View) {
	now, m := merged.Time(), merged.Meta()
	if m.Epoch <= earlier.Meta().Epoch || now < earlier.Time() {
		t.Fatal("the epoch or the time falls back")
	}
	for _, f := range earlier.Meta().Floors {
		if merged.Floor(f.Factor) < f.Number {
			t.Fatalf("the floor of %s is %d after %d", f.Factor, merged.Floor(f.Factor), f.Number)
		}
	}
	for _, l := range earlier.LearnedAll(now) {
		if merged.Sighting(l.Client, l.Address, l.Unsigned, now) == nil || earlier.Learned(l.Client, l.Address, now) && !merged.Learned(l.Client, l.Address, now) {
			t.Fatalf("%+v was forgotten", l)
		}
	}
	earlier.root.tallies.walk(func(key tag, _ []byte) bool {
		before, after := newTxn(earlier.root, 0, &wire{}).tally(key), newTxn(merged.root, 0, &wire{}).tally(key)
		for limit := range uint32(12) {
			for _, window := range []int64{minute, hour, day} {
				if after.free(limit, window, now) < before.free(limit, window, now) {
					t.Fatalf("sends %+v after %+v: of %d in %d s one more is free earlier", after, before, limit, window)
				}
			}
		}
		if after.at < before.at {
			t.Fatalf("sends %+v after %+v", after, before)
		}
		return true
	})
	earlier.root.passcodes.walk(func(key tag, id []byte) bool {
		c := earlier.Challenge(login.ChallengeID(id))
		if _, known := merged.root.passcodes.get(key); !known && c != nil && c.Forget > now/second {
			t.Fatalf("passcode %v may be forwarded again", key)
		}
		return true
	})
}
