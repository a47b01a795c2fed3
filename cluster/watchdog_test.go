package cluster

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

// stallingStore is a log store whose writes end when released.
type stallingStore struct {
	*raft.InmemStore
	release chan error
}

func (s stallingStore) StoreLog(*raft.Log) error           { return <-s.release }
func (s stallingStore) StoreLogs([]*raft.Log) error        { return <-s.release }
func (s stallingStore) DeleteRange(_, _ uint64) error      { return <-s.release }
func (s stallingStore) Set(_, _ []byte) error              { return <-s.release }
func (s stallingStore) SetUint64(_ []byte, _ uint64) error { return <-s.release }

// stalled are the writes that a disk may hang in.
func stalled(s stallingStore, dog *watchdog) map[string]func() error {
	d := &disk{dog: dog}
	logs, stable := watchedLogs{s, d}, watchedStable{s, d}
	return map[string]func() error{
		"store log entry":   func() error { return logs.StoreLog(nil) },
		"store log entries": func() error { return logs.StoreLogs(nil) },
		"truncate log":      func() error { return logs.DeleteRange(1, 2) },
		"store value":       func() error { return errors.Join(stable.Set(nil, nil), stable.SetUint64(nil, 1)) },
	}
}

func TestAHangingWriteIsNoticed(t *testing.T) {
	for what := range stalled(stallingStore{}, nil) {
		synctest.Test(t, func(t *testing.T) {
			begun := time.Now()
			type hang struct {
				what  string
				after time.Duration
			}
			hangs := make(chan hang, 2)
			dog := &watchdog{after: 2 * time.Second, onHang: func(what string) {
				hangs <- hang{what, time.Since(begun)}
			}}
			store := stallingStore{raft.NewInmemStore(), make(chan error)}
			done := make(chan error)
			go func() { done <- stalled(store, dog)[what]() }()

			<-time.After(time.Minute)
			if len(hangs) != 1 || dog.hangs.Load() != 1 {
				t.Fatalf("%s: noticed %d times, want once", what, len(hangs))
			}
			if got := <-hangs; got != (hang{what, 2 * time.Second}) {
				t.Fatalf("%s: noticed %+v", what, got)
			}
			close(store.release)
			if err := <-done; err != nil {
				t.Errorf("%s: %v", what, err)
			}
		})
	}
}

func TestAWriteInTimeIsNoHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dog := &watchdog{after: 2 * time.Second, onHang: func(what string) { t.Errorf("%s hung", what) }}
		store := stallingStore{raft.NewInmemStore(), make(chan error)}
		failure := errors.New("input/output error")
		for _, write := range stalled(store, dog) {
			done := make(chan error)
			go func() { done <- write() }()
			<-time.After(time.Second)
			store.release <- failure
			select {
			case store.release <- failure: // Set and SetUint64 are two writes
			case err := <-done:
				if !errors.Is(err, failure) {
					t.Errorf("error %v", err)
				}
				continue
			}
			if err := <-done; !errors.Is(err, failure) {
				t.Errorf("error %v", err)
			}
		}
		<-time.After(time.Hour)
		if dog.inFlight.Load() != 0 {
			t.Errorf("%d writes in flight", dog.inFlight.Load())
		}
	})
}
