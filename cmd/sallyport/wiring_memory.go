package main

import (
	"os"
	"runtime/debug"
)

// gcPercent lets the heap grow to five times what is live before it is collected. What is live is the
// replicated state, which is large and hardly changes; what a login leaves is small and short-lived,
// and with Go's default of 100 looking through the state for it cost a third of the CPU under load.
const gcPercent = 400

// tuneMemory sets the pace of the collector, unless the environment does: GOGC, or GOMEMLIMIT, which
// the unit sets below its MemoryMax=.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
