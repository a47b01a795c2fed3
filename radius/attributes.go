package radius

import (
	"crypto/rand"
	"encoding/binary"
	"errors"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"sallyport/login"
)

// The Sallyport attributes, described in dictionary/dictionary.sallyport.
const (
	attrStep          = 1
	attrFactor        = 2
	attrOTPAuthURI    = 3
	attrSecretKey     = 4
	attrMaskedAddress = 5
	attrResendAfter   = 6
	attrAttemptsLeft  = 7
	attrCode          = 8
	attrChoices       = 9
	attrAction        = 10
	attrRegistered    = 11
)

const (
	// maxVendorValue is what one vendor attribute holds: 253 less vendor id, number and length.
	maxVendorValue = 247
	// maxHidden is the text of one hidden attribute: the salt, one length octet and the text,
	// padded to 16, fit in 247 octets up to 239.
	maxHidden = 239
)

// vendorAttribute is one attribute inside a Vendor-Specific (RFC 2865 §5.26).
type vendorAttribute struct {
	number byte
	value  []byte
}

// vendorAttributes returns what a Vendor-Specific value of that vendor holds; nil when it is
// another's or malformed.
func vendorAttributes(value []byte, vendor uint32) (found []vendorAttribute) {
	if len(value) < 4 || binary.BigEndian.Uint32(value) != vendor {
		return nil
	}
	for rest := value[4:]; len(rest) > 0; {
		if len(rest) < 2 || int(rest[1]) < 2 || int(rest[1]) > len(rest) {
			return nil
		}
		found = append(found, vendorAttribute{rest[0], rest[2:rest[1]]})
		rest = rest[rest[1]:]
	}
	return found
}

// values returns the values of one vendor attribute in their order.
func values(p *codec.Packet, vendor uint32, number byte) (found [][]byte) {
	for _, a := range p.Attributes {
		if a.Type != rfc2865.VendorSpecific_Type {
			continue
		}
		for _, v := range vendorAttributes(a.Attribute, vendor) {
			if v.number == number {
				found = append(found, v.value)
			}
		}
	}
	return found
}

func firstText(p *codec.Packet, vendor uint32, number byte) string {
	for _, v := range values(p, vendor, number) {
		return string(v)
	}
	return ""
}

func firstNumber(p *codec.Packet, vendor uint32, number byte) int {
	for _, v := range values(p, vendor, number) {
		if n, err := codec.Integer(v); err == nil {
			return int(n)
		}
	}
	return 0
}

// vendorWriter adds vendor attributes to a packet. The packet's Authenticator is the Request
// Authenticator, as hiding demands.
type vendorWriter struct {
	packet *codec.Packet
	vendor uint32
	salt   uint16
	err    error
}

// newVendorWriter draws where the salts begin; from there they count up, so that each is used once
// in the packet (RFC 2868 §3.5).
func newVendorWriter(p *codec.Packet, vendor uint32) *vendorWriter {
	var b [2]byte
	rand.Read(b[:]) //nolint:errcheck // never fails, see crypto/rand
	return &vendorWriter{packet: p, vendor: vendor, salt: binary.BigEndian.Uint16(b[:])}
}

func (w *vendorWriter) octets(number byte, value []byte) {
	if len(value) > maxVendorValue {
		w.err = errors.New("a Sallyport attribute is longer than 247 octets")
		return
	}
	b := make([]byte, 0, 6+len(value))
	b = binary.BigEndian.AppendUint32(b, w.vendor)
	b = append(b, number, byte(2+len(value)))
	w.packet.Add(rfc2865.VendorSpecific_Type, append(b, value...))
}

// text adds a text; an empty one is left out, since attributes without a value may not be sent.
func (w *vendorWriter) text(number byte, text string) {
	if text != "" {
		w.octets(number, []byte(text))
	}
}

func (w *vendorWriter) number(number byte, n int) {
	w.octets(number, codec.NewInteger(uint32(max(n, 0))))
}

// hidden adds a secret, hidden like a Tunnel-Password without a tag and split over as many
// attributes as it needs, each with its own salt.
func (w *vendorWriter) hidden(number byte, secret login.Secret) {
	for text := secret.Reveal(); text != ""; {
		part := text[:min(len(text), maxHidden)]
		text = text[len(part):]
		w.salt++
		salt := binary.BigEndian.AppendUint16(nil, w.salt|0x8000)
		value, err := codec.NewTunnelPassword([]byte(part), salt, w.packet.Secret, w.packet.Authenticator[:])
		if err != nil {
			w.err = err
			return
		}
		w.octets(number, value)
	}
}

// revealText joins and reveals what hidden has written. auth is the Request Authenticator.
func revealText(p *codec.Packet, vendor uint32, number byte, auth [authSize]byte) (login.Secret, error) {
	var text []byte
	for _, v := range values(p, vendor, number) {
		part, _, err := codec.TunnelPassword(v, p.Secret, auth[:])
		if err != nil {
			return "", err
		}
		text = append(text, part...)
	}
	return login.Secret(text), nil
}
