package ldap

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// idAttributes hold immutable ids, in the order in which they are believed.
var idAttributes = [...]string{"objectGUID", "entryUUID", "nsUniqueId"}

const (
	// maxID bounds the octets of an id's value.
	maxID = 255
	// hexadecimal stands in front of the digits of an id that is not plain text.
	hexadecimal = "#"
)

// idNames are the attributes that may hold ids here.
func (d *Directory) idNames() []string {
	if d.cfg.IDAttribute != "" {
		return []string{d.cfg.IDAttribute}
	}
	return idAttributes[:]
}

// idOf returns the id of an entry in the form that idFilter finds again. The error means that nothing
// names the entry for good.
func (d *Directory) idOf(e *ldap.Entry) (string, error) {
	candidates := d.idNames()
	for _, attribute := range candidates {
		values := e.GetEqualFoldAttributeValues(attribute)
		if len(values) > 1 {
			return "", fmt.Errorf("entry %q has %d values of %s, so that none of them is its id; set id_attribute to one with a single value", e.DN, len(values), attribute)
		}
		if len(values) == 0 || len(values[0]) == 0 || len(values[0]) > maxID {
			continue
		}
		if id, ok := idText(attribute, values[0], d.cfg.IDAttribute == ""); ok {
			return id, nil
		}
	}
	return "", fmt.Errorf("entry %q has no readable %s; set id_attribute, or let the service account read it", e.DN, strings.Join(candidates, ", "))
}

// idText writes an attribute's value as an id. It folds those that are UUIDs, which servers may spell
// in either case. With strict, an entryUUID must be one (RFC 4530 §2.1), as an objectGUID always must.
func idText(attribute, value string, strict bool) (id string, ok bool) {
	text := value
	switch {
	case strings.EqualFold(attribute, "objectGUID"):
		if len(value) != 16 {
			return "", false
		}
		return guidText([]byte(value)), true
	case strings.EqualFold(attribute, "entryUUID"):
		if _, uuid := uuidOctets(text); strict && !uuid {
			return "", false
		}
		text = strings.ToLower(text)
	case strings.EqualFold(attribute, "nsUniqueId"):
		text = strings.ToLower(text)
	}
	if clean(text) != text || strings.HasPrefix(text, hexadecimal) {
		return hexadecimal + hex.EncodeToString([]byte(value)), true
	}
	return text, true
}

// idFilter finds the entry of an id that idOf made. The error means that idOf never makes this one.
func (d *Directory) idFilter(id string) (string, error) {
	value := ldap.EscapeFilter(id)
	if digits, isBinary := strings.CutPrefix(id, hexadecimal); isBinary {
		raw, err := hex.DecodeString(digits)
		if err != nil {
			return "", fmt.Errorf("not an id: %w", err)
		}
		value = octets(raw)
	}
	guid, isGUID := uuidOctets(id)
	switch attribute := d.cfg.IDAttribute; {
	case strings.EqualFold(attribute, "objectGUID"):
		if !isGUID {
			return "", fmt.Errorf("%q is not a GUID", id)
		}
		return "(" + attribute + "=" + octets(mixed(guid)) + ")", nil
	case attribute != "":
		return "(" + attribute + "=" + value + ")", nil
	case isGUID:
		return "(|(entryUUID=" + value + ")(objectGUID=" + octets(mixed(guid)) + "))", nil
	}
	return "(nsUniqueId=" + value + ")", nil
}

// guidText writes an objectGUID as Active Directory's own tools do.
func guidText(raw []byte) string {
	g := mixed(raw)
	return fmt.Sprintf("%x-%x-%x-%x-%x", g[0:4], g[4:6], g[6:8], g[8:10], g[10:16])
}

// mixed turns the first three groups of a GUID round, which are little-endian on the wire ([MS-DTYP]
// §2.3.4).
func mixed(guid []byte) []byte {
	g := slices.Clone(guid)
	slices.Reverse(g[0:4])
	slices.Reverse(g[4:6])
	slices.Reverse(g[6:8])
	return g
}

// uuidOctets returns the octets of a UUID's text in the order of its digits.
func uuidOctets(text string) (octets []byte, ok bool) {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return nil, false
	}
	octets, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	return octets, err == nil && len(octets) == 16
}

// octets writes a value as a filter does what is not text (RFC 4515 §3).
func octets(raw []byte) string {
	var b strings.Builder
	for _, octet := range raw {
		fmt.Fprintf(&b, `\%02x`, octet)
	}
	return b.String()
}
