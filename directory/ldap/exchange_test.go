package ldap

import (
	"bufio"
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// hearing is a connection that has asked its first question, and on which a server then says this.
func hearing(said []byte) *conn {
	return &conn{id: 1, in: bufio.NewReader(bytes.NewReader(said))}
}

// answering encodes a message with go-ldap's library.
func answering(id int, op *ber.Packet, more ...*ber.Packet) []byte {
	p := ber.NewSequence("")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, ""))
	p.AppendChild(op)
	for _, m := range more {
		p.AppendChild(m)
	}
	return p.Bytes()
}

func result(application ber.Tag, code int, matched, words string) *ber.Packet {
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, application, nil, "")
	op.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, code, ""))
	for _, text := range []string{matched, words} {
		op.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, text, ""))
	}
	return op
}

func TestAResultIsReadAsGoLDAPReadsIt(t *testing.T) {
	for _, code := range []int{ldap.LDAPResultSuccess, ldap.LDAPResultInvalidCredentials, ldap.LDAPResultBusy, 123, 199} {
		said := answering(1, result(ldap.ApplicationBindResponse, code, "dc=test", "some words"))
		a, err := hearing(said).receive()
		if err != nil || a.tag != tagBindResponse {
			t.Fatalf("receive = %#x, %v", a.tag, err)
		}
		packet, err := ber.DecodePacketErr(said)
		if err != nil {
			t.Fatal(err)
		}
		var want, got *ldap.Error
		if errors.As(ldap.GetLDAPError(packet), &want) != errors.As(a.result(), &got) {
			t.Fatalf("code %d: %v, want %v", code, a.result(), want)
		}
		if want != nil && (got.Error() != want.Error() || got.MatchedDN != want.MatchedDN) {
			t.Errorf("code %d: %v, matched %q; want %v, %q", code, got, got.MatchedDN, want, want.MatchedDN)
		}
	}
}

func TestLengthsMayHaveTheLongForm(t *testing.T) {
	short := "\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00"
	for name, said := range map[string]string{
		"short form":         "\x30\x0c" + short,
		"one octet":          "\x30\x81\x0c" + short,
		"Active Directory's": "\x30\x84\x00\x00\x00\x10\x02\x01\x01\x61\x84\x00\x00\x00\x07\x0a\x01\x00\x04\x00\x04\x00",
	} {
		a, err := hearing([]byte(said)).receive()
		if err == nil {
			err = a.result()
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatIsNoAnswerIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ said, want string }{
		"to another question": {"\x30\x0c\x02\x01\x02\x61\x07\x0a\x01\x00\x04\x00\x04\x00", "message 2 answers no question"},
		"a notice":            {"\x30\x11\x02\x01\x00\x78\x0c\x0a\x01\x34\x04\x00\x04\x05later", `result code 52: "later"`},
		"five octets of it":   {"\x30\x85\x00\x00\x00\x00\x05\x02\x01\x01\x61\x00", "cannot be read"},
		"no length":           {"\x30\x80\x02\x01\x01\x61\x00\x00\x00", "cannot be read"},
		"not a message":       {"\x31\x05\x02\x01\x01\x61\x00", "cannot be read"},
		"too large":           {"\x30\x84\x00\x10\x00\x01", "larger than 1 MiB"},
		"a huge length":       {"\x30\x84\xff\xff\xff\xff", "larger than 1 MiB"},
		"broken off":          {"\x30\x0c\x02\x01\x01", "unexpected EOF"},
		"closed":              {"", "closed the connection"},
	} {
		if _, err := hearing([]byte(c.said)).receive(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestTheWordsOfAPasswordPolicy(t *testing.T) {
	const behera = "\x04\x191.3.6.1.4.1.42.2.27.8.5.1"
	list := func(control string) string { return "\x30" + string(rune(len(control))) + control }
	for name, c := range map[string]struct {
		controls string
		want     policyWords
	}{
		"none":                      {"", policyWords{}},
		"account locked":            {list(behera + "\x04\x05\x30\x03\x81\x01\x01"), policyWords{hasError: true, error: 1}},
		"critical":                  {list(behera + "\x01\x01\xff\x04\x05\x30\x03\x81\x01\x00"), policyWords{hasError: true}},
		"a warning before an error": {list(behera + "\x04\x0a\x30\x08\xa0\x03\x81\x01\x02\x81\x01\x02"), policyWords{hasError: true, error: 2}},
		"a warning alone":           {list(behera + "\x04\x07\x30\x05\xa0\x03\x80\x01\x3c"), policyWords{}},
		"without a value":           {list(behera), policyWords{}},
		"an empty value":            {list(behera + "\x04\x02\x30\x00"), policyWords{}},
		"must change":               {list("\x04\x17" + ldap.ControlTypeVChuPasswordMustChange + "\x04\x010"), policyWords{mustChange: true}},
		"another control":           {list("\x04\x071.2.3.4\x04\x010"), policyWords{}},
	} {
		if got, err := readPolicy([]byte(c.controls)); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, c.want)
		}
	}
	if _, err := readPolicy([]byte(list(behera + "\x04\x05\x30\x03\x81\x01"))); err == nil {
		t.Error("a control that is cut short is read")
	}
}

func FuzzAnswers(f *testing.F) {
	entry := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldap.ApplicationSearchResultEntry, nil, "")
	entry.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, "uid=alice", ""))
	entry.AppendChild(ber.NewSequence(""))
	f.Add(answering(1, entry))
	f.Add(answering(1, result(ldap.ApplicationBindResponse, 49, "", "data 52e")))
	f.Add([]byte("\x30\x84\x00\x00\x00\x10\x02\x01\x01\x61\x84\x00\x00\x00\x07\x0a\x01\x00\x04\x00\x04\x00"))
	f.Add([]byte("\x30\x2e\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00\xa0\x20\x30\x1e\x04\x191.3.6.1.4.1.42.2.27.8.5.1\x04\x01\x30"))
	f.Fuzz(func(t *testing.T, said []byte) {
		a, err := hearing(said).receive()
		if err != nil {
			return
		}
		if len(a.body)+len(a.controls) > len(said) {
			t.Fatalf("more was read than the server said: %d octets", len(a.body)+len(a.controls))
		}
		if err := a.result(); err == nil && (len(a.body) < 7 || a.body[0] != tagEnumerated) {
			t.Fatalf("% x was taken for success", a.body)
		}
		if words, err := readPolicy(a.controls); err == nil && words.hasError && len(a.controls) == 0 {
			t.Fatal("an error without a control")
		}
		read, err := readEntry(string(a.body))
		if err == nil && !bytes.Contains(said, []byte(read.DN)) {
			t.Fatalf("the name %q does not stand in what the server said", read.DN)
		}
	})
}

func TestAnEntryIsReadWithAllItsValues(t *testing.T) {
	var e encoder
	e.text(tagOctetString, "uid=alice,dc=test")
	list := e.open(tagSequence)
	for _, a := range [][]string{{"mail", "alice@example.test"}, {"memberOf", "cn=a", "cn=b"}, {"empty"}} {
		attribute := e.open(tagSequence)
		e.text(tagOctetString, a[0])
		set := e.open(0x31)
		for _, value := range a[1:] {
			e.text(tagOctetString, value)
		}
		e.close(set)
		e.close(attribute)
	}
	e.close(list)
	entry, err := readEntry(string(e.b))
	if err != nil || entry.DN != "uid=alice,dc=test" || len(entry.Attributes) != 3 {
		t.Fatalf("readEntry = %+v, %v", entry, err)
	}
	if got := entry.GetEqualFoldAttributeValues("MEMBEROF"); !slices.Equal(got, []string{"cn=a", "cn=b"}) {
		t.Errorf("memberOf = %q", got)
	}
	for cut := range len(e.b) {
		if _, err := readEntry(string(e.b[:cut])); err == nil {
			t.Errorf("an entry that ends after %d octets is read", cut)
		}
	}
}
