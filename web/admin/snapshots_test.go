package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/login"
)

// fakeSnapshots makes backups of its content and takes over what is put back.
type fakeSnapshots struct {
	content []byte
	acts    []BackupAct
	err     error // of beginning
	late    error // of writing, after the content
	// entered, where it is given, tells that a restore has begun; it goes on when hold is closed.
	entered, hold chan struct{}
}

func (f *fakeSnapshots) info() SnapshotInfo {
	return SnapshotInfo{ClusterID: "test", Epoch: 2, Node: "node1", Index: 40, Users: 3, LogTime: clock, KeyCheck: "00ff"}
}

func (f *fakeSnapshots) Snapshot(context.Context) (SnapshotInfo, error) { return f.info(), f.err }

func (f *fakeSnapshots) Backup(_ context.Context, act BackupAct, begin func(Backup) error, w io.Writer) error {
	f.acts = append(f.acts, act)
	if f.err != nil {
		return f.err
	}
	if err := begin(Backup{f.info(), act.Recipients}); err != nil {
		return err
	}
	_, err := w.Write(f.content)
	return errors.Join(err, f.late)
}

func (f *fakeSnapshots) Restore(_ context.Context, plain io.Reader) (SnapshotInfo, error) {
	if f.entered != nil {
		close(f.entered)
		<-f.hold
	}
	if f.err != nil { // before all of it was read
		return SnapshotInfo{}, f.err
	}
	b, err := io.ReadAll(plain)
	if err == nil {
		f.content = b
	}
	info := f.info()
	info.Losses = &Losses{Foreign: true, Bypass: Lost{Count: 1, Of: []string{"alice"}}}
	return info, err
}

func TestABackupIsStreamed(t *testing.T) {
	d := startDaemon(t)
	d.snapshots.content = bytes.Repeat([]byte("state "), 1<<20)
	var got bytes.Buffer
	made, err := d.Backup(t.Context(), BackupAct{Recipients: []string{"age1example"}}, &got)
	if err != nil || made.Index != 40 || made.SealedTo[0] != "age1example" {
		t.Errorf("got %+v, %v", made, err)
	}
	if !bytes.Equal(got.Bytes(), d.snapshots.content) {
		t.Errorf("%d octets of %d came, or others", got.Len(), len(d.snapshots.content))
	}
	if want := `event=admin act="snapshot save" outcome=done`; !strings.Contains(d.log.String(), want) {
		t.Errorf("no %q in\n%s", want, d.log)
	}
}

func TestAPassphraseIsInNoLog(t *testing.T) {
	d := startDaemon(t)
	d.snapshots.err = errors.New("disk full")
	if _, err := d.Backup(t.Context(), BackupAct{Passphrase: "canary-passphrase"}, io.Discard); statusOf(err) != http.StatusInternalServerError {
		t.Errorf("got %v", err)
	}
	if d.snapshots.acts[0].Passphrase != "canary-passphrase" {
		t.Errorf("asked for %+v", d.snapshots.acts)
	}
	if log := d.log.String(); strings.Contains(log, "canary") || !strings.Contains(log, "passphrase=true") {
		t.Errorf("the log is\n%s", log)
	}
}

// A backup that ends in the middle must not look like a whole one.
func TestABackupThatBreaksOffIsAnError(t *testing.T) {
	d := startDaemon(t)
	d.snapshots.content, d.snapshots.late = bytes.Repeat([]byte("state "), 1<<16), errors.New("disk full")
	var got bytes.Buffer
	if _, err := d.Backup(t.Context(), BackupAct{}, &got); err == nil || statusOf(err) != 0 {
		t.Errorf("got %v", err)
	}
	if log := d.log.String(); !strings.Contains(log, `act="snapshot save" outcome=failed`) || !strings.Contains(log, "disk full") {
		t.Errorf("the log is\n%s", log)
	}
	if _, err := d.Status(t.Context()); err != nil {
		t.Errorf("the next request: %v", err)
	}
}

func TestABackupIsPutBack(t *testing.T) {
	d := startDaemon(t)
	state := bytes.Repeat([]byte("other "), 1<<20)
	got, err := d.Restore(t.Context(), bytes.NewReader(state))
	if err != nil || got.Epoch != 2 || !bytes.Equal(d.snapshots.content, state) {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, want := range []string{`event=admin act="snapshot restore" outcome=done`, `foreign=true`, `void_bypass.count=1 void_bypass.of=[alice]`} {
		if !strings.Contains(d.log.String(), want) {
			t.Errorf("no %q in\n%s", want, d.log)
		}
	}
	if got, err := d.Snapshot(t.Context()); err != nil || got.Users != 3 {
		t.Errorf("a snapshot holds %+v, %v", got, err)
	}
}

// The answer is seen although the caller still writes when it is given.
func TestARestoreThatIsRefusedSaysWhy(t *testing.T) {
	d := startDaemon(t)
	for want, err := range map[int]error{
		http.StatusConflict:           &Problem{http.StatusConflict, "of another cluster", ""},
		http.StatusServiceUnavailable: fmt.Errorf("restore: %w", login.ErrUnavailable),
	} {
		d.snapshots.err = err
		_, got := d.Restore(t.Context(), bytes.NewReader(make([]byte, 32<<20)))
		if statusOf(got) != want {
			t.Errorf("got %v, want %d", got, want)
		}
	}
	if !strings.Contains(d.log.String(), `act="snapshot restore" outcome=failed`) {
		t.Errorf("the log is\n%s", d.log)
	}
}

// An upload that its sender gives up is not taken for a whole one.
func TestAnUploadThatBreaksOffIsNotPutBack(t *testing.T) {
	d := startDaemon(t)
	gaveUp := errors.New("gave up")
	_, err := d.Restore(t.Context(), io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), failing{gaveUp}))
	if !errors.Is(err, gaveUp) || d.snapshots.content != nil {
		t.Errorf("got %v; put back: %d octets", err, len(d.snapshots.content))
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestOneBackupOrRestoreAtATime(t *testing.T) {
	d := startDaemon(t)
	d.snapshots.entered, d.snapshots.hold = make(chan struct{}), make(chan struct{})
	done := make(chan error)
	go func() {
		_, err := d.Restore(t.Context(), strings.NewReader("state"))
		done <- err
	}()
	<-d.snapshots.entered
	if _, err := d.Backup(t.Context(), BackupAct{}, io.Discard); statusOf(err) != http.StatusConflict {
		t.Errorf("a backup meanwhile: %v", err)
	}
	close(d.snapshots.hold)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := d.Backup(t.Context(), BackupAct{}, io.Discard); err != nil {
		t.Errorf("a backup afterwards: %v", err)
	}
}

func TestAnExchangeThatStallsEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, p := withPace(t.Context())
		defer p.stop()
		begun, r := time.Now(), p.reader(strings.NewReader("state"))
		for range 3 {
			time.Sleep(stallWithin / 2) // of the bubble's clock
			if _, err := r.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
		}
		<-ctx.Done()
		if took := time.Since(begun); took != stallWithin/2*3+stallWithin {
			t.Errorf("it ended after %v", took)
		}
		if err := p.explain(ctx.Err()); !errors.Is(err, errStalled) {
			t.Errorf("the reason is %v", err)
		}
	})
}
