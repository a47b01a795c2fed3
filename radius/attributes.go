package radius

import (
	"encoding/binary"

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
	// lastReserved is the greatest number that is kept for them.
	lastReserved = 63
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

// revealText joins and reveals what a writer has hidden. auth is the Request Authenticator.
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
