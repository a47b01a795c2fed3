package cluster

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"sallyport/login"
)

// errUsedTwice is what is said of a code that has let two logins in.
const errUsedTwice = "was accepted twice"

// book has what clients were told, and what is wrong with it.
type book struct {
	began  time.Time
	mu     sync.Mutex
	lines  []string
	wrongs []error

	answers []*answer
	codes   map[string]*answer   // accepted, by user and number
	touched map[string]bool      // users whose factors were changed: verdicts may be void
	locked  map[string]time.Time // users who were told that they are locked, and when
	claims  map[string]login.Tag // by user and passcode: who forwards it
	sent    map[string]map[uint64]login.Tag
}

// answer is one answer of a client, and the verdict on it.
type answer struct {
	settlement login.Settlement
	begun      time.Time
	claim      *login.Claim
	verdict    login.Code // empty while none is known
}

func newBook(began time.Time) *book {
	return &book{
		began: began, codes: map[string]*answer{}, touched: map[string]bool{}, locked: map[string]time.Time{},
		claims: map[string]login.Tag{}, sent: map[string]map[uint64]login.Tag{},
	}
}

func (b *book) tell(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.note(format, args...)
}

func (b *book) note(format string, args ...any) {
	b.lines = append(b.lines, fmt.Sprintf("%9.4f ", time.Since(b.began).Seconds())+fmt.Sprintf(format, args...))
}

// wrong notes that something is not as it must be.
func (b *book) wrong(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail(format, args...)
}

func (b *book) fail(format string, args ...any) {
	b.note("WRONG: "+format, args...)
	b.wrongs = append(b.wrongs, fmt.Errorf(format, args...))
}

// story is what happened last.
func (b *book) story(lines int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.lines[max(0, len(b.lines)-lines):], "\n")
}

// verdict is nil when nothing was wrong.
func (b *book) verdict() error {
	b.mu.Lock()
	err := errors.Join(b.wrongs...)
	b.mu.Unlock()
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w\n%s", err, b.story(150))
}

// accepts counts the logins.
func (b *book) accepts() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return uint64(len(b.codes))
}

// begin notes an answer that is about to be given, or claimed.
func (b *book) begin(s login.Settlement, claim *login.Claim) *answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := &answer{settlement: s, claim: claim, begun: time.Now()}
	b.answers = append(b.answers, a)
	return a
}

// touch notes that a user's factors are about to be changed.
func (b *book) touch(user string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.touched[user] = true
}

// judged notes what a node said to an answer, in an epoch of the cluster. A later epoch than that of the
// answer has made it void.
func (b *book) judged(node string, a *answer, o login.Outcome, epoch uint32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := a.settlement
	b.note("%s: %s answers %d in %x: %+v", node, s.UserID, s.Number, s.Challenge[:3], o)
	if o.Stale {
		if !b.touched[s.UserID] {
			b.fail("an answer of %s is stale although nobody has changed anything", s.UserID)
		}
		return
	}
	if o.Pending || o.Claimed || o.Code == login.CodeStateInvalid && epoch > s.ClusterEpoch {
		return
	}
	if a.verdict != "" && a.verdict != o.Code {
		b.fail("the answer of %s in %x was %s, and is %s now", s.UserID, s.Challenge[:3], a.verdict, o.Code)
	}
	a.verdict = o.Code
	switch o.Code {
	case login.CodeAccepted:
		b.accepted(a)
	case login.CodeAccountLocked:
		if b.locked[s.UserID].IsZero() {
			b.locked[s.UserID] = time.Now()
		}
	}
}

func (b *book) accepted(a *answer) {
	s := a.settlement
	if at, locked := b.locked[s.UserID]; locked && a.begun.After(at) {
		b.fail("%s was locked, and is let in", s.UserID)
	}
	if a.claim != nil {
		return
	}
	if s.Number == 0 {
		b.fail("a wrong answer of %s was accepted", s.UserID)
	}
	key := fmt.Sprint(s.UserID, " ", s.Number)
	if first, used := b.codes[key]; used && first != a {
		b.fail("code %d of %s %s", s.Number, s.UserID, errUsedTwice)
	}
	b.codes[key] = a
}

// claimed notes that a caller may forward a passcode.
func (b *book) claimed(a *answer, c login.Claim) {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := fmt.Sprintf("%s %x %d", a.settlement.UserID, c.Passcode, a.settlement.ClusterEpoch) // a new epoch forgets
	if first, taken := b.claims[key]; taken && first != c.Act {
		b.fail("a passcode of %s is forwarded twice", a.settlement.UserID)
	}
	b.claims[key] = c.Act
}

// delivered notes that a caller shall deliver a code.
func (b *book) delivered(user string, act login.Tag, sent login.Sent, most int) {
	number := sent.Number
	b.mu.Lock()
	defer b.mu.Unlock()
	b.note("code %d is sent to %s by %x at %v", number, user, act[:3], sent.At.Sub(b.began))
	if b.sent[user] == nil {
		b.sent[user] = map[uint64]login.Tag{}
	}
	if first, known := b.sent[user][number]; known && first != act {
		b.fail("code %d of %s is sent by two", number, user)
	}
	b.sent[user][number] = act
	if len(b.sent[user]) > most {
		b.fail("%d codes were sent to %s, where %d are allowed", len(b.sent[user]), user, most)
	}
}
