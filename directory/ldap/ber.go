package ldap

import (
	"encoding/binary"
	"errors"
)

// The tags of LDAP messages (RFC 4511 §4 and appendix B): all of one octet.
const (
	tagBoolean     = 0x01
	tagInteger     = 0x02
	tagOctetString = 0x04
	tagEnumerated  = 0x0a
	tagSequence    = 0x30

	tagBindRequest           = 0x60
	tagBindResponse          = 0x61
	tagSearchRequest         = 0x63
	tagSearchResultEntry     = 0x64
	tagSearchResultDone      = 0x65
	tagSearchResultReference = 0x73
	tagExtendedRequest       = 0x77
	tagExtendedResponse      = 0x78

	tagControls     = 0xa0
	tagSimple       = 0x80 // in a BindRequest
	tagRequestName  = 0x80 // in an ExtendedRequest
	tagPolicyError  = 0x81 // in the response of the password policy control
	longestIntOctet = 4    // LDAP's integers fit 31 bits (RFC 4511 §4.1.1)
)

var errMalformed = errors.New("the server's message cannot be read")

// encoder writes elements in BER, as far as LDAP uses it. The zero value is ready for use.
type encoder struct{ b []byte }

// open begins a constructed element; close, with what it returns, ends it. Lengths that are not known
// yet have four octets, as Windows writes them.
func (e *encoder) open(tag byte) (at int) {
	e.b = append(e.b, tag, 0x84, 0, 0, 0, 0)
	return len(e.b)
}

func (e *encoder) close(at int) { binary.BigEndian.PutUint32(e.b[at-4:], uint32(len(e.b)-at)) }

func (e *encoder) text(tag byte, text string) {
	at := e.open(tag)
	e.b = append(e.b, text...)
	e.close(at)
}

// integer writes a number that is not negative and fits 31 bits.
func (e *encoder) integer(tag byte, n int) {
	e.b = binary.BigEndian.AppendUint32(append(e.b, tag, 4), uint32(n))
}

func (e *encoder) boolean(b bool) {
	octet := byte(0)
	if b {
		octet = 0xff
	}
	e.b = append(e.b, tagBoolean, 1, octet)
}

// element takes the first element off b. LDAP has lengths in the definite form only (RFC 4511 §5.1);
// that the long form is used for short lengths as well is common.
func element[T []byte | string](b T) (tag byte, value, rest T, err error) {
	size, head, ok := length(b)
	if !ok || size > len(b)-head {
		return 0, value, rest, errMalformed
	}
	return b[0], b[head : head+size], b[head+size:], nil
}

// expect is element where there must be one with that tag.
func expect[T []byte | string](b T, tag byte) (value, rest T, err error) {
	got, value, rest, err := element(b)
	if err == nil && got != tag {
		err = errMalformed
	}
	return value, rest, err
}

// length reads the head of an element, its tag and its length. It is not ok when b ends within the head,
// or when the length is not one of LDAP's.
func length[T []byte | string](b T) (size, head int, ok bool) {
	if len(b) < 2 {
		return 0, 0, false
	}
	if b[1] < 0x80 {
		return int(b[1]), 2, true
	}
	head = 2 + int(b[1]&0x7f)
	if head == 2 || head > 2+longestIntOctet || len(b) < head {
		return 0, 0, false
	}
	for _, octet := range []byte(b[2:head]) {
		size = size<<8 | int(octet)
	}
	return size, head, size >= 0
}

// integer reads the value of an INTEGER or ENUMERATED that fits 32 bits.
func integer[T []byte | string](value T) (n int, err error) {
	if len(value) == 0 || len(value) > longestIntOctet {
		return 0, errMalformed
	}
	n = int(int8(value[0]))
	for _, octet := range []byte(value[1:]) {
		n = n<<8 | int(octet)
	}
	return n, nil
}
