//go:build faults

package faults

import (
	"os"
	"strings"
	"syscall"
	"time"
)

// Check returns nil: this program was built for tests.
func Check() error { return nil }

// Clock returns the clock, wrong by what is asked for. Its times have no reading of the clock that only
// runs, which no step of the wall clock moves.
func Clock(now func() time.Time) func() time.Time {
	return func() time.Time { return now().Round(0).Add(offset()) }
}

func offset() time.Duration {
	text := os.Getenv(prefix + "CLOCK_OFFSET")
	if file, ok := strings.CutPrefix(text, "@"); ok {
		b, err := os.ReadFile(file)
		if err != nil {
			return 0
		}
		text = strings.TrimSpace(string(b))
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0
	}
	return d
}

// Write is asked before each write to the log store: it does not return while that hangs, and says with
// what it fails.
func Write() error {
	for exists("STALL") {
		time.Sleep(10 * time.Millisecond)
	}
	if exists("FAIL") {
		return syscall.EIO
	}
	return nil
}

func exists(name string) bool {
	file := os.Getenv(prefix + name)
	if file == "" {
		return false
	}
	_, err := os.Stat(file)
	return err == nil
}

// JudgeLocally reports whether codes are judged by the node's own replica.
func JudgeLocally() bool { return os.Getenv(prefix+"BROKEN") == "local" }

// PromoteAfter returns how long a new node must be well before it votes, instead of d.
func PromoteAfter(d time.Duration) time.Duration {
	if other, err := time.ParseDuration(os.Getenv(prefix + "PROMOTE_AFTER")); err == nil {
		return other
	}
	return d
}

// Snapshots returns how often it is looked whether a snapshot is due, and how many log entries make one
// due, instead of interval and threshold.
func Snapshots(interval time.Duration, threshold uint64) (time.Duration, uint64) {
	if os.Getenv(prefix+"SNAPSHOTS") != "" {
		return 100 * time.Millisecond, 1
	}
	return interval, threshold
}

// HoldSnapshots reports whether none is to be taken now.
func HoldSnapshots() bool { return os.Getenv(prefix+"SNAPSHOTS") != "" && !exists("SNAPSHOTS") }
