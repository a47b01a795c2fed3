package directorytest

import (
	"slices"
	"strings"
	"unicode/utf8"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// fits evaluates a search filter (RFC 4511 §4.5.1.7) as slapd does for directory strings: without
// regard to case and outer spaces.
func fits(filter *ber.Packet, e *ldap.Entry) bool {
	child := func(i int) string { return ber.DecodeString(filter.Children[i].Data.Bytes()) }
	switch filter.Tag {
	case ldap.FilterAnd:
		return !slices.ContainsFunc(filter.Children, func(f *ber.Packet) bool { return !fits(f, e) })
	case ldap.FilterOr:
		return slices.ContainsFunc(filter.Children, func(f *ber.Packet) bool { return fits(f, e) })
	case ldap.FilterNot:
		return !fits(filter.Children[0], e)
	case ldap.FilterPresent:
		return len(e.GetEqualFoldAttributeValues(ber.DecodeString(filter.Data.Bytes()))) > 0
	case ldap.FilterEqualityMatch:
		want := strings.TrimSpace(child(1))
		return slices.ContainsFunc(e.GetEqualFoldAttributeValues(child(0)), func(value string) bool {
			return value == want || utf8.ValidString(value) && strings.EqualFold(value, want)
		})
	case ldap.FilterSubstrings:
		return slices.ContainsFunc(e.GetEqualFoldAttributeValues(child(0)), func(value string) bool { return holds(filter.Children[1].Children, value) })
	}
	return false
}

// holds matches the parts of a substring filter in their order.
func holds(parts []*ber.Packet, value string) bool {
	value = strings.ToLower(value)
	for _, part := range parts {
		text := strings.ToLower(ber.DecodeString(part.Data.Bytes()))
		at := strings.Index(value, text)
		if at < 0 || part.Tag == ldap.FilterSubstringsInitial && at > 0 || part.Tag == ldap.FilterSubstringsFinal && !strings.HasSuffix(value, text) {
			return false
		}
		value = value[at+len(text):]
	}
	return true
}
