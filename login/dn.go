package login

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// DN is a distinguished name in a form in which equal names are equal, however they are written: parsed as RFC 4514
// says, or in the older ways of RFC 1779 and RFC 2253. The zero value is the empty DN.
type DN struct {
	// rdns holds each RDN as it is written in RFC 4514, first the values of the first one.
	rdns  []string
	first []string
}

// String writes the DN as RFC 4514 does, in the form in which it is compared: equal DNs are the same text.
func (d DN) String() string { return strings.Join(d.rdns, ",") }

// Equal reports whether two DNs name the same entry, as directories compare (distinguishedNameMatch with
// caseIgnoreMatch, RFC 4517 sections 4.2.15 and 4.2.11).
func (d DN) Equal(other DN) bool { return slices.Equal(d.rdns, other.rdns) }

// Below reports whether the entry stands below base, at any depth.
func (d DN) Below(base DN) bool {
	n := len(d.rdns) - len(base.rdns)
	return n > 0 && slices.Equal(d.rdns[n:], base.rdns)
}

// attributeNames gives the one name of attribute types that have several, and of their OIDs (RFC 4519 section 2,
// RFC 4524 section 2, RFC 2985 section 5).
var attributeNames = func() map[string]string {
	names := map[string]string{}
	for _, all := range []string{
		"cn commonname 2.5.4.3", "sn surname 2.5.4.4", "serialnumber 2.5.4.5", "c countryname 2.5.4.6", "l localityname 2.5.4.7",
		"st s sp stateorprovincename 2.5.4.8", "street streetaddress 2.5.4.9", "o organizationname 2.5.4.10",
		"ou organizationalunitname organizationalunit 2.5.4.11", "title 2.5.4.12", "description 2.5.4.13", "businesscategory 2.5.4.15",
		"postalcode 2.5.4.17", "name 2.5.4.41", "givenname gn 2.5.4.42", "initials 2.5.4.43", "generationqualifier 2.5.4.44",
		"dnqualifier 2.5.4.46", "dc domaincomponent 0.9.2342.19200300.100.1.25", "uid userid 0.9.2342.19200300.100.1.1",
		"mail rfc822mailbox 0.9.2342.19200300.100.1.3", "emailaddress email e 1.2.840.113549.1.9.1",
	} {
		list := strings.Fields(all)
		for _, alias := range list {
			names[alias] = list[0]
		}
	}
	return names
}()

// ParseDN reads a DN. It takes what RFC 4514 allows, and of the older forms quoted values, semicolons, blanks around
// the separators and the prefix "OID.". The error says what cannot be read.
func ParseDN(text string) (DN, error) {
	var dn DN
	if strings.Trim(text, " ") == "" {
		return dn, nil
	}
	p := dnParser{text}
	for {
		var avas, values []string
		for {
			attribute, value, binary, err := p.ava()
			if err != nil {
				return DN{}, fmt.Errorf("%q is not a DN: %w", text, err)
			}
			if !binary {
				values = append(values, value)
				value = escaped(value)
			}
			avas = append(avas, attribute+"="+value)
			if !p.skip("+") {
				break
			}
		}
		slices.Sort(avas) // an RDN is a set (RFC 4514 section 2.2)
		dn.rdns = append(dn.rdns, strings.Join(avas, "+"))
		if len(dn.rdns) == 1 {
			dn.first = values
		}
		if p.rest == "" {
			return dn, nil
		}
		if !p.skip(",") && !p.skip(";") {
			return DN{}, fmt.Errorf("%q is not a DN: %q follows a value", text, p.rest)
		}
	}
}

// escaped writes a value that begins and ends with no space (RFC 4514 section 2.4).
func escaped(value string) string {
	if !strings.ContainsAny(value, "\"#+,;<=>\\") {
		return value
	}
	var b strings.Builder
	for i, r := range value {
		if strings.ContainsRune("\"+,;<=>\\", r) || r == '#' && i == 0 {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// dnParser reads a DN from the left.
type dnParser struct{ rest string }

func (p *dnParser) blanks() { p.rest = strings.TrimLeft(p.rest, " \n") }

func (p *dnParser) skip(sign string) (ok bool) {
	p.blanks()
	p.rest, ok = strings.CutPrefix(p.rest, sign)
	return ok
}

// ava reads an attribute type and its value, both in the form in which they are compared. A value that is binary is
// written with a number sign.
func (p *dnParser) ava() (attribute, value string, binary bool, err error) {
	p.blanks()
	attribute, p.rest, err = attributeType(p.rest)
	if err != nil {
		return "", "", false, err
	}
	p.blanks()
	switch {
	case strings.HasPrefix(p.rest, "#"):
		value, binary, err = p.hexadecimal()
	case strings.HasPrefix(p.rest, `"`):
		value, err = p.quotation()
	default:
		value, err = p.string()
	}
	p.blanks()
	return attribute, value, binary, err
}

// attributeType reads the type in front of an equals sign.
func attributeType(text string) (name, rest string, err error) {
	before, rest, found := strings.Cut(text, "=")
	name = strings.ToLower(strings.Trim(before, " \n"))
	name = strings.TrimPrefix(name, "oid.")
	if !found || !isAttributeType(name) {
		return "", "", fmt.Errorf("%q is not an attribute with a value", text)
	}
	if known, ok := attributeNames[name]; ok {
		name = known
	}
	return name, rest, nil
}

// isAttributeType reports whether a name in lower case is a descriptor or an OID (RFC 4512 section 1.4).
func isAttributeType(name string) bool {
	if name == "" {
		return false
	}
	if name[0] >= 'a' && name[0] <= 'z' {
		return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
	}
	for _, arc := range strings.Split(name, ".") {
		if arc == "" || strings.Trim(arc, "0123456789") != "" {
			return false
		}
	}
	return true
}

// string reads a value with escapes, which ends at a separator.
func (p *dnParser) string() (string, error) {
	var b strings.Builder
	for p.rest != "" && !strings.ContainsRune(",;+", rune(p.rest[0])) {
		if err := p.character(&b); err != nil {
			return "", err
		}
	}
	return comparable(b.String())
}

// quotation reads a value in quotation marks (RFC 2253 section 4).
func (p *dnParser) quotation() (string, error) {
	var b strings.Builder
	for p.rest = p.rest[1:]; ; {
		switch {
		case p.rest == "":
			return "", errors.New("a quotation does not end")
		case p.rest[0] == '"':
			p.rest = p.rest[1:]
			return comparable(b.String())
		}
		if err := p.character(&b); err != nil {
			return "", err
		}
	}
}

// character reads one byte, or what a backslash and two digits or a sign stand for.
func (p *dnParser) character(b *strings.Builder) error {
	if p.rest[0] != '\\' {
		b.WriteByte(p.rest[0])
		p.rest = p.rest[1:]
		return nil
	}
	if len(p.rest) >= 3 {
		if octet, err := hex.DecodeString(p.rest[1:3]); err == nil {
			b.Write(octet)
			p.rest = p.rest[3:]
			return nil
		}
	}
	if len(p.rest) < 2 || !strings.ContainsRune(` "#+,;<=>\`, rune(p.rest[1])) {
		return errors.New("a backslash stands before what needs none")
	}
	b.WriteByte(p.rest[1])
	p.rest = p.rest[2:]
	return nil
}

// hexadecimal reads a value in BER (RFC 4514 section 2.4). One that is no text compares by its bytes.
func (p *dnParser) hexadecimal() (value string, binary bool, err error) {
	end := strings.IndexAny(p.rest, ",;+ \n")
	if end < 0 {
		end = len(p.rest)
	}
	digits := p.rest[1:end]
	p.rest = p.rest[end:]
	raw, err := hex.DecodeString(digits)
	if err != nil || len(raw) == 0 {
		return "", false, errors.New("# must be followed by pairs of hexadecimal digits")
	}
	if text, ok := berText(raw); ok {
		value, err = comparable(text)
		return value, false, err
	}
	return "#" + strings.ToLower(digits), true, nil
}

// berText returns the text of a BER element, where it is of a type that holds text, or an octet string.
func berText(raw []byte) (string, bool) {
	if len(raw) < 2 {
		return "", false
	}
	size, value := int(raw[1]), raw[2:]
	if n := size & 0x7f; size > 0x7f {
		if n == 0 || n > 3 || len(value) < n {
			return "", false
		}
		size = 0
		for _, octet := range value[:n] {
			size = size<<8 | int(octet)
		}
		value = value[n:]
	}
	if size != len(value) {
		return "", false
	}
	switch raw[0] {
	case 0x04, 0x0c, 0x12, 0x13, 0x16, 0x1a: // OCTET STRING, UTF8String, NumericString, PrintableString, IA5String, VisibleString
		return string(value), utf8.Valid(value)
	case 0x1e: // BMPString
		if len(value)%2 != 0 {
			return "", false
		}
		var units []uint16
		for i := 0; i < len(value); i += 2 {
			units = append(units, uint16(value[i])<<8|uint16(value[i+1]))
		}
		return string(utf16.Decode(units)), true
	}
	return "", false
}

// comparable returns a value as caseIgnoreMatch compares it (RFC 4518 section 2): the characters mapped, folded and in
// the form NFKC, and of spaces only what is between words, as one.
func comparable(value string) (string, error) {
	if !utf8.ValidString(value) {
		return "", errors.New("a value is not UTF-8")
	}
	return prepare(value), nil
}

func prepare(value string) string {
	ascii := true
	for i := 0; i < len(value); i++ {
		ascii = ascii && value[i] >= ' ' && value[i] < 0x7f
	}
	if ascii {
		return strings.Join(strings.Fields(strings.ToLower(value)), " ")
	}
	mapped := strings.Map(func(r rune) rune {
		switch {
		case unicode.In(r, unicode.Z), r >= '\t' && r <= '\r', r == '\u0085':
			return ' '
		case unicode.In(r, unicode.Cc, unicode.Cf), unicode.Is(unicode.Variation_Selector, r), r == '\u034f', r == '\u1806', r == '\ufffc':
			return -1
		}
		return r
	}, value)
	folded := norm.NFKC.String(cases.Fold().String(norm.NFKC.String(mapped)))
	return strings.Join(strings.Fields(folded), " ")
}
