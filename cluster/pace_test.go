package cluster

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestASnapshotIsWrittenAtItsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var written bytes.Buffer
		w := newPacedWriter(&written)
		want := bytes.Repeat([]byte("0123456789abcdef"), snapshotRate/16)
		began := time.Now()
		n, err := w.Write(want)
		if err != nil || n != len(want) || !bytes.Equal(written.Bytes(), want) {
			t.Fatalf("%d of %d octets, %v", n, len(want), err)
		}
		if took := time.Since(began); took < 900*time.Millisecond || took > 1100*time.Millisecond {
			t.Errorf("a second's worth took %v", took)
		}
	})
}

func TestAPacedWriterEndsAtTheFirstError(t *testing.T) {
	full := errors.New("no room")
	w := newPacedWriter(writerFunc(func([]byte) (int, error) { return 3, full }))
	if n, err := w.Write(make([]byte, 2*paceStep)); n != 3 || !errors.Is(err, full) {
		t.Errorf("%d octets, %v", n, err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
