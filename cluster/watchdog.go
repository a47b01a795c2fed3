package cluster

import (
	"sync/atomic"
	"time"
)

// watchdog watches the writes to the log store. A write that neither ends nor fails stops every
// commit while the node's heartbeats go on, so no other node takes over (hashicorp/raft issues 503,
// 612): the only way out is to end the process.
type watchdog struct {
	after  time.Duration
	onHang func(what string)

	inFlight atomic.Int64
	hangs    atomic.Uint64
}

// watch runs write and calls onHang, once, when it takes too long.
func (w *watchdog) watch(what string, write func() error) error {
	w.inFlight.Add(1)
	timer := time.AfterFunc(w.after, func() {
		w.hangs.Add(1)
		w.onHang(what)
	})
	defer func() {
		timer.Stop()
		w.inFlight.Add(-1)
	}()
	return write()
}
