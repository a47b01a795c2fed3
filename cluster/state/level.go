package state

import "fmt"

// released is the feature level of this release, see [Level].
//
//	1  what was written before there were several nodes
//	2  nodes, join tokens, an authority, epochs with floors
//	3  learned clients that end, repeated wrong answers, guards that a restore keeps
const released uint32 = 3

// level3 is what a command that behaves otherwise since level 3 asks for.
const level3 uint32 = 3

// levels are the levels that commands need, by the first kind that needs it. A new level is a new row, a
// larger number above, and a row in its comment; an old command that behaves otherwise asks the level of the
// cluster when it is applied.
var levels = [...]struct {
	from  Kind
	level uint32
}{
	{KindOpen, 1},
	{KindCertify, 2},
}

// LevelOf is the feature level that a command needs: below it, the command is a no-op on every node. A
// [RaiseLevel] needs none; that all members know the new level is for its proposer to see to.
func LevelOf(k Kind) (level uint32) {
	if k == KindRaiseLevel {
		return 1
	}
	for _, l := range levels {
		if k >= l.from {
			level = l.level
		}
	}
	return level
}

// LevelError means that a state was written at a feature level that this program does not know.
type LevelError struct{ Have, Know uint32 }

// Error says what to do.
func (e *LevelError) Error() string {
	return fmt.Sprintf("the state has feature level %d and this program knows %d: run a newer sallyport, or restore a snapshot of level %d", e.Have, e.Know, e.Know)
}

// The levels from which on old commands behave otherwise.
const (
	// signersByClient: what is learned of Message-Authenticator counts for all addresses of a client, and ends.
	signersByClient = 3
)

// Level is the feature level of the cluster.
func (v View) Level() uint32 { return v.root.meta.level() }

func (m *Meta) level() uint32 { return max(m.Level, 1) }

// known is an error for a level that this program does not know.
func (m *Meta) known() error {
	if have := m.level(); have > Level {
		return &LevelError{Have: have, Know: Level}
	}
	return nil
}

func (c *RaiseLevel) apply(t *txn) Result {
	if c.Level > t.meta.level() {
		next := *t.meta
		next.Level = c.Level
		t.meta = &next
		t.dateLearned()
	}
	return Result{Status: Done}
}
