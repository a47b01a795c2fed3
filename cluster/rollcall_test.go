package cluster

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestJudgement(t *testing.T) {
	own := trace{Fingerprint: "f", Term: 3, LastTerm: 3, LastIndex: 100, Beats: 50}
	said := func(name string, change func(*trace)) witness {
		w := witness{name: name, voter: true, answered: true, knows: true, recalls: own}
		change(&w.recalls)
		return w
	}
	same := func(name string) witness { return said(name, func(*trace) {}) }
	// A peer that has heard the node's last word, one that was down before the end, one that has seen more.
	fewer := said("behind", func(t *trace) { t.Beats -= beatsMissed; t.LastIndex -= 40; t.LastTerm-- })
	lagging := said("lagging", func(t *trace) { t.Beats -= beatsMissed + 1; t.LastIndex -= 40 })
	more := said("n2", func(t *trace) { t.LastIndex++ })
	stranger, silent := witness{name: "stranger", voter: true, answered: true}, witness{name: "silent", voter: true}
	const hour = time.Hour
	for name, c := range map[string]struct {
		down    time.Duration
		quorum  int
		heard   []witness
		start   bool
		missing int
		refused bool
	}{
		"a restart, nobody answers":                 {restartGrace, 2, []witness{silent, silent}, false, 1, false},
		"a restart, one does not know it":           {restartGrace, 2, []witness{silent, stranger}, true, 0, false},
		"a restart, one was down before":            {restartGrace, 2, []witness{silent, lagging}, true, 0, false},
		"a restart, one of five answers":            {restartGrace, 3, []witness{silent, stranger, silent, silent}, false, 1, false},
		"away, one does not know it":                {hour, 2, []witness{silent, stranger}, false, 1, false},
		"a restart, one has seen more":              {time.Second, 2, []witness{silent, more}, false, 0, true},
		"a clock a little back":                     {-clockGrace, 2, []witness{stranger}, true, 0, false},
		"a clock far back":                          {-clockGrace - 1, 2, []witness{stranger}, false, 1, false},
		"away, nobody answers":                      {restartGrace + 1, 2, []witness{silent, silent}, false, 1, false},
		"away, one of three knows it to the end":    {hour, 2, []witness{same("n2"), silent}, true, 0, false},
		"away, one has heard almost all":            {hour, 2, []witness{fewer, silent}, true, 0, false},
		"away, the only one up was down before":     {hour, 2, []witness{lagging, silent}, false, 1, false},
		"away, one knows it, another has seen more": {hour, 2, []witness{same("n3"), more}, false, 0, true},
		"away, one who lags and one who knows":      {hour, 2, []witness{lagging, same("n2")}, true, 0, false},
		"away, one of five knows it":                {hour, 3, []witness{same("n2"), silent, silent, silent}, false, 1, false},
		"away, one of five knows it, three lag":     {hour, 3, []witness{same("n2"), lagging, lagging, lagging}, false, 1, false},
		"away, two of five know it":                 {hour, 3, []witness{same("n2"), same("n3"), silent, lagging}, true, 0, false},
		"away, two of five know it, one knows more": {hour, 3, []witness{same("n2"), same("n3"), more, silent}, false, 0, true},
		"a higher term":                             {hour, 2, []witness{said("n2", func(t *trace) { t.Term++; t.LastIndex = 1 })}, false, 0, true},
		"a newer last entry at a lower index": {
			hour, 2, []witness{said("n2", func(t *trace) { t.LastTerm++; t.LastIndex = 1 })}, false, 0, true,
		},
		"an older term with a longer log": {
			hour, 2, []witness{said("n2", func(t *trace) { t.Term--; t.LastTerm--; t.LastIndex = 999 })}, true, 0, false,
		},
		"an earlier node of the name": {
			hour, 2, []witness{said("n2", func(t *trace) { t.Fingerprint = "g"; t.LastIndex = 999 })}, false, 1, false,
		},
		"a restart of a disk with the same log, and less life": {
			time.Second, 2, []witness{said("n2", func(t *trace) { t.Beats++ })}, false, 0, true,
		},
		"a node that does not vote":                  {hour, 1, []witness{silent}, true, 0, false},
		"one that does not vote, and lost something": {hour, 1, []witness{more}, false, 0, true},
	} {
		got, err := judge(own, c.down, c.quorum, c.heard)
		if (err != nil) != c.refused || got.start != c.start || got.missing != c.missing {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if c.refused && (!errors.Is(err, errRolledBack) || !strings.Contains(err.Error(), "n2 remembers")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDoubt is about a majority that has come together after a while: something may have been committed
// that none of it knows, unless everybody is there, or a majority was without this node.
func TestDoubt(t *testing.T) {
	own := trace{Fingerprint: "f", Term: 3, LastTerm: 3, LastIndex: 100, Beats: 50}
	knows := witness{name: "n2", voter: true, answered: true, knows: true, recalls: own}
	follows := witness{name: "n3", voter: true, answered: true, led: true}
	silent, visitor := witness{name: "n3", voter: true}, witness{name: "n4"}
	for name, c := range map[string]struct {
		down  time.Duration
		heard []witness
		want  judgement
	}{
		"one of three is missing":     {time.Hour, []witness{knows, silent}, judgement{start: true, unsure: true}},
		"a short restart":             {time.Second, []witness{knows, silent}, judgement{start: true}},
		"all are there":               {time.Hour, []witness{knows, knows}, judgement{start: true}},
		"one that does not vote":      {time.Hour, []witness{knows, knows, visitor}, judgement{start: true}},
		"a majority was without it":   {time.Hour, []witness{silent, follows}, judgement{start: true}},
		"only one that does not vote": {time.Hour, []witness{{name: "n4", answered: true, knows: true, recalls: own}, silent}, judgement{missing: 1, unsure: true}},
	} {
		if got, err := judge(own, c.down, 2, c.heard); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, c.want)
		}
	}
}
