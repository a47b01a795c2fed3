package packet

import (
	"encoding/binary"

	"layeh.com/radius"
)

// The Vendor-Specific attributes that the tool reads, by Sallyport's vendor id.
const (
	vendorID        = 32473
	vendorStep      = 1
	vendorSecretKey = 4
	vendorCode      = 8
)

// vendor reads one Vendor-Specific attribute (RFC 2865 §5.26); other vendors' are passed over.
func (r *Reply) vendor(value []byte) {
	if len(value) < 4 || binary.BigEndian.Uint32(value) != vendorID {
		return
	}
	for rest := value[4:]; len(rest) >= attrHeaderLen; {
		n := int(rest[1])
		if n < attrHeaderLen || n > len(rest) {
			return
		}
		switch v := rest[attrHeaderLen:n]; rest[0] {
		case vendorStep:
			r.Step = v
		case vendorSecretKey:
			r.SecretKey = append(r.SecretKey, v)
		case vendorCode:
			r.Verdict = v
		}
		rest = rest[n:]
	}
}

// Reveal returns the text of Sallyport-Secret-Key, which is hidden like a Tunnel-Password without a
// tag (RFC 2868 §3.5), each attribute with a salt of its own. It returns [ErrMalformed] when one of
// them cannot be revealed. Request begins with the header of the request that was answered.
func (c *Codec) Reveal(r Reply, request []byte) (string, error) {
	var text []byte
	for _, hidden := range r.SecretKey {
		part, _, err := radius.TunnelPassword(hidden, c.secret, request[4:headerLen])
		if err != nil {
			return "", ErrMalformed
		}
		text = append(text, part...)
	}
	return string(text), nil
}
