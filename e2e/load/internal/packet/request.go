package packet

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"hash"
	"io"
)

// The packet codes of a login (RFC 2865 §3).
const (
	AccessRequest   = 1
	AccessAccept    = 2
	AccessReject    = 3
	AccessChallenge = 11
)

// The attributes of a login (RFC 2865 §5, RFC 2869 §5.14).
const (
	attrUserName             = 1
	attrUserPassword         = 2
	attrReplyMessage         = 18
	attrState                = 24
	attrVendorSpecific       = 26
	attrNASIdentifier        = 32
	attrMessageAuthenticator = 80
)

const (
	headerLen     = 20
	attrHeaderLen = 2
	// messageAuthenticatorAt is where the value of Message-Authenticator lies when it is the
	// first attribute, as all of ours are.
	messageAuthenticatorAt = headerLen + attrHeaderLen
	attributesAt           = messageAuthenticatorAt + md5.Size
	// maxPassword is the longest User-Password (RFC 2865 §5.2).
	maxPassword = 128
	maxValue    = 253
)

// MaxRequest is the length of the longest request that [Codec.Request] writes: Message-Authenticator,
// User-Name, User-Password, NAS-Identifier and State.
const MaxRequest = attributesAt + 3*(attrHeaderLen+maxValue) + attrHeaderLen + maxPassword

// Codec writes requests and checks replies under one shared secret. It is not safe for concurrent use.
type Codec struct {
	secret []byte
	nas    string
	random io.Reader
	md5    hash.Hash
	mac    hash.Hash
	sum    [md5.Size]byte
}

// NewCodec returns a codec that names itself nasIdentifier (cut to 253 octets) and takes its Request
// Authenticators from random, whose Read must not fail.
func NewCodec(secret []byte, nasIdentifier string, random io.Reader) *Codec {
	return &Codec{
		secret: secret,
		nas:    cut(nasIdentifier, maxValue),
		random: random,
		md5:    md5.New(),
		mac:    hmac.New(md5.New, secret),
	}
}

// Request writes an Access-Request into buf, which holds at least [MaxRequest] octets, and returns
// the part that it filled. Username is cut to 253 octets and password to 128, which is more than
// any that this tool makes. An empty state is not sent.
func (c *Codec) Request(buf []byte, identifier byte, username, password string, state []byte) []byte {
	p := buf[:headerLen]
	p[0], p[1] = AccessRequest, identifier
	authenticator := p[4:headerLen]
	io.ReadFull(c.random, authenticator)

	p = append(p, attrMessageAuthenticator, attrHeaderLen+md5.Size)
	p = append(p, make([]byte, md5.Size)...)
	p = appendString(p, attrUserName, cut(username, maxValue))
	p = c.appendPassword(p, cut(password, maxPassword), authenticator)
	p = appendString(p, attrNASIdentifier, c.nas)
	if len(state) > 0 && len(state) <= maxValue {
		p = append(p, attrState, byte(attrHeaderLen+len(state)))
		p = append(p, state...)
	}
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))

	c.mac.Reset()
	c.mac.Write(p)
	c.mac.Sum(p[:messageAuthenticatorAt])
	return p
}

// appendPassword hides a password (RFC 2865 §5.2).
func (c *Codec) appendPassword(p []byte, password string, authenticator []byte) []byte {
	padded := max(md5.Size, (len(password)+md5.Size-1)/md5.Size*md5.Size)
	p = append(p, attrUserPassword, byte(attrHeaderLen+padded))
	at := len(p)
	p = append(p, password...)
	for len(p) < at+padded {
		p = append(p, 0)
	}
	before := authenticator
	for ; at < len(p); at += md5.Size {
		block := p[at : at+md5.Size]
		for i, b := range c.hash(c.secret, before) {
			block[i] ^= b
		}
		before = block
	}
	return p
}

// hash returns the MD5 of parts; the result lives until the next call.
func (c *Codec) hash(parts ...[]byte) []byte {
	c.md5.Reset()
	for _, part := range parts {
		c.md5.Write(part)
	}
	return c.md5.Sum(c.sum[:0])
}

func appendString(p []byte, kind byte, value string) []byte {
	p = append(p, kind, byte(attrHeaderLen+len(value)))
	return append(p, value...)
}

func cut(s string, n int) string { return s[:min(n, len(s))] }
