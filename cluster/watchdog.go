package cluster

import (
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
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

// watchedLogs is a log store under a watchdog.
type watchedLogs struct {
	raft.LogStore
	dog *watchdog
}

// StoreLog stores one entry.
func (s watchedLogs) StoreLog(log *raft.Log) error {
	return s.dog.watch("store log entry", func() error { return s.LogStore.StoreLog(log) })
}

// StoreLogs stores entries.
func (s watchedLogs) StoreLogs(logs []*raft.Log) error {
	return s.dog.watch("store log entries", func() error { return s.LogStore.StoreLogs(logs) })
}

// DeleteRange removes the entries from first to last.
func (s watchedLogs) DeleteRange(first, last uint64) error {
	return s.dog.watch("truncate log", func() error { return s.LogStore.DeleteRange(first, last) })
}

// watchedStable is a store for Raft's own few values under a watchdog.
type watchedStable struct {
	raft.StableStore
	dog *watchdog
}

// Set stores a value.
func (s watchedStable) Set(key, value []byte) error {
	return s.dog.watch("store value", func() error { return s.StableStore.Set(key, value) })
}

// SetUint64 stores a number.
func (s watchedStable) SetUint64(key []byte, value uint64) error {
	return s.dog.watch("store value", func() error { return s.StableStore.SetUint64(key, value) })
}
