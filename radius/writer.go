package radius

import (
	"crypto/rand"
	"encoding/binary"
	"errors"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"sallyport/login"
)

const (
	// maxValue is what one attribute holds (RFC 2865 §5).
	maxValue = 253
	// maxVendorValue is what one vendor attribute holds: 253 less vendor id, number and length.
	maxVendorValue = 247
	// maxHidden is the text of one hidden attribute: the salt, one length octet and the text,
	// padded to 16, fit in 247 octets up to 239.
	maxHidden = 239
)

// writer writes one packet, attribute by attribute, Message-Authenticator first. It is made by
// [signer.write] and ends with finish, which tells the first error. Its buffer is used again: the
// attributes of a reply cost no allocation.
type writer struct {
	key    *signer
	vendor uint32
	// auth is the Request Authenticator, as hiding demands.
	auth [authSize]byte
	b    []byte
	salt uint16
	err  error
}

// write begins a packet with that Authenticator field.
func (s *signer) write(code codec.Code, identifier byte, auth [authSize]byte, vendor uint32) *writer {
	w := s.writers.Get().(*writer)
	*w = writer{key: s, vendor: vendor, auth: auth, b: w.b[:0]}
	w.b = append(w.b, byte(code), identifier, 0, 0)
	w.b = append(w.b, auth[:]...)
	var unsigned [authSize]byte
	w.octets(rfc2869.MessageAuthenticator_Type, unsigned[:])
	return w
}

// finish returns the packet, to be signed. The writer is not used afterwards.
func (w *writer) finish() ([]byte, error) {
	defer w.key.writers.Put(w)
	if w.err != nil {
		return nil, w.err
	}
	if len(w.b) > maxPacket {
		return nil, errors.New("the packet is larger than 4096 octets")
	}
	binary.BigEndian.PutUint16(w.b[2:4], uint16(len(w.b)))
	return append(make([]byte, 0, len(w.b)), w.b...), nil
}

// head begins an attribute whose value has n octets.
func (w *writer) head(t codec.Type, n int) {
	if n > maxValue && w.err == nil {
		w.err = errors.New("an attribute is longer than 253 octets")
	}
	w.b = append(w.b, byte(t), byte(2+n))
}

func (w *writer) octets(t codec.Type, value []byte) {
	w.head(t, len(value))
	w.b = append(w.b, value...)
}

// text adds a text; an empty one is left out, since attributes without a value may not be sent.
func (w *writer) text(t codec.Type, text string) {
	if text != "" {
		w.head(t, len(text))
		w.b = append(w.b, text...)
	}
}

func (w *writer) number(t codec.Type, n uint32) {
	w.head(t, 4)
	w.b = binary.BigEndian.AppendUint32(w.b, n)
}

// vendorHead begins an attribute of ours, in the format of RFC 2865 §5.26.
func (w *writer) vendorHead(number byte, n int) {
	if n > maxVendorValue && w.err == nil {
		w.err = errors.New("a vendor's attribute is longer than 247 octets")
	}
	w.head(rfc2865.VendorSpecific_Type, 6+n)
	w.b = binary.BigEndian.AppendUint32(w.b, w.vendor)
	w.b = append(w.b, number, byte(2+n))
}

func (w *writer) vendorText(number byte, text string) {
	if text != "" {
		w.vendorHead(number, len(text))
		w.b = append(w.b, text...)
	}
}

func (w *writer) vendorNumber(number byte, n int) {
	w.vendorHead(number, 4)
	w.b = binary.BigEndian.AppendUint32(w.b, uint32(max(n, 0)))
}

// hidden adds a secret, hidden like a Tunnel-Password without a tag and split over as many
// attributes as it needs, each with its own salt (RFC 2868 §3.5).
func (w *writer) hidden(number byte, secret login.Secret) {
	for text := secret.Reveal(); text != ""; {
		part := text[:min(len(text), maxHidden)]
		text = text[len(part):]
		value := w.hide(part)
		w.vendorHead(number, len(value))
		w.b = append(w.b, value...)
	}
}

// hide returns at most maxHidden octets of text as salt and hidden text (RFC 2868 §3.5).
func (w *writer) hide(text string) []byte {
	salt := w.nextSalt()
	value, err := codec.NewTunnelPassword([]byte(text), salt[:], w.key.secret, w.auth[:])
	if err != nil && w.err == nil {
		w.err = err
	}
	return value
}

// hiddenSize is how many octets hide makes of n: the salt, and one length octet and the text, padded
// to a multiple of 16.
func hiddenSize(n int) int { return 2 + (1+n+15)/16*16 }

// reply adds an attribute of a rule, or one that another server gave.
func (w *writer) reply(a replyAttribute) {
	value := a.value
	if secret := a.secret.Reveal(); secret != "" {
		value = w.hide(secret)
	}
	w.head(a.kind, len(a.head)+len(value))
	w.b = append(append(w.b, a.head...), value...)
}

// nextSalt draws the first salt of a packet and counts up from there, so that each is used once. The
// first bit of a salt is always set.
func (w *writer) nextSalt() (salt [2]byte) {
	if w.salt == 0 {
		rand.Read(salt[:]) //nolint:errcheck // never fails, see crypto/rand
		w.salt = binary.BigEndian.Uint16(salt[:])
	}
	w.salt = (w.salt + 1) | 0x8000
	binary.BigEndian.PutUint16(salt[:], w.salt)
	return salt
}
