package backup_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"sallyport/cluster/backup"
)

func TestTheWrongKeyIsToldFromDamage(t *testing.T) {
	v, k, other := stored(1), newKeys(t), newKeys(t)
	r, err := backup.PassphraseRecipient("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	passphrase, err := backup.PassphraseIdentity("wrong")
	if err != nil {
		t.Fatal(err)
	}
	toKey := write(t, k.recipients, headerOf(v), v.WriteSnapshot)
	toPassphrase := write(t, []age.Recipient{r}, headerOf(v), v.WriteSnapshot)
	for _, tt := range []struct {
		name string
		file []byte
		with age.Identity
		say  string
	}{
		{"another key", toKey, other.identities[0], "none of the identities"},
		{"a passphrase for a key", toKey, passphrase, "sealed to a key, not with a passphrase"},
		{"a key for a passphrase", toPassphrase, other.identities[0], "sealed with a passphrase, not to a key"},
		{"another passphrase", toPassphrase, passphrase, "not the one that it was sealed with"},
	} {
		err := verify(tt.file, []age.Identity{tt.with})
		if !errors.Is(err, backup.ErrKey) || errors.Is(err, backup.ErrDamaged) || !strings.Contains(err.Error(), tt.say) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	both := append(other.identities, k.identities...)
	if err := verify(toKey, both); err != nil {
		t.Errorf("the right one among others: %v", err)
	}
}

func TestRecipientsArePublicKeys(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	public := id.Recipient().String()
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := backup.ParseRecipients([]string{public, public}); err != nil || len(got) != 2 {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := backup.ParseRecipients([]string{hybrid.Recipient().String()}); err != nil {
		t.Errorf("a hybrid key: %v", err)
	}
	for _, bad := range []string{"", "# " + public, public[:20], public + "x", "ssh-ed25519 AAAA", public + "\n" + public} {
		if _, err := backup.ParseRecipients([]string{public, bad}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	_, err = backup.ParseRecipients([]string{id.String()})
	if err == nil || strings.Contains(err.Error(), id.String()[20:30]) {
		t.Errorf("a secret key for a recipient: %v", err)
	}
}

func TestIdentitiesAndPassphrasesAreReadFromFiles(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		text string
		ids  int
		pass string
	}{
		"of age-keygen":    {"# created: today\n# public key: age1\n" + id.String() + "\n", 1, ""},
		"two":              {id.String() + "\n\n" + id.String(), 2, ""},
		"a passphrase":     {"canary horse battery\n", 0, "canary horse battery"},
		"of another world": {"canary\r\n", 0, "canary"},
		"nothing":          {"\n", 0, ""},
		"R9/a mark":        {"\xef\xbb\xbfcanary\r\n", 0, "canary"},
		"R9/UTF-16":        {"\xff\xfec\x00a\x00n\x00", 0, ""},
		"R9/a NUL":         {"canary\x00", 0, ""},
		"lines":            {"canary\ncanary\n", 0, ""},
		"large":            {strings.Repeat("canary", 11000), 0, ""},
	} {
		ids, idErr := backup.ReadIdentities(strings.NewReader(tt.text))
		if len(ids) != tt.ids || (idErr == nil) != (tt.ids > 0) {
			t.Errorf("%s: %d identities, %v", name, len(ids), idErr)
		}
		pass, passErr := backup.ReadPassphrase(strings.NewReader(tt.text))
		if tt.ids == 0 && (pass != tt.pass || (passErr == nil) != (tt.pass != "")) {
			t.Errorf("%s: passphrase %q, %v", name, pass, passErr)
		}
		for _, err := range []error{idErr, passErr} {
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("%s is quoted: %v", name, err)
			}
		}
	}
}

func TestAShortPassphraseIsRefused(t *testing.T) {
	if _, err := backup.PassphraseRecipient("only 15 octets!"); err == nil || !strings.Contains(err.Error(), "at least 16") {
		t.Errorf("got %v", err)
	}
}

// failing is a disk that gives up.
type failing struct{}

func (failing) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: "backup.age", Err: fs.ErrPermission}
}

func TestADiskThatFailsIsNoDamage(t *testing.T) {
	_, err := backup.Open(failing{}, newKeys(t).identities)
	if errors.Is(err, backup.ErrDamaged) || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v", err)
	}
}

// TestABackupOfAnEarlierReleaseIsVerified holds the format: the file is never changed.
func TestABackupOfAnEarlierReleaseIsVerified(t *testing.T) {
	secret, err := os.Open(filepath.Join("testdata", "identity"))
	if err != nil {
		t.Fatal(err)
	}
	defer secret.Close()
	identities, err := backup.ReadIdentities(secret)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join("testdata", "backup-1.age"))
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(file, identities); err != nil {
		t.Error(err)
	}
}
