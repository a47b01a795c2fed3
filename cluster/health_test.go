package cluster

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"sallyport/cluster/state"
)

func TestWhichClockIsWrong(t *testing.T) {
	const far, near = 90 * time.Second, maxOffset
	for name, c := range map[string]struct {
		offsets      []time.Duration
		own          time.Duration
		wrong, right bool
	}{
		"nobody is heard":                    {nil, 0, false, false},
		"one agrees":                         {[]time.Duration{near}, 0, false, true},
		"one does not":                       {[]time.Duration{far}, 0, false, false},
		"three, this one ahead":              {[]time.Duration{-far, -far - near}, far, true, false},
		"three, this one behind":             {[]time.Duration{far, far}, -far, true, false},
		"three, another is wrong":            {[]time.Duration{far, 0}, 0, false, true},
		"three, all differ":                  {[]time.Duration{far, -far}, 0, false, false},
		"three, a little further than is so": {[]time.Duration{near + 1, near + 1}, -near - 1, true, false},
		"four, two against two":              {[]time.Duration{0, far, far}, 0, false, true},
		"four, one against three":            {[]time.Duration{far, far, far}, -far, true, false},
		"five, two are wrong":                {[]time.Duration{0, 0, far, far}, 0, false, true},
		"five, this one among the two":       {[]time.Duration{0, far, far, far}, -far, true, false},
	} {
		own, wrong, right := judgeClocks(c.offsets)
		if wrong != c.wrong || right != c.right || wrong && abs(own-c.own) > near {
			t.Errorf("%s: off by %v, wrong %v, right %v", name, own, wrong, right)
		}
	}
}

// TestAWrongClockStaysWrong until another agrees with it: that one of two others has gone proves nothing.
func TestAWrongClockStaysWrong(t *testing.T) {
	n := &Node{logger: slog.New(slog.DiscardHandler), memory: &memory{}}
	up := func(offsets ...time.Duration) map[string]heard {
		all := map[string]heard{}
		for i, o := range offsets {
			all[string(rune('a'+i))] = heard{offset: o}
		}
		return all
	}
	for i, c := range []struct {
		up    map[string]heard
		words string
	}{
		{up(0, 0), ""},
		{up(time.Minute, time.Minute), "1m0s off"},
		{up(time.Minute), "1m0s off"},
		{up(), "1m0s off"},
		{up(0), ""},
		{up(time.Minute), ""},
	} {
		n.lookAtClocks(c.up)
		err := n.health.err()
		if (err != nil) != (c.words != "") || err != nil && !strings.Contains(err.Error(), c.words) {
			t.Errorf("%d: %v", i, err)
		}
	}
}

// TestWhoDiverged: where states differ, the majority is right.
func TestWhoDiverged(t *testing.T) {
	machine := state.New()
	for i := range uint64(300) {
		machine.Apply(i, state.EncodeBatch(int64(i), nil))
	}
	index, digest := machine.Checkpoint()
	if index == 0 {
		t.Fatal("there is no checkpoint to compare")
	}
	same := map[string]string{"256": digestText(digest)}
	other := map[string]string{"256": digestText([32]byte{1})}
	type said struct {
		name, version string
		digests       map[string]string
	}
	for name, c := range map[string]struct {
		heard []said
		out   bool
	}{
		"all agree":                {[]said{{"n2", "v", same}, {"n3", "v", same}}, false},
		"one other differs":        {[]said{{"n2", "v", other}, {"n3", "v", same}}, false},
		"one differs, one silent":  {[]said{{"n2", "v", other}}, false},
		"this one differs":         {[]said{{"n2", "v", other}, {"n3", "v", other}}, true},
		"a stranger differs":       {[]said{{"n2", "v", other}, {"n9", "v", other}}, false},
		"another version differs":  {[]said{{"n2", "w", other}, {"n3", "w", other}}, false},
		"at another place":         {[]said{{"n2", "v", map[string]string{"999": "x"}}, {"n3", "v", map[string]string{"": "x"}}}, false},
		"one has changed its mind": {[]said{{"n2", "v", other}, {"n2", "v", same}, {"n3", "v", other}}, false},
		"one of two agrees":        {[]said{{"n2", "v", same}, {"n3", "v", other}, {"n3", "v", other}}, false},
	} {
		n := &Node{
			config: Config{Name: "n1", Version: "v"}, logger: slog.New(slog.DiscardHandler),
			memory: &memory{now: recollection{Roster: roster{Members: []member{{Name: "n1"}, {Name: "n2"}, {Name: "n3"}}}}},
			ledger: &ledger{machine: machine},
		}
		for _, h := range c.heard {
			n.compare(hello{Name: h.name, Version: h.version, Digests: h.digests})
		}
		if err := n.health.err(); (err != nil) != c.out {
			t.Errorf("%s: %v", name, err)
		}
	}
}
