package history

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// clock ticks whenever it is read.
type clock struct{ at time.Time }

func (c *clock) now() time.Time {
	c.at = c.at.Add(time.Millisecond)
	return c.at
}

// exchange is an answer of alice and what it was told.
type exchange struct {
	step  int64
	state string
	told  Verdict
}

// oneByOne records exchanges of which each returned before the next was called.
func oneByOne(all ...exchange) *Record {
	r := New(new(clock).now)
	for _, x := range all {
		done := r.Call(0, Answer{User: "alice", Step: x.step, State: x.state})
		if x.told != Silence {
			done(x.told)
		}
	}
	return r
}

func TestHistoriesAreJudged(t *testing.T) {
	for _, c := range []struct {
		name  string
		fits  bool
		steps []exchange
	}{
		{"a code lets somebody in", true, []exchange{{7, "a", Accepted}}},
		{"a code lets in twice", false, []exchange{{7, "a", Accepted}, {7, "b", Accepted}}},
		{"a used code is refused", true, []exchange{{7, "a", Accepted}, {7, "b", Replayed}}},
		{"an unused code is called used", false, []exchange{{7, "a", Replayed}}},
		{"an older code after a newer one", false, []exchange{{8, "a", Accepted}, {7, "b", Accepted}}},
		{"a newer code after an older one", true, []exchange{{7, "a", Accepted}, {8, "b", Accepted}}},
		{"an Accept is repeated", true, []exchange{{7, "a", Accepted}, {7, "a", Accepted}}},
		{"an Accept is repeated after a newer one", true, []exchange{{7, "a", Accepted}, {8, "b", Accepted}, {7, "a", Accepted}}},
		{"an Accept turns into a refusal", false, []exchange{{7, "a", Accepted}, {7, "a", Replayed}}},
		{"an Accept turns into the end of a challenge", false, []exchange{{7, "a", Accepted}, {7, "a", "state_invalid"}}},
		{"a refusal turns into an Accept", false, []exchange{{7, "a", Accepted}, {7, "b", Replayed}, {7, "b", Accepted}}},
		{"a lost Accept is repeated", true, []exchange{{7, "a", Silence}, {7, "a", Accepted}}},
		{"a lost Accept used the code", true, []exchange{{7, "a", Silence}, {7, "b", Replayed}, {7, "a", Accepted}}},
		{"a lost answer was never judged", true, []exchange{{7, "a", Silence}, {7, "b", Accepted}}},
		{"a lost answer is judged after another was accepted", true, []exchange{{7, "a", Silence}, {7, "b", Accepted}, {7, "a", Replayed}}},
		{"a lost answer lets in beside another", false, []exchange{{7, "a", Silence}, {7, "b", Accepted}, {7, "a", Accepted}}},
		{"a wrong code lets in", false, []exchange{{0, "a", Accepted}}},
		{"a wrong code is wrong again", true, []exchange{{0, "a", Invalid}, {0, "a", Invalid}}},
		{"a clock that is off finds nothing", true, []exchange{{7, "a", Invalid}, {7, "b", Accepted}}},
		{"a wrong answer turns into an Accept", false, []exchange{{7, "a", Invalid}, {7, "a", Accepted}}},
		{"a locked user is let in later", true, []exchange{{7, "a", "account_locked"}, {7, "b", Accepted}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := oneByOne(c.steps...).Check(time.Minute, "")
			illegal := new(IllegalError)
			if c.fits && err != nil || !c.fits && !errors.As(err, &illegal) {
				t.Errorf("judged %v, want it to fit: %t", err, c.fits)
			}
		})
	}
}

func TestExchangesAtOnceMayTakeEffectInAnyOrder(t *testing.T) {
	r := New(new(clock).now)
	first := r.Call(0, Answer{"alice", 7, "a"})
	second := r.Call(1, Answer{"alice", 7, "b"})
	first(Replayed) // the second was judged before, and returns later
	second(Accepted)
	if err := r.Check(time.Minute, ""); err != nil {
		t.Error(err)
	}
}

func TestUsersAreJudgedAlone(t *testing.T) {
	r := New(new(clock).now)
	r.Call(0, Answer{"alice", 7, "a"})(Accepted)
	r.Call(0, Answer{"bob", 7, "b"})(Accepted)
	r.Call(0, Answer{"bob", 7, "c"})(Accepted)
	drawing := filepath.Join(t.TempDir(), "bob.html")
	err := r.Check(time.Minute, drawing)
	illegal := new(IllegalError)
	if !errors.As(err, &illegal) || !slices.Equal(illegal.Users, []string{"bob"}) {
		t.Fatalf("judged %v, want bob alone to be wrong", err)
	}
	if !strings.Contains(err.Error(), "bob step 7 (2 times)") {
		t.Errorf("%q does not say which code let in twice", err)
	}
	if page, err := os.ReadFile(drawing); err != nil || !strings.Contains(string(page), "bob step 7") {
		t.Errorf("the drawing is missing or empty: %v", err)
	}
}

func TestWhatWasAcknowledgedIsKnown(t *testing.T) {
	r := oneByOne(exchange{7, "a", Accepted}, exchange{8, "b", Silence}, exchange{6, "c", Replayed})
	if got := r.Acknowledged()["alice"]; got != 7 {
		t.Errorf("the newest acknowledged step is %d, want 7", got)
	}
	if got := r.Counts(); got[Accepted] != 1 || got[Silence] != 1 || got[Replayed] != 1 {
		t.Errorf("counted %v", got)
	}
}
