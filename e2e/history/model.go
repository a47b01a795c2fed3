package history

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"
)

// user is the state of the model: what one node without faults knows of a user. It is immutable.
type user struct {
	// last is the newest time step that was accepted.
	last int64
	// verdicts are those that were recorded, by answer, sorted.
	verdicts []recorded
}

type recorded struct {
	state   string
	step    int64
	verdict Verdict
}

func (r recorded) answers(a Answer) int {
	return cmp.Or(strings.Compare(r.state, a.State), cmp.Compare(r.step, a.Step))
}

// told returns what the answer was told the first time.
func (u user) told(a Answer) (Verdict, bool) {
	i, found := slices.BinarySearchFunc(u.verdicts, a, recorded.answers)
	if !found {
		return "", false
	}
	return u.verdicts[i].verdict, true
}

// record returns the user with one more verdict.
func (u user) record(a Answer, v Verdict) user {
	i, _ := slices.BinarySearchFunc(u.verdicts, a, recorded.answers)
	u.verdicts = slices.Insert(slices.Clip(u.verdicts), i, recorded{a.State, a.Step, v})
	return u
}

// judge is what the user's answer is told when it is judged for the first time, by a node whose clock
// is right.
func (u user) judge(a Answer) (Verdict, user) {
	switch {
	case a.Step == 0:
		return Invalid, u.record(a, Invalid)
	case a.Step > u.last:
		u.last = a.Step
		return Accepted, u.record(a, Accepted)
	default:
		return Replayed, u.record(a, Replayed)
	}
}

// step tells whether a user's answer may be told v, and what is so afterwards.
func (u user) step(a Answer, v Verdict) (bool, user) {
	first, known := u.told(a)
	if known {
		return v == Silence || v == first || refusal(v) && first != Accepted, u
	}
	right, next := u.judge(a)
	switch v {
	case Silence, right:
		return true, next
	case Accepted, Replayed:
		return false, u
	case Invalid: // a node whose clock is off does not find the code
		return true, u.record(a, Invalid)
	}
	return true, u
}

// refusal reports a verdict that may be given to what was not accepted, whatever was said before: the
// challenge was closed or has expired meanwhile, the user is locked. An Accept stays an Accept.
func refusal(v Verdict) bool {
	return v != Silence && v != Accepted && v != Replayed && v != Invalid
}

func (u user) equal(o user) bool {
	return u.last == o.last && slices.Equal(u.verdicts, o.verdicts)
}

// model is what porcupine asks; each user is judged alone.
func model() porcupine.Model {
	return porcupine.Model{
		Partition: byUser,
		Init:      func() any { return user{} },
		Step: func(state, input, output any) (bool, any) {
			return state.(user).step(input.(Answer), output.(Verdict))
		},
		Equal: func(a, b any) bool { return a.(user).equal(b.(user)) },
		Hash: func(state any) uint64 {
			u := state.(user)
			return uint64(u.last)*31 + uint64(len(u.verdicts))
		},
		DescribeOperation: func(input, output any) string {
			return fmt.Sprintf("%v -> %s", input, cmp.Or(output.(Verdict), "silence"))
		},
		DescribeState: func(state any) string {
			u := state.(user)
			return fmt.Sprintf("last %d, %d verdicts", u.last, len(u.verdicts))
		},
	}
}

func byUser(history []porcupine.Operation) [][]porcupine.Operation {
	users := make(map[string][]porcupine.Operation)
	for _, op := range history {
		name := op.Input.(Answer).User
		users[name] = append(users[name], op)
	}
	parts := make([][]porcupine.Operation, 0, len(users))
	for _, part := range users {
		parts = append(parts, part)
	}
	return parts
}
