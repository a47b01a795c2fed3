package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"filippo.io/age"
	otp "github.com/pquerna/otp/totp"

	"sallyport/cluster"
	"sallyport/cluster/backup"
	"sallyport/factors/totp"
	"sallyport/login"
	"sallyport/web/admin"
)

// fakeKeeper holds a state of two users.
type fakeKeeper struct {
	*fakeBackups
	err        error
	taken      []byte
	leaderless bool
}

func (f *fakeKeeper) held() cluster.SnapshotInfo {
	return cluster.SnapshotInfo{ClusterID: "c1", Epoch: 1, Node: "node1", Index: 40, LogTime: adminClock, Users: 2, KeyCheck: f.view.Meta().Check}
}

func (f *fakeKeeper) WriteSnapshot(ctx context.Context, w io.Writer) (cluster.SnapshotInfo, error) {
	info := f.held()
	if f.leaderless {
		<-ctx.Done()
		info.Stale = true
	}
	return info, errors.Join(f.err, f.view.WriteSnapshot(w))
}

func (f *fakeKeeper) Restore(ctx context.Context, r io.Reader) (cluster.SnapshotInfo, error) {
	var err error
	f.taken, err = io.ReadAll(r)
	return f.held(), errors.Join(f.err, err, ctx.Err())
}

// testBackups are the backups of a fake, with a key pair.
func testBackups(t *testing.T) (backups, *fakeKeeper, *age.X25519Identity) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	f := newFakeBackups(t, "0123456789abcdef")
	k := &fakeKeeper{fakeBackups: f}
	return backups{node: k, key: f.key, folder: t.TempDir(), now: func() time.Time { return adminClock.Add(time.Minute) },
		recipients: func() []string { return []string{id.Recipient().String()} }}, k, id
}

// made makes a backup.
func made(t *testing.T, b backups, act admin.BackupAct) (admin.Backup, []byte) {
	t.Helper()
	var info admin.Backup
	var file bytes.Buffer
	begin := func(held admin.Backup) error {
		if file.Len() > 0 {
			t.Error("something was written before it was said what")
		}
		info = held
		return nil
	}
	if err := b.Backup(t.Context(), act, begin, &file); err != nil {
		t.Fatal(err)
	}
	return info, file.Bytes()
}

func unsealed(t *testing.T, file []byte, id age.Identity) []byte {
	t.Helper()
	r, err := backup.Unseal(bytes.NewReader(file), []age.Identity{id})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

func TestABackupIsSealedToTheConfiguredRecipients(t *testing.T) {
	b, _, id := testBackups(t)
	info, file := made(t, b, admin.BackupAct{})
	if info.Users != 2 || len(info.SealedTo) != 1 || info.SealedTo[0] != id.Recipient().String() {
		t.Errorf("got %+v", info)
	}
	c, err := backup.Open(bytes.NewReader(file), []age.Identity{id})
	if err != nil {
		t.Fatal(err)
	}
	if err := backup.Verify(c); err != nil || !c.Header.Made.Equal(adminClock.Add(time.Minute)) || c.Header.KeyCheck != info.KeyCheck {
		t.Errorf("header %+v, %v", c.Header, err)
	}
	if left, err := os.ReadDir(b.folder); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestABackupForNobodyIsRefused(t *testing.T) {
	b, _, _ := testBackups(t)
	b.recipients = func() []string { return nil }
	for _, tt := range []struct {
		act admin.BackupAct
		say string
	}{
		{admin.BackupAct{}, "set recipients under [snapshot]"},
		{admin.BackupAct{Recipients: []string{"age1nobody"}}, "is no recipient"},
		{admin.BackupAct{Passphrase: "short"}, "too short"},
	} {
		var file bytes.Buffer
		err := b.Backup(t.Context(), tt.act, func(admin.Backup) error { return nil }, &file)
		var p *admin.Problem
		if !errors.As(err, &p) || p.Status != http.StatusUnprocessableEntity || !strings.Contains(p.Message, tt.say) || file.Len() > 0 {
			t.Errorf("%+v: %v, %d octets", tt.act, err, file.Len())
		}
	}
}

// Once a restore was begun it goes through, even where whoever asked has gone.
func TestARestoreGoesThrough(t *testing.T) {
	b, k, id := testBackups(t)
	_, file := made(t, b, admin.BackupAct{})
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	var state bytes.Buffer
	if err := k.view.WriteSnapshot(&state); err != nil {
		t.Fatal(err)
	}
	got, err := b.Restore(ctx, bytes.NewReader(unsealed(t, file, id)))
	if err != nil || got.Users != 2 || !bytes.Equal(k.taken, state.Bytes()) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestTheClusterIsAskedOnlyForItsOwnWholeBackups(t *testing.T) {
	b, k, id := testBackups(t)
	_, file := made(t, b, admin.BackupAct{})
	plain := unsealed(t, file, id)
	foreign := b
	foreign.key[0] ^= 1
	flipped := bytes.Clone(plain)
	flipped[len(flipped)/2] ^= 1
	for name, tt := range map[string]struct {
		b     backups
		plain []byte
	}{
		"a flipped bit":              {b, flipped},
		"cut short":                  {b, plain[:len(plain)-1]},
		"nothing":                    {b, nil},
		"made without the key":       {foreign, plain},
		"of a later release":         {b, bytes.Replace(plain, []byte("-1\n"), []byte("-9\n"), 1)},
		"an octet more than written": {b, append(bytes.Clone(plain), 0)},
	} {
		_, err := tt.b.Restore(t.Context(), bytes.NewReader(tt.plain))
		var p *admin.Problem
		if !errors.As(err, &p) || p.Hint != "nothing was changed" || k.taken != nil {
			t.Errorf("%s: %v; the cluster was given %d octets", name, err, len(k.taken))
		}
	}
}

func TestABackupDoesNotWaitForALeaderForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, k, _ := testBackups(t)
		k.leaderless = true
		begun := time.Now()
		info, _ := made(t, b, admin.BackupAct{})
		if took := time.Since(begun); !info.Stale || took != contactWithin {
			t.Errorf("stale %t after %v", info.Stale, took)
		}
	})
}

func TestEveryCodeThatMayHaveBeenAcceptedCountsAsUsed(t *testing.T) {
	apps, err := totp.New(totp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	record, err := apps.NewRecord(t.Context(), login.User{})
	if err != nil {
		t.Fatal(err)
	}
	shown, err := apps.Registration(t.Context(), login.User{Name: "alice"}, record)
	if err != nil {
		t.Fatal(err)
	}
	// The telephone whose clock is furthest ahead teaches its drift step by step.
	cred := login.Credential{Record: record}
	var last uint64
	for range 5 {
		for ahead := 3 * totp.TimeStep; ahead >= 0; ahead -= totp.TimeStep {
			code, err := otp.GenerateCode(strings.ReplaceAll(shown.SecretKey.Reveal(), " ", ""), adminClock.Add(ahead))
			if err != nil {
				t.Fatal(err)
			}
			found, err := apps.Verify(t.Context(), adminClock, login.User{}, cred, code)
			if err != nil {
				t.Fatal(err)
			}
			if found.Number > 0 {
				cred.Memo, last = found.Memo, max(last, found.Number)
				break
			}
		}
	}
	if floor := replayFloors(adminClock)[totp.Name]; last != floor {
		t.Errorf("the last code that is accepted is of step %d, and the floor is %d", last, floor)
	}
}
