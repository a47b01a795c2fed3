package ldap

import (
	"errors"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// mark stands for a username while a filter is checked: braces that stand for themselves are not
// possible in a template.
const mark = "{}"

// checkFilter reports a template that makes no search filter.
func checkFilter(t textTemplate) error {
	_, err := ldap.CompileFilter(t.expand(func(string) string { return mark }))
	return err
}

// checkSearchFilter reports a template that makes no search filter, or one whose placeholders cannot
// be left out: an entry is found by its id as well, without a name (textTemplate.anyone), and a name
// that is matched in another way than by equality could mean several people.
func checkSearchFilter(t textTemplate) error {
	filter, err := ldap.CompileFilter(t.expand(func(string) string { return mark }))
	if err != nil {
		return err
	}
	if !onlyInEqualities(filter) {
		return errors.New("a placeholder must be the value of a plain comparison such as (uid={username}), neither inside a (!...) nor with a matching rule, a pattern or an order")
	}
	return nil
}

// onlyInEqualities reports whether the mark stands in values of equalities only, outside of any NOT.
func onlyInEqualities(filter *ber.Packet) bool {
	if !strings.Contains(string(filter.Bytes()), mark) {
		return true
	}
	switch filter.Tag {
	case ldap.FilterAnd, ldap.FilterOr:
		for _, part := range filter.Children {
			if !onlyInEqualities(part) {
				return false
			}
		}
		return true
	case ldap.FilterEqualityMatch:
		return !strings.Contains(string(filter.Children[0].Bytes()), mark)
	}
	return false
}
