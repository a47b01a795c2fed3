package history

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// IllegalError means that no order of the exchanges fits what was told.
type IllegalError struct {
	// Users are those whose exchanges do not fit, Story those of the first of them, one a line.
	Users []string
	Story string
	// Twice are the answers of different challenges by which one time step let somebody in twice.
	Twice []string
}

// Error lists a few of each.
func (e *IllegalError) Error() string {
	text := fmt.Sprintf("the history is not linearizable for %d users: %s", len(e.Users), few(e.Users))
	if len(e.Twice) > 0 {
		text += fmt.Sprintf("; %d codes let somebody in twice: %s", len(e.Twice), few(e.Twice))
	}
	return text + "\n" + e.Story
}

func few(list []string) string {
	const shown = 5
	if len(list) > shown {
		return strings.Join(list[:shown], ", ") + ", …"
	}
	return strings.Join(list, ", ")
}

// Check judges the record. It returns an [*IllegalError] when it fits no order, and another error when
// that could not be found out within the time. When drawing is not empty, a page that shows the exchanges
// of the first such user is written there.
func (r *Record) Check(within time.Duration, drawing string) error {
	all := r.Operations()
	switch porcupine.CheckOperationsTimeout(model(), all, within) {
	case porcupine.Ok:
		return nil
	case porcupine.Unknown:
		return fmt.Errorf("the history of %d exchanges was not judged within %v", len(all), within)
	}
	illegal := &IllegalError{Twice: Twice(all)}
	for _, part := range byUser(all) {
		if porcupine.CheckOperationsTimeout(model(), part, within) != porcupine.Illegal {
			continue
		}
		illegal.Users = append(illegal.Users, part[0].Input.(Answer).User)
		if len(illegal.Users) == 1 {
			illegal.Story = story(part)
		}
		if drawing != "" && len(illegal.Users) == 1 {
			if err := draw(part, within, drawing); err != nil {
				return fmt.Errorf("%w (and it could not be drawn: %w)", illegal, err)
			}
		}
	}
	slices.Sort(illegal.Users)
	return illegal
}

// story lists exchanges in the order of their calls.
func story(part []porcupine.Operation) string {
	var text strings.Builder
	for _, op := range part {
		returned := "never"
		if op.Output != Silence {
			returned = time.Duration(op.Return).String()
		}
		fmt.Fprintf(&text, "%v to %s: client %d, %v -> %s\n", time.Duration(op.Call), returned, op.ClientId, op.Input,
			cmp.Or(op.Output.(Verdict), "silence"))
	}
	return text.String()
}

func draw(part []porcupine.Operation, within time.Duration, path string) error {
	_, info := porcupine.CheckOperationsVerbose(model(), part, within)
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return porcupine.Visualize(model(), info, f)
}

// Twice lists the codes that were accepted under more than one State, each with its user and time step.
// Any is a fault, in whatever order things happened.
func Twice(history []porcupine.Operation) []string {
	type code struct {
		user string
		step int64
	}
	states := make(map[code][]string)
	for _, op := range history {
		a := op.Input.(Answer)
		c := code{a.User, a.Step}
		if op.Output == Accepted && !slices.Contains(states[c], a.State) {
			states[c] = append(states[c], a.State)
		}
	}
	var twice []string
	for c, s := range states {
		if len(s) > 1 {
			twice = append(twice, fmt.Sprintf("%s step %d (%d times)", c.user, c.step, len(s)))
		}
	}
	slices.Sort(twice)
	return twice
}
