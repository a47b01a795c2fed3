package cluster

import (
	"context"
	"log/slog"
	"testing"

	"sallyport/cluster/state"
)

func TestALevelIsRaisedWhenAllKnowIt(t *testing.T) {
	at := func(level uint32) heard { return heard{hello: hello{Level: level}} }
	for name, c := range map[string]struct {
		up     map[string]heard
		raised bool
	}{
		"all know it":                 {map[string]heard{"n2": at(state.Level), "n3": at(state.Level)}, true},
		"one knows more":              {map[string]heard{"n2": at(state.Level), "n3": at(state.Level + 1)}, true},
		"one does not":                {map[string]heard{"n2": at(state.Level), "n3": at(1)}, false},
		"one is not heard":            {map[string]heard{"n2": at(state.Level)}, false},
		"a stranger is heard instead": {map[string]heard{"n2": at(state.Level), "n9": at(state.Level)}, false},
	} {
		var raised []uint32
		n := &Node{
			config: Config{Name: "n1"}, logger: slog.New(slog.DiscardHandler),
			memory: &memory{now: recollection{Roster: roster{Members: []member{{Name: "n1"}, {Name: "n2"}, {Name: "n3"}}}}},
			ledger: &ledger{machine: state.New(), propose: func(_ context.Context, c state.Command) (state.Result, error) {
				raised = append(raised, c.(*state.RaiseLevel).Level)
				return state.Result{Status: state.Done}, nil
			}},
		}
		n.raiseLevel(t.Context(), c.up)
		if want := map[bool]int{true: 1}[c.raised]; len(raised) != want || want == 1 && raised[0] != state.Level {
			t.Errorf("%s: raised to %v", name, raised)
		}
	}
}
