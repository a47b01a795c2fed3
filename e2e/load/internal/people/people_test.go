package people

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

const rfcKey = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" // RFC 6238 appendix B

func newRange(t *testing.T, cfg Config) *Range {
	t.Helper()
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func next(t *testing.T, r *Range, at int64) Visit {
	t.Helper()
	v, err := r.Next(time.Unix(at, 0))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestUsersAreNumbered(t *testing.T) {
	r := newRange(t, Config{First: 7, Count: 2, User: "user%06d", Password: "everyone's"})
	for _, want := range []string{"user000007", "user000008"} {
		if v := next(t, r, 0+30); v.User() != want || v.Password() != "everyone's" {
			t.Errorf("user %q with %q, want %q", v.User(), v.Password(), want)
		}
	}
}

func TestPatternsThatMakeNoSenseAreRefused(t *testing.T) {
	for _, cfg := range []Config{
		{Count: 1, User: "%s", Password: "x"},
		{Count: 1, User: "x", Password: "%d-%d"},
		{Count: 0, User: "x", Password: "x"},
		{First: -1, Count: 1, User: "x", Password: "x"},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%+v was taken", cfg)
		}
	}
}

// The last six digits of RFC 6238 appendix B.
func TestCodesAreThoseOfTheStandard(t *testing.T) {
	r := newRange(t, Config{Count: 1, User: "a", Password: "b", Keys: Keys{Shared: rfcKey}})
	for _, vector := range []struct {
		at   int64
		want string
	}{{59, "287082"}, {1111111109, "081804"}, {20000000000, "353130"}} {
		v := next(t, r, vector.at)
		if code, err := v.Code(time.Unix(vector.at, 0)); err != nil || code != vector.want {
			t.Errorf("at %d: code %q, %v, want %q", vector.at, code, err, vector.want)
		}
	}
}

func TestAStepIsUsedOncePerUser(t *testing.T) {
	r := newRange(t, Config{Count: 2, User: "user%d", Password: "x", Keys: Keys{Shared: rfcKey}})
	first := next(t, r, 59)
	next(t, r, 59)
	if _, err := r.Next(time.Unix(59, 0)); !errors.Is(err, ErrExhausted) {
		t.Fatalf("third login of two users in one step: %v, want ErrExhausted", err)
	}
	next(t, r, 60) // the second user, whose turn it is
	again := next(t, r, 60)
	if again.User() != first.User() {
		t.Fatalf("the circle gives %s, want %s", again.User(), first.User())
	}
	late, err := first.Code(time.Unix(60, 0))
	if err != nil || late != "287082" {
		t.Errorf("a login overtaken by the next of the same user sends %q, %v, want its own step's code", late, err)
	}
	code, err := again.Code(time.Unix(89, 0))
	if err != nil || code == late {
		t.Errorf("two logins send the same code %q, %v", code, err)
	}
}

func TestASlowLoginClaimsTheStepInWhichItAnswers(t *testing.T) {
	r := newRange(t, Config{Count: 1, User: "a", Password: "x", Keys: Keys{Shared: rfcKey}})
	v := next(t, r, 1111111078)
	if code, err := v.Code(time.Unix(1111111109, 0)); err != nil || code != "081804" {
		t.Errorf("code = %q, %v", code, err)
	}
	if _, err := r.Next(time.Unix(1111111109, 0)); !errors.Is(err, ErrExhausted) {
		t.Errorf("the step that was answered in is free: %v", err)
	}
}

func TestKeysComeFromFileSeedOrOneForAll(t *testing.T) {
	k := Keys{File: map[string]string{"a": "AAAA"}, Seed: "seed"}
	if k.key("a") != "AAAA" || k.key("b") == k.key("c") || len(k.key("b")) != 32 || CheckKey(k.key("b")) != nil {
		t.Errorf("keys %q %q %q", k.key("a"), k.key("b"), k.key("c"))
	}
}

func TestKeysSurviveTheirFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	none, err := ReadKeys(file)
	if err != nil || len(none) != 0 {
		t.Fatalf("no file: %v, %v", none, err)
	}
	r := newRange(t, Config{Count: 2, User: "user%d", Password: "x"})
	next(t, r, 59).SetKey(rfcKey)
	if err := WriteKeys(file, r, map[string]string{"other": "AAAABBBB"}); err != nil {
		t.Fatal(err)
	}
	keys, err := ReadKeys(file)
	if err != nil || len(keys) != 2 || keys["user0"] != rfcKey || keys["other"] != "AAAABBBB" {
		t.Errorf("keys = %v, %v", keys, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(file, []byte("user0 not-base32\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadKeys(file); err == nil {
		t.Error("a bad key was taken")
	}
}

func TestKeyIsFoundInAPrompt(t *testing.T) {
	for prompt, want := range map[string]string{
		"Add this key to your app: JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP. Then type the code: ": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
		"Key JBSWY3DPEHPK3PXP, code:": "JBSWY3DPEHPK3PXP",
		"JBSW Y3DP EHPK 3PXP JB then": "JBSWY3DPEHPK3PXPJB",
		"Enter your code:":            "",
		"A KEY TO ENTER":              "",
	} {
		if got := FindKey(prompt); got != want {
			t.Errorf("in %q: %q, want %q", prompt, got, want)
		}
	}
}
