package cluster

import (
	"context"
	"io"

	"golang.org/x/time/rate"
)

// snapshotRate is how many octets of the state are written in a second. That takes a tenth of a processor,
// and 5 s for a million users; as fast as it can be, the logins on a busy machine would have to wait for a
// processor.
const snapshotRate = 32 << 20

// paceStep is how many octets are written without a rest, of 2 ms.
const paceStep = 64 << 10

// pacedWriter writes at snapshotRate, for one goroutine at a time.
type pacedWriter struct {
	to   io.Writer
	pace *rate.Limiter
}

func newPacedWriter(to io.Writer) pacedWriter {
	return pacedWriter{to, rate.NewLimiter(snapshotRate, paceStep)}
}

// Write writes b in steps.
func (w pacedWriter) Write(b []byte) (written int, err error) {
	for len(b) > 0 {
		step := b[:min(len(b), paceStep)]
		if err := w.pace.WaitN(context.Background(), len(step)); err != nil {
			return written, err
		}
		n, err := w.to.Write(step)
		if written += n; err != nil {
			return written, err
		}
		b = b[n:]
	}
	return written, nil
}
