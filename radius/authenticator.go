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

// signer computes the two authenticators of one shared secret. It is safe for concurrent use; the
// keyed hashes are reused, since keying them costs more than hashing a packet.
type signer struct {
	secret []byte
	macs   sync.Pool
	sums   sync.Pool
}

func newSigner(secret login.Secret) *signer {
	s := &signer{secret: []byte(secret.Reveal())}
	s.macs.New = func() any { return hmac.New(md5.New, s.secret) }
	s.sums.New = func() any { return md5.New() }
	return s
}

// messageAuthenticator computes Message-Authenticator over packet (RFC 3579 §3.2), whose attribute
// value begins at offset at and counts as zero. auth stands in the Authenticator field: the Request
// Authenticator, also for replies.
func (s *signer) messageAuthenticator(packet []byte, auth [authSize]byte, at int) (sum [authSize]byte) {
	var zero [authSize]byte
	mac := s.macs.Get().(hash.Hash)
	defer s.macs.Put(mac)
	mac.Reset()
	mac.Write(packet[:4])
	mac.Write(auth[:])
	mac.Write(packet[headerSize:at])
	mac.Write(zero[:])
	mac.Write(packet[at+authSize:])
	mac.Sum(sum[:0])
	return sum
}

// responseAuthenticator computes MD5(Code + Identifier + Length + Request Authenticator + attributes
// + secret) of a reply (RFC 2865 §3).
func (s *signer) responseAuthenticator(packet []byte, request [authSize]byte) (sum [authSize]byte) {
	h := s.sums.Get().(hash.Hash)
	defer s.sums.Put(h)
	h.Reset()
	h.Write(packet[:4])
	h.Write(request[:])
	h.Write(packet[headerSize:])
	h.Write(s.secret)
	h.Sum(sum[:0])
	return sum
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
