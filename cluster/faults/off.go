//go:build !faults

package faults

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// Check returns an error when faults are asked for, which this program cannot have.
func Check() error {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, prefix) {
			return fmt.Errorf("%s is set, but this program was not built for tests: unset it", name)
		}
	}
	return nil
}

// Clock returns the clock: the wall clock by which codes are judged and other nodes compare theirs.
func Clock(now func() time.Time) func() time.Time { return now }

// Write is asked before each write to the log store.
func Write() error { return nil }

// JudgeLocally reports whether codes are judged by the node's own replica.
func JudgeLocally() bool { return false }

// PromoteAfter returns d: how long a new node must be well before it votes.
func PromoteAfter(d time.Duration) time.Duration { return d }

// Snapshots returns what it is given: how often it is looked whether a snapshot is due, and how many log
// entries make one due.
func Snapshots(interval time.Duration, threshold uint64) (time.Duration, uint64) {
	return interval, threshold
}

// HoldSnapshots reports whether none is to be taken now.
func HoldSnapshots() bool { return false }
