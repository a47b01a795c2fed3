package radius

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
)

var rfcKey = newSigner("xyzzy5461")

// vectors reads testdata/vectors.txt: a name and hexadecimal octets on each line.
func vectors(t *testing.T) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.txt")
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string][]byte)
	for line := range strings.Lines(string(text)) {
		name, octets, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "" || name == "#" {
			continue
		}
		if found[name], err = hex.DecodeString(strings.ReplaceAll(octets, " ", "")); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return found
}

func TestRFC2865Passwords(t *testing.T) {
	v := vectors(t)
	for name, want := range map[string]string{"7.1-request": "arctangent", "7.3-request": "challenge", "7.3-answer": "99101462"} {
		p, err := codec.Parse(v[name], rfcKey.secret)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := revealPassword(p.Get(rfc2865.UserPassword_Type), p.Secret, p.Authenticator)
		if err != nil || string(got) != want {
			t.Errorf("%s: password %q (%v), want %q", name, got, err, want)
		}
	}
}

func TestRFC2865Replies(t *testing.T) {
	v := vectors(t)
	for reply, request := range map[string]string{"7.1-accept": "7.1-request", "7.3-challenge": "7.3-request", "7.3-reject": "7.3-answer"} {
		sum := rfcKey.responseAuthenticator(v[reply], authenticatorOf(v[request]))
		if !bytes.Equal(sum[:], v[reply][4:20]) {
			t.Errorf("%s: Response Authenticator %x, want %x", reply, sum, v[reply][4:20])
		}
		if _, _, err := verify(rfcKey, v[request], v[reply], false); err != nil {
			t.Errorf("%s: %v", reply, err)
		}
		if _, _, err := verify(rfcKey, v[request], v[reply], true); err != errMissingSignature {
			t.Errorf("%s has no Message-Authenticator, yet: %v", reply, err)
		}
	}
}

func TestRFC2865ChallengeIsWhatTheExampleSays(t *testing.T) {
	v := vectors(t)
	packet, o, err := verify(rfcKey, v["7.3-request"], v["7.3-challenge"], false)
	if err != nil {
		t.Fatal(err)
	}
	r, err := decode(rfcKey, v["7.3-request"], packet, o, DefaultVendorID)
	if err != nil {
		t.Fatal(err)
	}
	if r.Message != "Challenge 32769430.  Enter response at prompt." || r.State != "32769430" {
		t.Errorf("message %q, state %q", r.Message, r.State)
	}
}

func TestRFC5997StatusServer(t *testing.T) {
	v := vectors(t)
	o, why := read(v["status-request"])
	if why != "" || !rfcKey.validMessageAuthenticator(v["status-request"], o.auth, o.ma) {
		t.Errorf("the Message-Authenticator of RFC 5997 does not verify (%q)", why)
	}
	if _, _, err := verify(rfcKey, v["status-request"], v["status-accept"], false); err != nil {
		t.Error(err)
	}
}
