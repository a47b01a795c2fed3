package packet

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"errors"
)

// What is wrong with a reply. A client drops such a reply as if it had never come.
var (
	ErrMalformed            = errors.New("malformed reply")
	ErrResponse             = errors.New("wrong Response Authenticator: not from this server, or another shared secret")
	ErrMessageAuthenticator = errors.New("Message-Authenticator absent, not first or wrong")
)

// Reply is what a login needs of a reply. Its slices point into the datagram and live as long as it.
type Reply struct {
	// Code is AccessAccept, AccessReject or AccessChallenge.
	Code byte
	// State is empty when there is none.
	State []byte
	// Message is the first Reply-Message.
	Message []byte
	// Step and Verdict are Sallyport-Step and Sallyport-Code, for clients that are sent them.
	Step, Verdict []byte
	// SecretKey holds each Sallyport-Secret-Key as it came, hidden; see [Codec.Reveal].
	SecretKey [][]byte
}

// Open checks that datagram answers request (which begins with the 20 octets of the request's
// header) and reads it. The Response Authenticator is always checked, as every client does; with
// strict, Message-Authenticator must also be there, be the first attribute and be right.
func (c *Codec) Open(datagram, request []byte, strict bool) (Reply, error) {
	if len(datagram) < headerLen {
		return Reply{}, ErrMalformed
	}
	length := int(binary.BigEndian.Uint16(datagram[2:]))
	if length < headerLen || length > len(datagram) || datagram[1] != request[1] {
		return Reply{}, ErrMalformed
	}
	datagram = datagram[:length] // what follows is padding (RFC 2865 §3)
	authenticator := request[4:headerLen]
	sum := c.hash(datagram[:4], authenticator, datagram[headerLen:], c.secret)
	if !hmac.Equal(sum, datagram[4:headerLen]) {
		return Reply{}, ErrResponse
	}
	if strict && !c.signed(datagram, authenticator) {
		return Reply{}, ErrMessageAuthenticator
	}
	return read(datagram)
}

// signed tells whether the first attribute is a right Message-Authenticator (RFC 3579 §3.2).
func (c *Codec) signed(datagram, authenticator []byte) bool {
	if len(datagram) < attributesAt || datagram[headerLen] != attrMessageAuthenticator ||
		datagram[headerLen+1] != attrHeaderLen+md5.Size {
		return false
	}
	var zero [md5.Size]byte
	c.mac.Reset()
	c.mac.Write(datagram[:4])
	c.mac.Write(authenticator)
	c.mac.Write(datagram[headerLen:messageAuthenticatorAt])
	c.mac.Write(zero[:])
	c.mac.Write(datagram[attributesAt:])
	return hmac.Equal(c.mac.Sum(c.sum[:0]), datagram[messageAuthenticatorAt:attributesAt])
}

func read(datagram []byte) (Reply, error) {
	r := Reply{Code: datagram[0]}
	switch r.Code {
	case AccessAccept, AccessReject, AccessChallenge:
	default:
		return Reply{}, ErrMalformed
	}
	for rest := datagram[headerLen:]; len(rest) > 0; {
		if len(rest) < attrHeaderLen || int(rest[1]) < attrHeaderLen || int(rest[1]) > len(rest) {
			return Reply{}, ErrMalformed
		}
		value := rest[attrHeaderLen:rest[1]]
		switch rest[0] {
		case attrState:
			r.State = value
		case attrReplyMessage:
			if r.Message == nil {
				r.Message = value
			}
		case attrVendorSpecific:
			r.vendor(value)
		}
		rest = rest[rest[1]:]
	}
	return r, nil
}
