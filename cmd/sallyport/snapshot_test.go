package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"sallyport/cluster/backup"
	"sallyport/cluster/state"
	"sallyport/login"
	"sallyport/web/admin"
)

// fakeBackups are those of a cluster with two users.
type fakeBackups struct {
	view     state.View
	key      backup.Key
	stale    bool
	err      error
	restored backup.Header // the last one put back
}

func newFakeBackups(t *testing.T, masterKey string) *fakeBackups {
	t.Helper()
	key, err := backup.KeyOf([]byte(masterKey))
	if err != nil {
		t.Fatal(err)
	}
	m := state.New()
	m.Apply(40, state.EncodeBatch(adminClock.UnixNano(), [][]byte{
		state.Encode(&state.Found{ClusterID: "c1", Check: []byte(masterKey), Key: state.StateKey{ID: 1, Sealed: []byte("sealed")}}),
		state.Encode(&state.Register{UserID: "corp:a1", Name: "alice", Handle: login.Handle{1}, Factor: "totp", Record: []byte("sealed")}),
		state.Encode(&state.Register{UserID: "corp:b2", Name: "bob", Handle: login.Handle{2}, Factor: "totp", Record: []byte("sealed")}),
	}))
	return &fakeBackups{view: m.View(), key: key}
}

func (f *fakeBackups) info() admin.SnapshotInfo {
	info := admin.SnapshotInfo{
		ClusterID: "c1", Epoch: 1, Node: "node1", Index: 40, Term: 3, LogTime: adminClock, Users: 2,
		Stale: f.stale, KeyCheck: hex.EncodeToString(f.view.Meta().Check),
	}
	if f.stale {
		info.Behind = 3
	}
	return info
}

func (f *fakeBackups) Snapshot(context.Context) (admin.SnapshotInfo, error) { return f.info(), f.err }

func (f *fakeBackups) Backup(_ context.Context, act admin.BackupAct, begin func(admin.Backup) error, w io.Writer) error {
	recipients, err := backup.ParseRecipients(act.Recipients)
	if act.Passphrase != "" {
		var r age.Recipient
		r, err = backup.PassphraseRecipient(act.Passphrase)
		recipients = append(recipients, r)
	}
	if err = errors.Join(f.err, err); err != nil {
		return err
	}
	info := f.info()
	if err := begin(admin.Backup{SnapshotInfo: info, SealedTo: act.Recipients}); err != nil {
		return err
	}
	h := backup.Header{
		ClusterID: info.ClusterID, Epoch: info.Epoch, Node: info.Node, Made: adminClock, Version: "1.2.3", Index: info.Index,
		Term: info.Term, LogTime: info.LogTime, Stale: info.Stale, Behind: info.Behind, Users: info.Users, KeyCheck: info.KeyCheck,
	}
	return backup.Write(w, recipients, f.key, h, f.view.WriteSnapshot)
}

func (f *fakeBackups) Restore(_ context.Context, plain io.Reader) (admin.SnapshotInfo, error) {
	c, err := backup.ParseOwn(plain, f.key)
	if err == nil {
		err = backup.Verify(c)
	}
	if err != nil {
		return admin.SnapshotInfo{}, err
	}
	f.restored = c.Header
	info := f.info()
	info.Epoch++
	info.Losses = &admin.Losses{
		Recovery: admin.Lost{Count: 2, Of: []string{"Alice (corp:1)"}},
		Windows:  admin.Lost{Count: 1, Of: []string{"group:corp:vpn\x1b"}, More: true},
	}
	return info, nil
}

// secretKey writes an identity file and returns it with its recipient.
func secretKey(t *testing.T) (file, recipient string) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return written(t, "backup.key", id.String()+"\n"), id.Recipient().String()
}

// written writes a file in a folder of its own.
func written(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// backupDaemon is a daemon whose backups are f.
func backupDaemon(t *testing.T, f *fakeBackups) (socket string) {
	t.Helper()
	node := newFakeNode()
	node.snapshots = f
	return serveAdmin(t, node)
}

// savedBackup saves a backup and returns its file and what opens it.
func savedBackup(t *testing.T, f *fakeBackups) (file, key string) {
	t.Helper()
	key, recipient := secretKey(t)
	file = filepath.Join(t.TempDir(), "backup.age")
	got := runOne(t, snapshotVerb(), "", "save", file, "--recipient", recipient, "--socket", backupDaemon(t, f))
	if got.code != exitOK {
		t.Fatal(got)
	}
	return file, key
}

func TestABackupIsSaved(t *testing.T) {
	f := newFakeBackups(t, "0123456789abcdef")
	key, recipient := secretKey(t)
	file := filepath.Join(t.TempDir(), "backup.age")
	got := runOne(t, snapshotVerb(), "", "save", file, "--recipient", recipient, "--socket", backupDaemon(t, f))
	wantOutcome(t, got, exitOK, file+" written: 2 users, log index 40 of 2026-11-23 14:00 UTC, sealed to "+recipient+"\n")
	info, err := os.Stat(file)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(file), ".*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	got = runOne(t, snapshotVerb(), "", "inspect", file, "--identity-file", key)
	wantOutcome(t, got, exitOK, `cluster     c1
epoch       1
level       0
saved       2026-11-23 14:00 UTC by node1, sallyport 1.2.3
log         index 40, term 3, 2026-11-23 14:00 UTC
users       2
stale       no
master key  30313233343536373839616263646566
`)
}

func TestABackupIsNotWrittenOverAnother(t *testing.T) {
	f := newFakeBackups(t, "0123456789abcdef")
	_, recipient := secretKey(t)
	file, socket := written(t, "backup.age", "precious"), backupDaemon(t, f)
	save := func(args ...string) outcome {
		return runOne(t, snapshotVerb(), "", append([]string{"save", "--recipient", recipient, "--socket", socket}, args...)...)
	}
	if got := save(file); got.code != exitFailed || !strings.Contains(got.stderr, "exists already and is left alone") {
		t.Errorf("got %+v", got)
	}
	f.err = login.ErrUnavailable
	if got := save(file, "--force"); got.code != exitTryAgain {
		t.Errorf("a daemon that cannot: %+v", got)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "precious" {
		t.Errorf("the file is %q, %v", text, err)
	}
	if entries, err := os.ReadDir(filepath.Dir(file)); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	f.err = nil
	if got := save(file, "--force"); got.code != exitOK {
		t.Errorf("with --force: %+v", got)
	}
	if got := save(filepath.Dir(file), "--force"); got.code != exitFailed || !strings.Contains(got.stderr, "is not a regular file") {
		t.Errorf("over a folder: %+v", got)
	}
}

func TestAStaleBackupIsWarnedOf(t *testing.T) {
	f := newFakeBackups(t, "0123456789abcdef")
	f.stale = true
	key, recipient := secretKey(t)
	file := filepath.Join(t.TempDir(), "backup.age")
	got := runOne(t, snapshotVerb(), "", "save", file, "--json", "--recipient", recipient, "--socket", backupDaemon(t, f))
	want := "warning: the node had no contact with a leader: what was done after 2026-11-23 14:00 UTC may be missing, at least 3 log entries"
	if !strings.Contains(got.stderr, want) {
		t.Errorf("stderr %s", got.stderr)
	}
	var s saved
	if err := json.Unmarshal([]byte(got.stdout), &s); err != nil || !s.Stale || s.Behind != 3 || s.File != file || s.Bytes < 500 {
		t.Errorf("got %+v, %v of %s", s, err, got.stdout)
	}
	for _, read := range []string{"inspect", "verify"} {
		got := runOne(t, snapshotVerb(), "", read, file, "--identity-file", key)
		if got.code != exitOK || !strings.Contains(got.stdout+got.stderr, "at least 3 log entries") {
			t.Errorf("%s: %+v", read, got)
		}
	}
}

func TestABackupMayBeSealedWithAPassphrase(t *testing.T) {
	f := newFakeBackups(t, "0123456789abcdef")
	passphrase, wrong := written(t, "pass", "canary horse battery\n"), written(t, "pass", "canary horse batteri\n")
	file := filepath.Join(t.TempDir(), "backup.age")
	got := runOne(t, snapshotVerb(), "", "save", file, "--passphrase-file", passphrase, "--socket", backupDaemon(t, f))
	if got.code != exitOK || !strings.HasSuffix(got.stdout, "sealed to a passphrase\n") {
		t.Errorf("got %+v", got)
	}
	got = runOne(t, snapshotVerb(), "", "verify", file, "--passphrase-file", passphrase)
	if got.code != exitOK || !strings.Contains(got.stdout, "is whole: 2 users of cluster c1, epoch 1") {
		t.Errorf("got %+v", got)
	}
	got = runOne(t, snapshotVerb(), "", "verify", file, "--passphrase-file", wrong)
	if got.code != exitFailed || !strings.Contains(got.stderr, "passphrase is not the one") || strings.Contains(got.stderr, "canary") {
		t.Errorf("got %+v", got)
	}
}

func TestAVerifiedBackupAsJSON(t *testing.T) {
	file, key := savedBackup(t, newFakeBackups(t, "0123456789abcdef"))
	got := runOne(t, snapshotVerb(), "", "verify", file, "--json", "--identity-file", key)
	var v verified
	if err := json.Unmarshal([]byte(got.stdout), &v); err != nil || v.Users != 2 || v.Epoch != 1 || v.Bytes == 0 {
		t.Errorf("got %+v, %v of %s", v, err, got.stdout)
	}
}

func TestABackupIsPutBack(t *testing.T) {
	f := newFakeBackups(t, "0123456789abcdef")
	file, key := savedBackup(t, f)
	got := runOne(t, snapshotVerb(), "", "restore", file, "--identity-file", key, "--yes", "--socket", backupDaemon(t, f))
	wantOutcome(t, got, exitOK, `restored: 2 users, epoch 2; every login begins anew
2 recovery codes void: issue new ones with "sallyport user recovery-codes"
  Alice (corp:1)
1 window closed: open them again where they are needed
  group:corp:vpn? and others
`)
	if !strings.Contains(got.stderr, "who registered since 2026-11-23 14:00 UTC needs an invitation") {
		t.Errorf("stderr %s", got.stderr)
	}
	if f.restored.Index != 40 {
		t.Errorf("put back: %+v", f.restored)
	}
}

func TestWhatMustNotBePutBackChangesNothing(t *testing.T) {
	f := newFakeBackups(t, "0123456789abcdef")
	file, key := savedBackup(t, f)
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	damaged := written(t, "damaged.age", string(content))
	otherKey, _ := secretKey(t)
	for name, tt := range map[string]struct {
		node *fakeBackups
		args []string
		code int
		say  string
	}{
		"a flipped bit":      {f, []string{damaged, "--identity-file", key, "--yes"}, exitFailed, "the backup is damaged"},
		"another key":        {f, []string{file, "--identity-file", otherKey, "--yes"}, exitFailed, "none of the identities"},
		"without --yes":      {f, []string{file, "--identity-file", key}, exitUsage, "needs --yes"},
		"another master key": {newFakeBackups(t, "fedcba9876543210"), []string{file, "--identity-file", key, "--yes"}, exitFailed, "not made under this cluster's master key"},
		"no key":             {f, []string{file, "--yes"}, exitUsage, "how is the backup opened?"},
		"no leader": {&fakeBackups{view: f.view, err: login.ErrUnavailable}, []string{file, "--identity-file", key, "--yes"},
			exitTryAgain, "try again"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"restore", "--socket", backupDaemon(t, tt.node)}, tt.args...)
			got := runOne(t, snapshotVerb(), "", args...)
			if got.code != tt.code || !strings.Contains(got.stderr, tt.say) || tt.node.restored.Index != 0 {
				t.Errorf("got %+v; put back %+v", got, tt.node.restored)
			}
		})
	}
}

// Reading ends when somebody interrupts it.
func TestAnInterruptedVerificationEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := io.ReadAll(interruptible{ctx, bytes.NewReader([]byte("backup"))}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestTheAgeOfABackupIsSaid(t *testing.T) {
	file, key := savedBackup(t, newFakeBackups(t, "0123456789abcdef"))
	v := snapshotVerifyVerb()
	fs := newFlagSet("sallyport snapshot verify", v)
	if err := fs.Parse([]string{file, "--identity-file", key}); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	err := verifyBackup(t.Context(), env{stdout: &out, stderr: &out}, fs, fs.Args(), adminClock.Add(26*time.Hour))
	if err != nil || !strings.HasSuffix(out.String(), "saved 1d 2h ago\n") {
		t.Errorf("got %s, %v", out.String(), err)
	}
}
