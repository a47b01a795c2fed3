package history

import (
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// Answer is a code that a client sends.
type Answer struct {
	// User is whose code it is.
	User string
	// Step is the time step of the code (RFC 6238 §4.2); 0 is a code that is wrong at any time.
	Step int64
	// State is the token of the challenge that it answers. The same State and Step are the same answer.
	State string
}

// Verdict is what an answer was told, by its verdict code. Silence is "".
type Verdict string

// The verdicts that the model knows; any other is a refusal that changes nothing.
const (
	Silence  Verdict = ""
	Accepted Verdict = "accepted"
	Replayed Verdict = "otp_replayed"
	Invalid  Verdict = "otp_invalid"
)

// Record is what clients have seen so far. It is safe for concurrent use.
type Record struct {
	now   func() time.Time
	began time.Time

	mu         sync.Mutex
	operations []porcupine.Operation
}

// New makes an empty record. now nil means time.Now.
func New(now func() time.Time) *Record {
	if now == nil {
		now = time.Now
	}
	return &Record{now: now, began: now()}
}

// Call notes that a client, by number from 0, is about to send an answer, and returns what is to be
// called with the verdict. Without a verdict it is not to be called with [Silence]: an exchange that
// was called and did not return is silent.
func (r *Record) Call(client int, a Answer) (done func(Verdict)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := len(r.operations)
	r.operations = append(r.operations, porcupine.Operation{
		ClientId: client, Input: a, Call: r.since(), Output: Silence, Return: math.MaxInt64,
	})
	return func(v Verdict) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.operations[i].Output, r.operations[i].Return = v, r.since()
	}
}

func (r *Record) since() int64 { return int64(r.now().Sub(r.began)) }

// Operations returns a copy of what was recorded.
func (r *Record) Operations() []porcupine.Operation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]porcupine.Operation(nil), r.operations...)
}

// Counts returns how often each verdict was seen.
func (r *Record) Counts() map[Verdict]int {
	counts := make(map[Verdict]int)
	for _, op := range r.Operations() {
		counts[op.Output.(Verdict)]++
	}
	return counts
}

// Acknowledged returns each user's newest time step that a client was told to be accepted.
func (r *Record) Acknowledged() map[string]int64 {
	newest := make(map[string]int64)
	for _, op := range r.Operations() {
		a := op.Input.(Answer)
		if op.Output == Accepted {
			newest[a.User] = max(newest[a.User], a.Step)
		}
	}
	return newest
}

// String describes an answer for people.
func (a Answer) String() string {
	return fmt.Sprintf("%s step %d under …%s", a.User, a.Step, a.State[max(0, len(a.State)-6):])
}
