package state

import (
	"testing"

	"sallyport/login"
)

var nas1, nas2 = []byte{192, 0, 2, 1}, []byte{192, 0, 2, 2}

// learn is a lesson of the client "vpn".
func learn(address []byte, unsigned bool) *Learn {
	return &Learn{Client: "vpn", Address: address, Sender: login.SenderTag{1}, Unsigned: unsigned}
}

func TestS1WhatIsLearnedCountsForTheClient(t *testing.T) {
	m := foundedMachine()
	m.apply(2, second, []Command{learn(nas2, true)})
	if v := m.View(); v.Learned("vpn", nas2, second) || v.Sighting("vpn", nas2, true, second) == nil {
		t.Error("a request without a signature was taken for one with it, or is not remembered")
	}
	m.apply(3, 2*second, []Command{learn(nas1, false)})
	v := m.View()
	if !v.Learned("vpn", nas1, 2*second) || !v.Learned("vpn", nas2, 2*second) || v.Learned("wifi", nas1, 2*second) {
		t.Error("what one address signs does not count for its client, or counts for another")
	}
	if v.Sighting("vpn", nas2, true, 2*second) == nil || v.Sighting("vpn", nas2, false, 2*second) != nil {
		t.Error("the other address was seen to sign, or is not known to be without")
	}
	if again := restoredFrom(t, v); again.View().Hash() != v.Hash() || !again.View().Learned("vpn", nas2, 2*second) {
		t.Error("a snapshot does not hold it")
	}
}

func TestS2WhatIsLearnedEnds(t *testing.T) {
	for _, tt := range []struct {
		unsigned bool
		kept     int64
	}{{false, signedKept}, {true, unsignedKept}} {
		m := foundedMachine()
		m.apply(2, second, []Command{learn(nas1, tt.unsigned)})
		m.apply(3, tt.kept, []Command{learn(nas1, tt.unsigned)})
		last := tt.kept + tt.kept
		for _, now := range []int64{last - 1, last} {
			v := m.View()
			alive := now < last
			if (v.Sighting("vpn", nas1, tt.unsigned, now) != nil) != alive || v.Learned("vpn", nas1, now) != (alive && !tt.unsigned) || (len(v.LearnedAll(now)) == 1) != alive {
				t.Errorf("unsigned %v, at %d: it counts, or does not", tt.unsigned, now)
			}
		}
		m.apply(4, last, []Command{&Learn{Client: "wifi", Address: nas1}})
		if got := m.View().Sizes().Learned; got != 1 {
			t.Errorf("%d addresses are kept, want that of the other client", got)
		}
	}
}

func TestS2WhatIsLearnedIsBounded(t *testing.T) {
	m := foundedMachine()
	for n := range 2 * maxAddresses {
		m.apply(uint64(n+2), second, []Command{learn([]byte{10, 0, 0, byte(n)}, false), learn([]byte{10, 0, 0, byte(n)}, true)})
	}
	if got := m.View().Sizes().Learned; got != 2*maxAddresses {
		t.Errorf("%d addresses of a client, want %d and as many that do not sign", got, maxAddresses)
	}
	m.apply(1000, 2*second, []Command{learn([]byte{10, 0, 0, 255}, false)})
	if l := m.View().Sighting("vpn", nil, false, 0); l == nil || l.Seen != 2*second {
		t.Errorf("an address that has no room does not say that its client signs: %+v", l)
	}
	for n := range 2 * login.MaxSenders {
		m.apply(1001, 3*second, []Command{&Learn{Client: "vpn", Address: []byte{10, 0, 0, 1}, Sender: login.SenderTag{byte(n)}}})
	}
	if got := len(m.View().Sighting("vpn", []byte{10, 0, 0, 1}, false, 0).Senders) / len(login.SenderTag{}); got != login.MaxSenders {
		t.Errorf("%d senders of an address", got)
	}
	for n := range maxLearned {
		m.apply(1002, 3*second, []Command{&Learn{Client: string(rune('a' + n)), Address: nas1}})
	}
	if got := m.now.Load().learned.size; got != maxLearned {
		t.Errorf("%d records in all, want %d", got, maxLearned)
	}
}

// TestS1WhatAnEarlierReleaseHasLearnedGoesOn raises the level, or takes in a backup, and lets a year pass.
func TestS1WhatAnEarlierReleaseHasLearnedGoesOn(t *testing.T) {
	const year int64 = 365 * day * second
	old := foundedAt(2)
	old.apply(2, second, []Command{learn(nas1, false), learn(nas2, true), learn(nas1, false)})
	v := old.View()
	if !v.Learned("vpn", nas1, year) || !v.Learned("vpn", nas2, year) || v.Learned("vpn", []byte{192, 0, 2, 3}, year) || len(v.LearnedAll(year)) != 2 {
		t.Error("at level 2 it is not by address and for ever: nodes of two releases would differ")
	}
	for name, m := range map[string]*Machine{
		"raised": func() *Machine {
			m := restoredFrom(t, v)
			m.apply(3, year, []Command{&RaiseLevel{Level: Level}})
			return m
		}(),
		"merged": func() *Machine {
			current := foundedMachine()
			current.apply(2, year, []Command{&OpenWindow{Subject: "corp:1", Until: 2 * year}})
			merged, _, err := Merge(v, current.View(), merging())
			if err != nil {
				t.Fatal(err)
			}
			return restoredFrom(t, merged)
		}(),
	} {
		for _, addr := range [][]byte{nas1, {192, 0, 2, 3}} {
			v := m.View()
			if !v.Learned("vpn", addr, year) || !v.Learned("vpn", addr, year+signedKept-1) || v.Learned("vpn", addr, year+signedKept) {
				t.Errorf("%s: at %v it counts no more, or for ever", name, addr)
			}
		}
	}
}

// TestARestoreForgetsNobodyWhoSigns: what a cluster has learned since the backup was made counts on.
func TestARestoreForgetsNobodyWhoSigns(t *testing.T) {
	backup, current := foundedMachine(), foundedMachine()
	backup.apply(2, second, []Command{learn(nas1, true)})
	current.apply(2, 100*day*second, []Command{learn(nas1, false), learn(nas1, true)})
	merged, _, err := Merge(backup.View(), current.View(), merging())
	if err != nil {
		t.Fatal(err)
	}
	v := restoredFrom(t, merged).View()
	if now := 101 * day * second; !v.Learned("vpn", nas1, int64(now)) || v.Sighting("vpn", nas1, true, int64(now)) == nil {
		t.Error("what the cluster has learned was forgotten")
	}
}

// TestSeenIsReadAsItIsWritten: the short way to read it agrees with the long one.
func TestSeenIsReadAsItIsWritten(t *testing.T) {
	for _, l := range []*Learned{
		{Client: "vpn", Since: 5, Seen: 7}, {Client: "vpn", Address: nas1, Since: -5}, {},
		{Client: "vpn", Address: nas1, Since: 5, Seen: 1 << 62, Unsigned: true, Senders: []byte("12345678")}, {Client: "vpn", Seen: -3},
	} {
		var w wire
		if got := seenIn(w.encode(l)); got != l.Seen {
			t.Errorf("%+v: %d", l, got)
		}
	}
}
