package cluster

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"testing"

	"sallyport/login"
)

func testSealer(t *testing.T, key byte) *sealer {
	t.Helper()
	s, err := newSealer(bytes.Repeat([]byte{key}, masterKeySize))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSealedRecordsCannotBeSwapped(t *testing.T) {
	s := testSealer(t, 1)
	name := credentialName("corp:alice", "totp", 1)
	sealed, err := s.seal(name, []byte("JBSWY3DPEHPK3PXP"))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := s.open(name, sealed); err != nil || string(plain) != "JBSWY3DPEHPK3PXP" {
		t.Fatalf("open: %q, %v", plain, err)
	}
	if bytes.Contains(sealed, []byte("JBSWY3DP")) {
		t.Error("the sealed record shows the secret")
	}
	for what, other := range map[string]recordName{
		"another user":      credentialName("corp:bob", "totp", 1),
		"another factor":    credentialName("corp:alice", "sms", 1),
		"another version":   credentialName("corp:alice", "totp", 2),
		"a shifted name":    credentialName("corp:alicet", "otp", 1),
		"a candidate":       candidateName(login.ChallengeID{1}, "corp:alice", "totp"),
		"a key of the ring": stateKeyName(1),
	} {
		if _, err := s.open(other, sealed); !errors.Is(err, errSealed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestSealedCandidatesCannotBeSwapped(t *testing.T) {
	s := testSealer(t, 1)
	id := login.ChallengeID{1}
	sealed, err := s.seal(candidateName(id, "corp:alice", "totp"), []byte("JBSWY3DPEHPK3PXP"))
	if err != nil {
		t.Fatal(err)
	}
	for what, other := range map[string]recordName{
		"another challenge": candidateName(login.ChallengeID{2}, "corp:alice", "totp"),
		"another user":      candidateName(id, "corp:bob", "totp"),
		"another factor":    candidateName(id, "corp:alice", "sms"),
		"a shifted name":    candidateName(id, "corp:alicet", "otp"),
	} {
		if _, err := s.open(other, sealed); !errors.Is(err, errSealed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestDamagedSealsDoNotOpen(t *testing.T) {
	s := testSealer(t, 1)
	name := stateKeyName(1)
	sealed, err := s.seal(name, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		damaged := bytes.Clone(sealed)
		damaged[i] ^= 1
		if _, err := s.open(name, damaged); !errors.Is(err, errSealed) {
			t.Errorf("octet %d flipped: %v", i, err)
		}
		if _, err := s.open(name, sealed[:i]); !errors.Is(err, errSealed) {
			t.Errorf("cut to %d octets: %v", i, err)
		}
	}
}

func TestAnotherMasterKeyIsNamed(t *testing.T) {
	name := stateKeyName(1)
	sealed, err := testSealer(t, 1).seal(name, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := testSealer(t, 2).open(name, sealed); !errors.Is(err, ErrMasterKey) {
		t.Errorf("another master key: %v", err)
	}
}

func TestEverySealIsDifferent(t *testing.T) {
	s := testSealer(t, 1)
	a, errA := s.seal(stateKeyName(1), []byte("secret"))
	b, errB := s.seal(stateKeyName(1), []byte("secret"))
	if errA != nil || errB != nil || bytes.Equal(a, b) {
		t.Errorf("%x and %x (%v, %v)", a, b, errA, errB)
	}
}

func TestMasterKeyFile(t *testing.T) {
	text, err := GenerateMasterKey()
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParseMasterKey(text)
	if err != nil || len(key) != masterKeySize {
		t.Fatalf("ParseMasterKey: %d octets, %v", len(key), err)
	}
	other, err := GenerateMasterKey()
	if err != nil || bytes.Equal(text, other) {
		t.Errorf("two generated keys are equal (%v)", err)
	}
	for name, bad := range map[string]string{
		"empty":     "",
		"no prefix": "AAAA",
		"no base64": masterKeyPrefix + "!!!!secretsecret",
		"too short": masterKeyPrefix + "c2VjcmV0",
	} {
		_, err := ParseMasterKey([]byte(bad))
		if err == nil || bytes.Contains([]byte(err.Error()), []byte("secret")) && name != "no prefix" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestKeysAreThoseOfHKDF holds what is derived: sealed records are read for ever.
func TestKeysAreThoseOfHKDF(t *testing.T) {
	master := bytes.Repeat([]byte{1}, masterKeySize)
	want, err := hkdf.Key(sha256.New, master, []byte("sallyport master key v1"), "record alice", 32)
	if err != nil {
		t.Fatal(err)
	}
	s := testSealer(t, 1)
	for range 2 { // a pooled state is as good as a new one
		if got := s.derive([]byte("record "), []byte("alice")); !bytes.Equal(got[:], want) {
			t.Errorf("%x, want %x", got, want)
		}
	}
}
