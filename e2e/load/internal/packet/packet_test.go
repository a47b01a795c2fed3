package packet

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"
)

const secret = "a-shared-secret-of-some-length"

type constant byte

func (c constant) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c)
	}
	return len(p), nil
}

func TestRequestIsReadByAnotherCodec(t *testing.T) {
	c := NewCodec([]byte(secret), "load", constant(7))
	state := bytes.Repeat([]byte("s"), 253)
	for _, password := range []string{"x", strings.Repeat("p", 16), strings.Repeat("q", 127) + "z"} {
		raw := c.Request(make([]byte, MaxRequest), 9, "user000001", password, state)
		p, err := radius.Parse(raw, []byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		if p.Code != radius.CodeAccessRequest || p.Identifier != 9 || rfc2865.UserName_GetString(p) != "user000001" ||
			rfc2865.UserPassword_GetString(p) != password || rfc2865.NASIdentifier_GetString(p) != "load" ||
			!bytes.Equal(rfc2865.State_Get(p), state) {
			t.Errorf("password of %d octets: another codec reads %+v", len(password), p.Attributes)
		}
		if got, want := rfc2869.MessageAuthenticator_Get(p), sign(raw, secret); !bytes.Equal(got, want) {
			t.Errorf("Message-Authenticator = %x, want %x", got, want)
		}
	}
}

// RFC 2865 §7.1: the password "arctangent" under the secret "xyzzy5461".
func TestPasswordIsHiddenAsInTheStandardsExample(t *testing.T) {
	authenticator, _ := hex.DecodeString("0f403f9473978057bd83d5cb98f4227a")
	c := NewCodec([]byte("xyzzy5461"), "", bytes.NewReader(authenticator))
	raw := c.Request(make([]byte, MaxRequest), 0, "nemo", "arctangent", nil)
	want, _ := hex.DecodeString("02120dbe708d93d413ce3196e43f782a0aee")
	if !bytes.Contains(raw, want) {
		t.Errorf("%x does not hold the User-Password %x", raw, want)
	}
}

func TestReplyIsOpened(t *testing.T) {
	c := NewCodec([]byte(secret), "load", constant(7))
	request := c.Request(make([]byte, MaxRequest), 9, "alice", "x", nil)
	for name, test := range map[string]struct {
		change func(raw []byte) []byte
		strict bool
		err    error
	}{
		"as it came":            {change: func(raw []byte) []byte { return raw }, strict: true},
		"with padding":          {change: func(raw []byte) []byte { return append(raw, 0, 0) }, strict: true},
		"one bit turned":        {change: func(raw []byte) []byte { raw[len(raw)-1] ^= 1; return raw }, err: ErrResponse},
		"cut":                   {change: func(raw []byte) []byte { return raw[:len(raw)-1] }, err: ErrMalformed},
		"shorter than a header": {change: func(raw []byte) []byte { return raw[:19] }, err: ErrMalformed},
		"another Identifier":    {change: func(raw []byte) []byte { raw[1]++; return raw }, err: ErrMalformed},
		"signed by another": {
			change: func(raw []byte) []byte { raw[messageAuthenticatorAt] ^= 1; return answer(raw, request) },
			strict: true, err: ErrMessageAuthenticator,
		},
		"signed by another, not asked": {
			change: func(raw []byte) []byte { raw[messageAuthenticatorAt] ^= 1; return answer(raw, request) },
		},
		"not an answer": {change: func(raw []byte) []byte { raw[0] = 5; return answer(raw, request) }, err: ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := c.Open(test.change(challenge(request, "prompt", "some-state", nil)), request, test.strict)
			if !errors.Is(err, test.err) {
				t.Fatalf("error = %v, want %v", err, test.err)
			}
			if err == nil && (r.Code != AccessChallenge || string(r.State) != "some-state" || string(r.Message) != "prompt") {
				t.Errorf("reply = %+v", r)
			}
		})
	}
}

func TestHiddenKeyIsRevealed(t *testing.T) {
	c := NewCodec([]byte(secret), "load", constant(7))
	request := c.Request(make([]byte, MaxRequest), 9, "alice", "x", nil)
	hidden, err := radius.NewTunnelPassword([]byte("JBSWY3DPEHPK3PXP"), []byte{0x81, 2}, []byte(secret), request[4:20])
	if err != nil {
		t.Fatal(err)
	}
	vsa := append([]byte{0, 0, 0x7e, 0xd9, vendorStep, 6, 's', 't', 'e', 'p', vendorSecretKey, byte(2 + len(hidden))}, hidden...)
	r, err := c.Open(challenge(request, "prompt", "s", vsa), request, true)
	if err != nil {
		t.Fatal(err)
	}
	if string(r.Step) != "step" {
		t.Errorf("step = %q", r.Step)
	}
	if key, err := c.Reveal(r, request); err != nil || key != "JBSWY3DPEHPK3PXP" {
		t.Errorf("key = %q, %v", key, err)
	}
}

func FuzzReplyNeverPanics(f *testing.F) {
	c := NewCodec([]byte(secret), "load", constant(7))
	request := append([]byte(nil), c.Request(make([]byte, MaxRequest), 9, "alice", "x", nil)...)
	f.Add([]byte{attrVendorSpecific, 8, 0, 0, 0x7e, 0xd9, 1, 2})
	f.Fuzz(func(t *testing.T, attributes []byte) {
		raw := append(make([]byte, headerLen), attributes...)
		raw[0], raw[1] = AccessChallenge, 9
		if len(raw) > 4096 {
			return
		}
		raw[2], raw[3] = byte(len(raw)>>8), byte(len(raw))
		r, err := c.Open(answer(raw, request), request, false)
		if err == nil && len(r.SecretKey) > 0 {
			c.Reveal(r, request)
		}
	})
}

func BenchmarkLogin(b *testing.B) {
	c := NewCodec([]byte(secret), "load", constant(7))
	buf := make([]byte, MaxRequest)
	reply := challenge(c.Request(buf, 9, "user000001", "password-000001", nil), "Enter your code: ", strings.Repeat("s", 128), nil)
	b.ReportAllocs()
	for b.Loop() {
		for range 2 {
			if _, err := c.Open(reply, c.Request(buf, 9, "user000001", "password-000001", nil), true); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// challenge builds a signed Access-Challenge.
func challenge(request []byte, message, state string, vsa []byte) []byte {
	raw := make([]byte, attributesAt)
	raw[0], raw[1] = AccessChallenge, request[1]
	raw[headerLen], raw[headerLen+1] = attrMessageAuthenticator, 18
	raw = appendString(raw, attrReplyMessage, message)
	raw = appendString(raw, attrState, state)
	if vsa != nil {
		raw = appendString(raw, attrVendorSpecific, string(vsa))
	}
	raw[2], raw[3] = byte(len(raw)>>8), byte(len(raw))
	copy(raw[4:], request[4:headerLen])
	copy(raw[messageAuthenticatorAt:], sign(raw, secret))
	return answer(raw, request)
}

// answer sets the Response Authenticator.
func answer(raw, request []byte) []byte {
	h := md5.New()
	h.Write(raw[:4])
	h.Write(request[4:headerLen])
	h.Write(raw[headerLen:])
	h.Write([]byte(secret))
	h.Sum(raw[:4])
	return raw
}

func sign(raw []byte, secret string) []byte {
	zeroed := append([]byte(nil), raw...)
	copy(zeroed[messageAuthenticatorAt:], make([]byte, md5.Size))
	mac := hmac.New(md5.New, []byte(secret))
	mac.Write(zeroed)
	return mac.Sum(nil)
}
