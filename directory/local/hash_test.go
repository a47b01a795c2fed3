package local

import (
	"strings"
	"testing"
)

// The reference implementation's own vectors (phc-winner-argon2, src/test.c), for version 19.
func TestArgon2idVectors(t *testing.T) {
	for _, c := range []struct{ phc, password string }{
		{"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password"},
		{"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "password"},
		{"$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc", "password"},
		{"$argon2id$v=19$m=65536,t=1,p=1$c29tZXNhbHQ$9qWtwbpyPd3vm1rB1GThgPzZ3/ydHL92zKL+15XZypg", "password"},
		{"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$C4TWUs9rDEvq7w3+J4umqA32aWKB1+DSiRuBfYxFj94", "differentpassword"},
		{"$argon2id$v=19$m=65536,t=2,p=1$ZGlmZnNhbHQ$vfMrBczELrFdWP0ZsfhWsRPaHppYdP3MVEMIVlqoFBw", "password"},
	} {
		h, err := parseHash(c.phc)
		if err != nil {
			t.Errorf("%s: %v", c.phc, err)
			continue
		}
		if !h.fits(c.password) || h.fits(c.password+"x") {
			t.Errorf("%s: does not tell %q from another password", c.phc, c.password)
		}
		if h.String() != c.phc {
			t.Errorf("written as %s, want %s", h, c.phc)
		}
	}
}

func TestHashIsReadBack(t *testing.T) {
	first, err := Hash("wonderland-1")
	if err != nil || !strings.HasPrefix(first, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("Hash = %s, %v", first, err)
	}
	second, err := Hash("wonderland-1")
	if err != nil || first == second {
		t.Errorf("two hashes of one password are the same, or %v", err)
	}
	h, err := parseHash(first)
	if err != nil || !h.fits("wonderland-1") || h.fits("wonderland-2") {
		t.Errorf("%v", err)
	}
	for _, password := range []string{"", "a\x00b"} {
		if _, err := Hash(password); err == nil {
			t.Errorf("Hash(%q) succeeded", password)
		}
	}
}

func TestHashesThatAreRefused(t *testing.T) {
	const salt, key = "c29tZXNhbHQ", "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	for _, text := range []string{
		"", "wonderland-1", "$2y$10$abcdefghijklmnopqrstuu", "$argon2i$v=19$m=256,t=2,p=1$" + salt + "$" + key, "$argon2id$v=16$m=256,t=2,p=1$" + salt + "$" + key,
		"$argon2id$m=256,t=2,p=1$" + salt + "$" + key, "$argon2id$v=19$t=2,m=256,p=1$" + salt + "$" + key, "$argon2id$v=19$m=4294967295,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=256,t=0,p=1$" + salt + "$" + key, "$argon2id$v=19$m=256,t=999999,p=1$" + salt + "$" + key, "$argon2id$v=19$m=256,t=2,p=0$" + salt + "$" + key,
		"$argon2id$v=19$m=1,t=2,p=1$" + salt + "$" + key, "$argon2id$v=19$m=256,t=2,p=1$" + salt + "$", "$argon2id$v=19$m=256,t=2,p=1$$" + key,
		"$argon2id$v=19$m=256,t=2,p=1$" + salt + "$!!", "$argon2id$v=19$m=256,t=2,p=1$" + salt + "$" + key + "$", "$argon2id$v=19$m=-1,t=2,p=1$" + salt + "$" + key,
	} {
		if h, err := parseHash(text); err == nil {
			t.Errorf("%q was read as %v", text, h)
		} else if text != "" && strings.Contains(err.Error(), key) {
			t.Errorf("the error shows the hash: %v", err)
		}
	}
}

// TestR6HashOfADecomposedPassword: hash-password on a terminal that decomposes fits what logins bring, which is
// composed. "²" and wide letters stay what they are.
func TestR6HashOfADecomposedPassword(t *testing.T) {
	for typed, login := range map[string]string{"Gru\u0308\u00dfe-1": "Gr\u00fc\u00dfe-1", "A\u030a": "\u00c5", "x\u00b2": "x\u00b2", "\uff41": "\uff41"} {
		text, err := Hash(typed)
		if err != nil {
			t.Fatal(err)
		}
		h, err := parseHash(text)
		if err != nil || !h.fits(login) {
			t.Errorf("the hash of %+q does not fit %+q: %v", typed, login, err)
		}
	}
}
