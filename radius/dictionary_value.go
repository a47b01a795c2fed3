package radius

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	codec "layeh.com/radius"
	"layeh.com/radius/dictionary"
)

// encodable reports whether encode knows the type.
func encodable(t dictionary.AttributeType) bool {
	switch t {
	case dictionary.AttributeVSA, dictionary.AttributeTLV, dictionary.AttributeABinary:
		return false
	}
	return true
}

// encode writes a value as its attribute's type wants it (RFC 2865 §5, RFC 8044 §3). Its errors say
// what is wanted and do not quote the text, which may be secret.
func (d *Dictionary) encode(def definition, text string) ([]byte, error) {
	switch def.Type {
	case dictionary.AttributeString:
		return []byte(text), nil
	case dictionary.AttributeOctets:
		return encodeOctets(text, def.Size)
	case dictionary.AttributeByte:
		n, err := d.number(def, text, 8)
		return []byte{byte(n)}, err
	case dictionary.AttributeShort:
		n, err := d.number(def, text, 16)
		return codec.NewShort(uint16(n)), err
	case dictionary.AttributeInteger:
		n, err := d.number(def, text, 32)
		return codec.NewInteger(uint32(n)), err
	case dictionary.AttributeInteger64:
		n, err := d.number(def, text, 64)
		return codec.NewInteger64(n), err
	case dictionary.AttributeSigned:
		return encodeSigned(text)
	case dictionary.AttributeDate:
		return encodeDate(text)
	}
	return encodeAddress(def.Type, text)
}

// encodeOctets takes octets as 0x and hexadecimal digits; anything else stands for itself.
func encodeOctets(text string, size dictionary.IntFlag) ([]byte, error) {
	value := []byte(text)
	if digits, ok := strings.CutPrefix(text, "0x"); ok {
		var err error
		if value, err = hex.DecodeString(digits); err != nil {
			return nil, errors.New("want octets as 0x and two hexadecimal digits for each")
		}
	}
	if size.Valid && len(value) != size.Int {
		return nil, fmt.Errorf("want %d octets, not %d", size.Int, len(value))
	}
	return value, nil
}

// number reads a number or the name of one. A leading zero does not mean octal.
func (d *Dictionary) number(def definition, text string, bits int) (uint64, error) {
	names := d.values[strings.ToLower(def.Name)]
	if n, named := names[strings.ToLower(text)]; named && n>>bits == 0 {
		return n, nil
	}
	digits, base := text, 10
	if hexadecimal, ok := strings.CutPrefix(text, "0x"); ok {
		digits, base = hexadecimal, 16
	}
	n, err := strconv.ParseUint(digits, base, bits)
	switch {
	case err == nil:
		return n, nil
	case len(names) > 0:
		return 0, fmt.Errorf("want a number of %d bits, or a name that the dictionary has for one", bits)
	}
	return 0, fmt.Errorf("want a number of %d bits", bits)
}

func encodeSigned(text string) ([]byte, error) {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return nil, errors.New("want a number of 32 bits with its sign")
	}
	return codec.NewInteger(uint32(n)), nil
}

// encodeDate takes a time as RFC 3339 has it, a day, or seconds since 1970.
func encodeDate(text string) ([]byte, error) {
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		return codec.NewInteger(uint32(n)), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil && t.Unix() >= 0 {
			return codec.NewDate(t)
		}
	}
	return nil, errors.New("want a time such as 2027-01-31T12:00:00Z, a day such as 2027-01-31, or seconds since 1970")
}

// encodeAddress writes addresses, prefixes and interface ids.
func encodeAddress(t dictionary.AttributeType, text string) ([]byte, error) {
	switch t {
	case dictionary.AttributeIPAddr:
		if a, err := netip.ParseAddr(text); err == nil && a.Is4() {
			return a.AsSlice(), nil
		}
		return nil, errors.New("want an IPv4 address such as 192.0.2.1")
	case dictionary.AttributeIPv6Addr:
		if a, err := netip.ParseAddr(text); err == nil && a.Is6() && a.Zone() == "" {
			return a.AsSlice(), nil
		}
		return nil, errors.New("want an IPv6 address such as 2001:db8::1")
	case dictionary.AttributeIPv4Prefix, dictionary.AttributeIPv6Prefix:
		return encodePrefix(t, text)
	case dictionary.AttributeIFID:
		if id, err := net.ParseMAC(strings.ReplaceAll(text, ":", ".")); err == nil && len(id) == 8 {
			return id, nil
		}
		return nil, errors.New("want an interface id such as 0011:2233:4455:6677")
	case dictionary.AttributeEther:
		if mac, err := net.ParseMAC(text); err == nil && len(mac) == 6 {
			return mac, nil
		}
		return nil, errors.New("want a hardware address such as 00:11:22:33:44:55")
	}
	return nil, errors.New(noType(t.String()))
}

// encodePrefix writes a prefix: one reserved octet, its length in bits and its address, of which
// IPv6 leaves out what lies beyond the length (RFC 8044 §3.10, §3.11).
func encodePrefix(t dictionary.AttributeType, text string) ([]byte, error) {
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil || p.Addr().Is4() != (t == dictionary.AttributeIPv4Prefix):
		if t == dictionary.AttributeIPv4Prefix {
			return nil, errors.New("want an IPv4 prefix such as 192.0.2.0/24")
		}
		return nil, errors.New("want an IPv6 prefix such as 2001:db8::/32")
	case p != p.Masked():
		return nil, fmt.Errorf("the prefix has bits beyond its length: %s has none", p.Masked())
	}
	address := p.Addr().AsSlice()
	if p.Addr().Is6() {
		address = address[:(p.Bits()+7)/8]
	}
	return append([]byte{0, byte(p.Bits())}, address...), nil
}
