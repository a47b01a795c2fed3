package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Snapshot returns what a snapshot of the daemon's state holds now.
func (c *Caller) Snapshot(ctx context.Context) (SnapshotInfo, error) {
	return call[SnapshotInfo](ctx, c, http.MethodGet, "/v1/snapshot", nil)
}

// Backup has the daemon make a backup, and writes it to w as it comes. After an error what was written
// is not whole.
func (c *Caller) Backup(ctx context.Context, act BackupAct, w io.Writer) (Backup, error) {
	var made Backup
	text, err := json.Marshal(act)
	if err != nil {
		return made, err
	}
	ctx, pace := withPace(ctx)
	defer pace.stop()
	resp, err := c.long(ctx, "/v1/snapshot/save", "application/json", bytes.NewReader(text))
	if err != nil {
		return made, pace.explain(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return made, problemIn(resp)
	}
	if err := json.Unmarshal([]byte(resp.Header.Get(backupHeader)), &made); err != nil {
		return made, fmt.Errorf("read the daemon's answer: %w", err)
	}
	if _, err := io.Copy(w, pace.reader(resp.Body)); err != nil {
		return made, fmt.Errorf("read the backup from the daemon: %w", pace.explain(err))
	}
	return made, nil
}

// Restore has the daemon put back the state of a backup, which is read without its encryption. An error
// that is no [*Problem], or one with status 500, leaves open whether it was done.
func (c *Caller) Restore(ctx context.Context, plain io.Reader) (SnapshotInfo, error) {
	var restored SnapshotInfo
	ctx, pace := withPace(ctx)
	defer pace.stop()
	resp, err := c.long(ctx, "/v1/snapshot/restore", "application/octet-stream", pace.reader(plain))
	if err != nil {
		return restored, pace.explain(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return restored, problemIn(resp)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswerBytes)).Decode(&restored); err != nil {
		return restored, fmt.Errorf("read the daemon's answer: %w", err)
	}
	return restored, nil
}

// long sends a request that may take [longWithin].
func (c *Caller) long(ctx context.Context, path, kind string, body io.Reader) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://admin"+path, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", kind)
	patient := &http.Client{Transport: c.http.Transport, Timeout: longWithin}
	resp, err := patient.Do(r)
	if err != nil {
		return nil, c.explain(err)
	}
	return resp, nil
}

// errStalled ends an exchange that does not go on.
var errStalled = errors.New("the daemon stopped answering; its log may say why")

// pace ends a context when what is read stalls.
type pace struct {
	ctx   context.Context
	end   context.CancelCauseFunc
	timer *time.Timer
}

// withPace begins: something must be read within [stallWithin].
func withPace(ctx context.Context) (context.Context, *pace) {
	ctx, end := context.WithCancelCause(ctx)
	p := &pace{ctx: ctx, end: end}
	p.timer = time.AfterFunc(stallWithin, func() { end(errStalled) })
	return ctx, p
}

func (p *pace) stop() {
	p.timer.Stop()
	p.end(nil)
}

// explain says that a stall was what ended the exchange, where it was.
func (p *pace) explain(err error) error {
	if cause := context.Cause(p.ctx); errors.Is(cause, errStalled) {
		return cause
	}
	return err
}

// reader returns a reader each of whose reads must be followed by the next within [stallWithin].
func (p *pace) reader(r io.Reader) io.Reader { return pacedReader{r, p} }

type pacedReader struct {
	r io.Reader
	p *pace
}

// Read reads and sets the bound for the next one. After the end the daemon works, which may take long.
func (r pacedReader) Read(b []byte) (int, error) {
	r.p.timer.Reset(stallWithin)
	n, err := r.r.Read(b)
	if err != nil {
		r.p.timer.Reset(longWithin)
	}
	return n, err
}
