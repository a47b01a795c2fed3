package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// recallFile is where a node keeps what it remembers of the others, beside its log.
const recallFile = "recall.json"

// trace is how far a node's disk had come when another heard of it.
type trace struct {
	// Fingerprint tells a node from an earlier one of its name.
	Fingerprint string `json:"fingerprint"`
	// Term is the newest that the node has taken part in, LastTerm and LastIndex say which its newest
	// log entry was.
	Term      uint64 `json:"term"`
	LastTerm  uint64 `json:"last_term"`
	LastIndex uint64 `json:"last_index"`
	// Beats counts how often the node has written down that it lives.
	Beats uint64 `json:"beats"`
}

// beyond reports whether a disk that had come as far as t has lost something when it is now at own.
// A log grows while its term lasts; what a new leader removes comes with a higher term.
func (t trace) beyond(own trace) bool {
	switch {
	case t.Term != own.Term:
		return t.Term > own.Term
	case t.LastTerm != own.LastTerm:
		return t.LastTerm > own.LastTerm
	}
	return t.LastIndex > own.LastIndex
}

// recollection is what a node knows without Raft.
type recollection struct {
	Roster roster           `json:"roster"`
	Traces map[string]trace `json:"traces"`
	// Beats and At say how often, and when last by this node's clock, it has noted that it lives.
	Beats uint64    `json:"beats"`
	At    time.Time `json:"at"`
	// Removed says that this node is no part of the cluster any more.
	Removed bool `json:"removed,omitempty"`
	// Unsure says that this node has come back, or let another come back, in doubt of what was lost, and
	// Restoring that a backup was being put back by this node.
	Unsure    bool `json:"unsure,omitempty"`
	Restoring bool `json:"restoring,omitempty"`
}

// memory is a recollection and its file. It is safe for concurrent use.
type memory struct {
	write   func(text []byte) error // puts the file on disk; nil keeps it in memory only
	writing sync.Mutex              // held while it does
	mu      sync.Mutex
	now     recollection
	// written and at are Beats and At as they are on disk: others are told of nothing else, so that a disk
	// with fewer is an old image.
	written uint64
	at      time.Time
}

// openMemory reads what was kept in dir; nothing is kept where dir is empty.
func openMemory(dir string) (*memory, error) {
	if dir == "" {
		return newMemory(nil, nil)
	}
	path := filepath.Join(dir, recallFile)
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read what is known of the other nodes: %w", err)
	}
	m, err := newMemory(text, func(text []byte) error { return writeFile(path, text) })
	if err != nil {
		return nil, &ConfigError{fmt.Errorf("%s is damaged (%w): wipe the data directory and join this node again", path, err)}
	}
	return m, nil
}

// newMemory is what a file says, or nothing where there is none.
func newMemory(text []byte, write func([]byte) error) (*memory, error) {
	m := &memory{write: write, now: recollection{Traces: map[string]trace{}}}
	if text == nil {
		return m, nil
	}
	if err := json.Unmarshal(text, &m.now); err != nil {
		return nil, err
	}
	if m.now.Traces == nil {
		m.now.Traces = map[string]trace{}
	}
	m.written, m.at = m.now.Beats, m.now.At
	return m, nil
}

func (m *memory) roster() roster {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now.Roster
}

// learn takes a newer roster, and reports whether there is another member in it.
func (m *memory) learn(r roster) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r.Index <= m.now.Roster.Index || len(r.Members) == 0 {
		return false
	}
	other := !slices.Equal(r.Members, m.now.Roster.Members)
	m.now.Roster = r
	return other
}

// keep takes the roster of this node's own log.
func (m *memory) keep(r roster) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Roster = r
}

// reset puts another roster in place of what is known, and forgets all other nodes and that this one was
// removed.
func (m *memory) reset(r roster) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Roster, m.now.Traces, m.now.Removed = r, map[string]trace{}, false
}

// leave remembers, from the next beat on, that this node was removed.
func (m *memory) leave() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Removed = true
}

func (m *memory) removed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now.Removed
}

// note remembers how far a node has come.
func (m *memory) note(name string, t trace) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old, ok := m.now.Traces[name]; ok && old.Fingerprint == t.Fingerprint && (old.beyond(t) || old.Beats > t.Beats) {
		return // what it has lost is not forgotten
	}
	m.now.Traces[name] = t
}

// grow remembers what a node has acknowledged to this one.
func (m *memory) grow(name string, term, lastTerm, lastIndex uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.now.Traces[name]
	if grown := (trace{t.Fingerprint, term, lastTerm, lastIndex, t.Beats}); ok && grown.beyond(t) {
		m.now.Traces[name] = grown
	}
}

// belongs reports whether a node is among the members that are remembered.
func (m *memory) belongs(name string) bool {
	_, ok := m.roster().find(name)
	return ok
}

// of returns what is remembered of a node.
func (m *memory) of(name string) (trace, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.now.Traces[name]
	return t, ok
}

// beats returns how often, and when last, the node has written down that it lives.
func (m *memory) beats() (uint64, time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.written, m.at
}

// doubt notes whether something may be lost.
func (m *memory) doubt(unsure bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Unsure = unsure
}

// restoring notes that a backup is being put back by this node, or was.
func (m *memory) restoring(begun bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Restoring = begun
}

// left is what the last run has left to this one.
func (m *memory) left() (unsure, restoring bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now.Unsure, m.now.Restoring
}

// beat notes that the node lives, and writes everything to disk.
func (m *memory) beat(now time.Time) error {
	m.writing.Lock()
	defer m.writing.Unlock()
	m.mu.Lock()
	m.now.Beats, m.now.At = m.written+1, now
	text, err := json.Marshal(m.now)
	m.mu.Unlock()
	if err == nil && m.write != nil {
		err = m.write(text)
	}
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.written, m.at = m.now.Beats, now
	return nil
}

// writeFile replaces a file by one that is whole, and on disk, whatever happens meanwhile.
func writeFile(path string, text []byte) error {
	temporary := path + ".new"
	f, err := os.OpenFile(temporary, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, fileMode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
