package login

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"
)

func testRing(t testing.TB, clusterID string, epoch uint32) *KeyRing {
	t.Helper()
	keys := map[byte][32]byte{1: {1, 2, 3}, 2: {4, 5, 6}}
	r, err := NewKeyRing(clusterID, epoch, keys, 2, [32]byte{7})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func testToken(r *KeyRing) token {
	return token{
		challenge: ChallengeID{1, 2, 3}, handle: r.Handle("corp:1"), client: r.clientTag("vpn"),
		step: StepOTP, factor: r.factorTag("totp"), version: 3, epoch: 4, clusterEpoch: 5,
		password: r.passwordTag("right"), expires: time.Unix(1120, 0), name: r.nameTag("alice"), sequence: 9, flags: flagInvited | 5<<vainShift,
	}
}

func TestStateComesBackAsItWasSealed(t *testing.T) {
	r := testRing(t, "c1", 5)
	for _, step := range stateSteps() {
		want := testToken(r)
		want.step = step
		text, err := r.seal(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.open(text)
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("step %s: got %+v, want %+v", step, got, want)
		}
	}
}

func TestStateIsPrintableAndFitsSmallBuffers(t *testing.T) {
	r := testRing(t, "c1", 5)
	text, err := r.seal(testToken(r))
	if err != nil {
		t.Fatal(err)
	}
	if len(text) != 128 {
		t.Errorf("length %d, want 128", len(text))
	}
	if strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' }) {
		t.Errorf("not printable: %q", text)
	}
	again, err := r.seal(testToken(r))
	if err != nil {
		t.Fatal(err)
	}
	if again == text {
		t.Error("two replies carry the same State")
	}
}

func TestStateAlteredByOneBitIsRefused(t *testing.T) {
	r := testRing(t, "c1", 5)
	text, err := r.seal(testToken(r))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range len(raw) * 8 {
		raw[bit/8] ^= 1 << (bit % 8)
		if _, err := r.open(base64.RawURLEncoding.EncodeToString(raw)); !errors.Is(err, ErrState) {
			t.Fatalf("bit %d flipped: %v", bit, err)
		}
		raw[bit/8] ^= 1 << (bit % 8)
	}
	for n := range len(text) {
		if _, err := r.open(text[:n]); !errors.Is(err, ErrState) {
			t.Fatalf("cut to %d: %v", n, err)
		}
	}
}

func TestStateOfAnotherClusterIsRefused(t *testing.T) {
	r := testRing(t, "c1", 5)
	text, err := r.seal(testToken(r))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := testRing(t, "c2", 5).open(text); !errors.Is(err, ErrState) {
		t.Errorf("got %v", err)
	}
	onlyOld, err := NewKeyRing("c1", 5, map[byte][32]byte{1: {1, 2, 3}}, 1, [32]byte{7})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := onlyOld.open(text); !errors.Is(err, ErrState) {
		t.Errorf("unknown key: got %v", err)
	}
}

func TestTagsCannotBeShiftedBetweenParts(t *testing.T) {
	r := testRing(t, "c1", 5)
	if r.Tag(PurposeToken, []byte("ab"), []byte("c")) == r.Tag(PurposeToken, []byte("a"), []byte("bc")) {
		t.Error("two lists of parts have one tag")
	}
	if r.Tag(PurposeToken, []byte("a")) == r.Tag(PurposeAnswer, []byte("a")) {
		t.Error("two purposes have one tag")
	}
}

func TestKeyRingWithoutItsCurrentKeyIsRefused(t *testing.T) {
	if _, err := NewKeyRing("c", 1, map[byte][32]byte{1: {}}, 2, [32]byte{}); err == nil {
		t.Error("accepted")
	}
}

func FuzzStateDecoder(f *testing.F) {
	r := testRing(f, "c1", 5)
	good, err := r.seal(testToken(r))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add("")
	f.Add(strings.Repeat("A", 128))
	f.Add(good[:127] + "\x00")
	f.Fuzz(func(t *testing.T, state string) {
		tok, err := r.open(state)
		if err != nil {
			if !errors.Is(err, ErrState) {
				t.Fatalf("error %v is not ErrState", err)
			}
			return
		}
		if tok != testToken(r) {
			t.Fatalf("opened a token that was never sealed: %+v", tok)
		}
	})
}
