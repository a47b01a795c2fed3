package backup_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"filippo.io/age"

	"sallyport/cluster/backup"
	"sallyport/cluster/state"
	"sallyport/login"
)

var clock = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)

// stored is the state of a cluster with as many users.
func stored(users int) state.View {
	commands := [][]byte{state.Encode(&state.Found{
		ClusterID: "c1", Check: []byte("0123456789abcdef"), Key: state.StateKey{ID: 1, Sealed: []byte("sealed")},
	})}
	for i := range users {
		commands = append(commands, state.Encode(&state.Register{
			UserID: fmt.Sprintf("corp:%d", i), Name: fmt.Sprintf("user%d", i), Handle: login.Handle{byte(i), byte(i >> 8), byte(i >> 16), 1},
			Factor: "totp", Record: bytes.Repeat([]byte{byte(i)}, 80),
		}))
	}
	m := state.New()
	m.Apply(7, state.EncodeBatch(clock.UnixNano(), commands))
	return m.View()
}

// headerOf describes a state, as a node does.
func headerOf(v state.View) backup.Header {
	return backup.Header{
		ClusterID: v.Meta().ClusterID, Epoch: v.Meta().Epoch, Level: 1, Node: "node1", Made: clock, Version: "1.2.3",
		Index: v.Index(), Term: 3, LogTime: time.Unix(0, v.Time()).UTC(), Users: v.Sizes().Users,
		KeyCheck: hex.EncodeToString(v.Meta().Check),
	}
}

// keys are what the test seals to and opens with.
type keys struct {
	recipients []age.Recipient
	identities []age.Identity
}

func newKeys(t testing.TB) keys {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return keys{[]age.Recipient{id.Recipient()}, []age.Identity{id}}
}

// key is the one that backups of these tests are marked with.
func key(t testing.TB) backup.Key {
	t.Helper()
	k, err := backup.KeyOf(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func write(t testing.TB, to []age.Recipient, h backup.Header, content func(io.Writer) error) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := backup.Write(&file, to, key(t), h, content); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// verify opens and verifies a file.
func verify(file []byte, identities []age.Identity) error {
	c, err := backup.Open(bytes.NewReader(file), identities)
	if err != nil {
		return err
	}
	return backup.Verify(c)
}

func TestABackupIsReadAsItWasWritten(t *testing.T) {
	for _, users := range []int{0, 1, 3000} {
		v, k := stored(users), newKeys(t)
		file := write(t, k.recipients, headerOf(v), v.WriteSnapshot)
		c, err := backup.Open(bytes.NewReader(file), k.identities)
		if err != nil {
			t.Fatal(err)
		}
		if c.Header != headerOf(v) {
			t.Errorf("header %+v, want %+v", c.Header, headerOf(v))
		}
		m := state.New()
		if err := m.Restore(c); err != nil || m.View().Hash() != v.Hash() {
			t.Errorf("%d users: the state differs: %v", users, err)
		}
		if _, err := io.Copy(io.Discard, c); err != nil {
			t.Errorf("%d users: %v", users, err)
		}
		if err := verify(file, k.identities); err != nil {
			t.Errorf("%d users: %v", users, err)
		}
	}
}

func TestABackupOpensWithItsPassphraseOnly(t *testing.T) {
	v := stored(2)
	r, err := backup.PassphraseRecipient("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, []age.Recipient{r}, headerOf(v), v.WriteSnapshot)
	for passphrase, want := range map[string]error{
		"correct horse battery": nil, "correct horse battery ": backup.ErrKey, "x": backup.ErrKey,
	} {
		id, err := backup.PassphraseIdentity(passphrase)
		if err != nil {
			t.Fatal(err)
		}
		if err := verify(file, []age.Identity{id}); !errors.Is(err, want) {
			t.Errorf("%q: %v", passphrase, err)
		}
	}
}

// A state that cannot be written leaves a file that does not open, not one that looks whole.
func TestAnErrorOfTheStateLeavesNoBackup(t *testing.T) {
	v, k := stored(3000), newKeys(t)
	full := errors.New("disk full")
	var file bytes.Buffer
	err := backup.Write(&file, k.recipients, key(t), headerOf(v), func(w io.Writer) error {
		return errors.Join(v.WriteSnapshot(w), full)
	})
	if !errors.Is(err, full) {
		t.Errorf("the error is %v", err)
	}
	if err := verify(file.Bytes(), k.identities); !errors.Is(err, backup.ErrDamaged) {
		t.Errorf("what was written before is %v", err)
	}
}

func TestOnlyHoldersOfTheMasterKeyMakeBackups(t *testing.T) {
	v, k := stored(3), newKeys(t)
	file := write(t, k.recipients, headerOf(v), v.WriteSnapshot)
	other, err := backup.KeyOf(bytes.Repeat([]byte{8}, 32))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		key  backup.Key
		want error
	}{{key(t), nil}, {other, backup.ErrForeign}} {
		plain, err := backup.Unseal(bytes.NewReader(file), k.identities)
		if err != nil {
			t.Fatal(err)
		}
		c, err := backup.ParseOwn(plain, tt.key)
		if err != nil {
			t.Fatal(err)
		}
		if err := backup.Verify(c); !errors.Is(err, tt.want) {
			t.Errorf("got %v, want %v", err, tt.want)
		}
	}
}
