package totp

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp"

	"sallyport/login"
)

// rfcKey is the shared secret K of both standards' examples for SHA-1.
var rfcKey = record{key: []byte("12345678901234567890")}

func newFactor(t testing.TB) *Factor {
	t.Helper()
	f, err := New(Config{Issuer: "Corp"})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func verify(t *testing.T, at time.Time, memo []byte, answer string) login.Finding {
	t.Helper()
	found, err := newFactor(t).Verify(context.Background(), at, login.User{},
		login.Credential{Record: rfcKey.marshal(), Memo: memo}, answer)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// RFC 4226 appendix D: the HOTP values of counters 0 to 9.
func TestRFC4226AppendixD(t *testing.T) {
	for counter, want := range []string{
		"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489",
	} {
		got, err := rfcKey.codeAt(int64(counter))
		if err != nil || got != want {
			t.Errorf("counter %d: got %s, %v; want %s", counter, got, err, want)
		}
	}
}

// RFC 6238 appendix B, SHA-1. The standard shows 8 digits; 6 digits are their last six (RFC 4226 §5.3).
func TestRFC6238AppendixB(t *testing.T) {
	for _, c := range []struct {
		unix int64
		step uint64
		totp string
	}{
		{59, 0x1, "94287082"},
		{1111111109, 0x23523EC, "07081804"},
		{1111111111, 0x23523ED, "14050471"},
		{1234567890, 0x273EF07, "89005924"},
		{2000000000, 0x3F940AA, "69279037"},
		{20000000000, 0x27BC86AA, "65353130"},
	} {
		t.Run(fmt.Sprint(c.unix), func(t *testing.T) {
			if got := verify(t, time.Unix(c.unix, 0), nil, c.totp[2:]); got.Number != c.step {
				t.Errorf("step %#x, want %#x", got.Number, c.step)
			}
		})
	}
}

func TestWindowIsOneStepEachWay(t *testing.T) {
	at := time.Unix(1111111111, 0)
	clock := at.Unix() / 30
	for offset := int64(-4); offset <= 4; offset++ {
		code, err := rfcKey.codeAt(clock + offset)
		if err != nil {
			t.Fatal(err)
		}
		found := verify(t, at, nil, code)
		if inside := offset >= -1 && offset <= 1; inside != (found.Number == uint64(clock+offset)) {
			t.Errorf("offset %d: step %d", offset, found.Number)
		}
	}
}

func TestDriftIsLearnedAndBounded(t *testing.T) {
	at := time.Unix(1111111111, 0)
	clock := at.Unix() / 30
	var memo []byte
	// A phone whose clock runs ahead is followed a step at a time, and never beyond MaxDrift.
	for _, c := range []struct {
		offset int64
		found  bool
		drift  int64
	}{{1, true, 1}, {2, true, 2}, {3, true, 2}, {4, false, 2}, {1, true, 1}, {0, true, 0}, {-1, true, -1}} {
		code, err := rfcKey.codeAt(clock + c.offset)
		if err != nil {
			t.Fatal(err)
		}
		found := verify(t, at, memo, code)
		if (found.Number == uint64(clock+c.offset)) != c.found {
			t.Fatalf("offset %d with drift %d: step %d, clock %d", c.offset, driftOf(memo), found.Number, clock)
		}
		if c.found {
			memo = found.Memo
		}
		if driftOf(memo) != c.drift {
			t.Errorf("offset %d: drift %d, want %d", c.offset, driftOf(memo), c.drift)
		}
	}
}

func TestOnlyTheCodeItselfIsUnderstood(t *testing.T) {
	at := time.Unix(1111111111, 0) // 050471
	for _, good := range []string{"050471", "050 471", " 050471 ", "050-471", "٠٥٠٤٧١", "۰۵۰۴۷۱", "０５０４７１", "०५०४७१", "050471\u200b", "050\u2011471"} {
		if verify(t, at, nil, good).Number == 0 {
			t.Errorf("%q is refused", good)
		}
	}
	for _, bad := range []string{
		"", "0", "50471", "14050471", "0504711", "050472", "+50471", "-050471x", "0x50471", "05047l", "050471\x00",
		"050471050471", "５０４７１０", "५०४७१०", "①50471", "05047²",
	} {
		if verify(t, at, nil, bad).Number != 0 {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestUnreadableRecordIsAnErrorNotAWrongCode(t *testing.T) {
	f := newFactor(t)
	for _, rec := range [][]byte{nil, {}, {1}, append([]byte{9}, rfcKey.key...), {1, 2, 3}} {
		if _, err := f.Verify(context.Background(), time.Unix(59, 0), login.User{}, login.Credential{Record: rec}, "287082"); err == nil {
			t.Errorf("record %v: no error", rec)
		}
		if _, err := f.Registration(context.Background(), login.User{}, rec); err == nil {
			t.Errorf("record %v: shown", rec)
		}
	}
}

func TestRegistrationShowsTheKeyTwoWays(t *testing.T) {
	f := newFactor(t)
	u := login.User{Name: "alice liddell"}
	rec, err := f.NewRecord(context.Background(), u)
	if err != nil {
		t.Fatal(err)
	}
	p, err := f.Registration(context.Background(), u, rec)
	if err != nil {
		t.Fatal(err)
	}
	typed, err := ParseKey(p.SecretKey.Reveal())
	if err != nil || string(typed) != string(rec) {
		t.Errorf("the key shown is not the key stored: %v", err)
	}
	uri, err := url.Parse(p.OTPAuthURI.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	q := uri.Query()
	scanned, err := ParseKey(q.Get("secret"))
	if err != nil || string(scanned) != string(rec) {
		t.Errorf("the key in the URI is not the key stored: %v", err)
	}
	if uri.Scheme != "otpauth" || uri.Host != "totp" || uri.Path != "/Corp:alice liddell" ||
		q.Get("issuer") != "Corp" || q.Get("digits") != "6" || q.Get("period") != "30" || q.Get("algorithm") != "SHA1" {
		t.Errorf("URI parts: %s %s %s", uri.Scheme, uri.Host, uri.Path)
	}
	if other, err := f.NewRecord(context.Background(), u); err != nil || string(other) == string(rec) {
		t.Errorf("two candidates share a key: %v", err)
	}
}

// TestD11KeyURIsAreReadAgain: by a library for it, and by the rules of the key URI format: percent signs, no
// plus sign, label and issuer agree.
func TestD11KeyURIsAreReadAgain(t *testing.T) {
	for _, issuer := range []string{"Corp", "Müller & Söhne Login", "A+B = C?", "a/b#c;d,e", "شركة", "Łódź  VPN", "\"quoted\" <x>", "100$ @home", " padded "} {
		for _, name := range []string{"alice", "alice liddell", "alice@corp.example", "a+b&c=d", "CORP\\älice", "a:b", "x/y?z#", "علي"} {
			f, err := New(Config{Issuer: issuer})
			if err != nil {
				t.Fatal(err)
			}
			u := login.User{Name: name}
			rec, err := f.NewRecord(t.Context(), u)
			if err != nil {
				t.Fatal(err)
			}
			p, err := f.Registration(t.Context(), u, rec)
			if err != nil {
				t.Fatal(err)
			}
			uri := p.OTPAuthURI.Reveal()
			key, err := otp.NewKeyFromURL(uri)
			if err != nil {
				t.Fatalf("%q: %v", uri, err)
			}
			wantIssuer, wantName := strings.TrimSpace(issuer), strings.ReplaceAll(name, ":", "")
			if key.Issuer() != wantIssuer || key.AccountName() != wantName || key.Secret() != strings.ReplaceAll(p.SecretKey.Reveal(), " ", "") ||
				key.Type() != "totp" || key.Period() != 30 || key.Digits() != 6 || p.Issuer != wantIssuer {
				t.Errorf("%q: issuer %q, account %q", uri, key.Issuer(), key.AccountName())
			}
			if rest, _, _ := strings.Cut(uri, "?"); strings.ContainsAny(uri, "+ ") || strings.Count(rest, "/") != 3 || strings.ContainsFunc(uri, func(r rune) bool { return r > '~' }) {
				t.Errorf("%q holds what apps read otherwise", uri)
			}
			label, query, _ := strings.Cut(strings.TrimPrefix(uri, "otpauth://totp/"), "?")
			prefix, _, _ := strings.Cut(label, ":")
			if !strings.Contains(query, "&issuer="+prefix+"&") {
				t.Errorf("%q: label and issuer do not agree", uri)
			}
		}
	}
}

// TestD14CodesOfAClockThatIsOff: refused, and the time at which they would be right is told.
func TestD14CodesOfAClockThatIsOff(t *testing.T) {
	at := time.Unix(1111111111, 0)
	clock := at.Unix() / 30
	for off := int64(-20); off <= 20; off++ {
		code, err := rfcKey.codeAt(clock + off)
		if err != nil {
			t.Fatal(err)
		}
		found := verify(t, at, nil, code)
		want := login.Near{}
		if inside := off >= -1 && off <= 1; !inside && off >= -StepsTold && off <= StepsTold {
			want = login.Near{Number: uint64(clock + off), Ahead: time.Duration(off) * TimeStep}
		} else if !inside && found.Number != 0 {
			t.Errorf("%d steps off is accepted", off)
		}
		if found.Near != want {
			t.Errorf("%d steps off: %+v, want %+v", off, found.Near, want)
		}
	}
	for near, want := range map[login.Near]string{
		{}:                                    "",
		{Number: 1, Ahead: -90 * time.Second}: "this code would be right 90 seconds ago",
		{Number: 1, Ahead: 2 * time.Minute}:   "this code would be right 120 seconds ahead",
	} {
		if got, _, _ := strings.Cut(near.String(), ":"); got != want {
			t.Errorf("%+v is told as %q", near, got)
		}
	}
}

func TestParseKey(t *testing.T) {
	want, err := ParseKey("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseKey("jbsw y3dp-ehpk 3pxp jbsw y3dp ehpk 3pxp")
	if err != nil || string(got) != string(want) {
		t.Errorf("spelling matters: %v", err)
	}
	for _, bad := range []string{"", "JBSWY3DPEHPK3PXP", "0189", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PX!"} {
		if _, err := ParseKey(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestIssuerThatBreaksTheLabelIsRefused(t *testing.T) {
	for _, issuer := range []string{"a:b", "a%b", "a\nb"} {
		if _, err := New(Config{Issuer: issuer}); err == nil {
			t.Errorf("%q is accepted", issuer)
		}
	}
}

func BenchmarkVerifyWrongCode(b *testing.B) {
	f := newFactor(b)
	c := login.Credential{Record: rfcKey.marshal()}
	at := time.Unix(1111111111, 0)
	for b.Loop() {
		if found, err := f.Verify(context.Background(), at, login.User{}, c, "000000"); err != nil || found.Number != 0 {
			b.Fatal(found, err)
		}
	}
}
