package radius

import (
	"crypto/hmac"
	"crypto/md5"
	"hash"
	"sync"

	"sallyport/login"
)

// Places in a packet (RFC 2865 §3).
const (
	headerSize    = 20
	authSize      = 16
	maxPacket     = 4096
	maSize        = 2 + authSize
	maxAttributes = 200
)

// signer computes the two authenticators of one shared secret, and begins packets under it. It is
// safe for concurrent use; the keyed hashes are reused, since keying them costs more than hashing a
// packet.
type signer struct {
	secret  []byte
	macs    sync.Pool
	sums    sync.Pool
	writers sync.Pool
}

// hasher is a reusable hash with the room it reads from and writes to, which would otherwise be
// allocated for each packet, also for forged ones.
type hasher struct {
	hash.Hash
	auth, zero, sum [authSize]byte
}

func newSigner(secret login.Secret) *signer {
	s := &signer{secret: []byte(secret.Reveal())}
	s.macs.New = func() any { return &hasher{Hash: hmac.New(md5.New, s.secret)} }
	s.sums.New = func() any { return &hasher{Hash: md5.New()} }
	s.writers.New = func() any { return &writer{b: make([]byte, 0, goodReply)} }
	return s
}

// messageAuthenticator computes Message-Authenticator over packet (RFC 3579 §3.2), whose attribute
// value begins at offset at and counts as zero. auth stands in the Authenticator field: the Request
// Authenticator, also for replies.
func (s *signer) messageAuthenticator(packet []byte, auth [authSize]byte, at int) [authSize]byte {
	h := s.macs.Get().(*hasher)
	defer s.macs.Put(h)
	h.Reset()
	h.auth = auth
	h.Write(packet[:4])
	h.Write(h.auth[:])
	h.Write(packet[headerSize:at])
	h.Write(h.zero[:])
	h.Write(packet[at+authSize:])
	h.Sum(h.sum[:0])
	return h.sum
}

// responseAuthenticator computes MD5(Code + Identifier + Length + Request Authenticator + attributes
// + secret) of a reply (RFC 2865 §3).
func (s *signer) responseAuthenticator(packet []byte, request [authSize]byte) [authSize]byte {
	h := s.sums.Get().(*hasher)
	defer s.sums.Put(h)
	h.Reset()
	h.auth = request
	h.Write(packet[:4])
	h.Write(h.auth[:])
	h.Write(packet[headerSize:])
	h.Write(s.secret)
	h.Sum(h.sum[:0])
	return h.sum
}

// validMessageAuthenticator reports whether the attribute value at offset at is right.
func (s *signer) validMessageAuthenticator(packet []byte, auth [authSize]byte, at int) bool {
	want := s.messageAuthenticator(packet, auth, at)
	return hmac.Equal(want[:], packet[at:at+authSize])
}

// validResponse reports whether the reply's Response Authenticator is right.
func (s *signer) validResponse(packet []byte, request [authSize]byte) bool {
	want := s.responseAuthenticator(packet, request)
	return hmac.Equal(want[:], packet[4:headerSize])
}

// signRequest fills in the Message-Authenticator, which is the packet's first attribute.
func (s *signer) signRequest(packet []byte) {
	sum := s.messageAuthenticator(packet, authenticatorOf(packet), headerSize+2)
	copy(packet[headerSize+2:], sum[:])
}

// signReply fills in the Message-Authenticator, which is the packet's first attribute, and then the
// Response Authenticator, which covers it. The Authenticator field holds the Request Authenticator.
func (s *signer) signReply(packet []byte) {
	request := authenticatorOf(packet)
	s.signRequest(packet)
	sum := s.responseAuthenticator(packet, request)
	copy(packet[4:], sum[:])
}

func authenticatorOf(packet []byte) (a [authSize]byte) {
	copy(a[:], packet[4:headerSize])
	return a
}
