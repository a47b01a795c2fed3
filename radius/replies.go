package radius

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2868"

	"sallyport/login"
)

// maxReplies is how many octets the rules of a client may give, so that what else an Accept says finds
// room in a packet of 4096.
const maxReplies = 3 << 10

// ReplyRule gives attributes to the members of groups, with the Access-Accept and nothing else. It is
// made by [NewReplyRule] and immutable; the zero value gives nothing.
type ReplyRule struct {
	groups     []login.GroupName
	attributes []replyAttribute
}

// NewReplyRule returns the rule that gives attributes to whoever is in one of the groups, as
// [login.GroupName.Grants] says: by DN, or by the value of its first part alone. Without groups it
// gives them to everybody.
//
// Attributes are named as in the dictionary, without regard to case; one with a tag as
// "Tunnel-Type:1", the tag being 0 to 31 (RFC 2868 §3.1). They are written in the order of their
// names, and the values of one name in their own order. A value is a text, a number or its name, an
// address, a prefix, a time (2027-01-31T12:00:00Z), or octets as 0x and hexadecimal digits, as the
// attribute's type wants. {username} in a text stands for the person's name as the directory spells it;
// who has none, or one that is too long, gets no such attribute. Errors name every attribute that cannot be written, and why; they quote no
// value of an attribute that is hidden on the wire.
func NewReplyRule(d *Dictionary, groups []string, attributes map[string][]string) (ReplyRule, error) {
	var rule ReplyRule
	var faults []error
	for _, name := range groups {
		group, err := login.ParseGroupName(name)
		faults = append(faults, err)
		rule.groups = append(rule.groups, group)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		list, err := d.attributes(name, attributes[name])
		if err != nil {
			faults = append(faults, fmt.Errorf("attribute %q: %w", name, err))
		}
		rule.attributes = append(rule.attributes, list...)
	}
	if n := rule.size(); n > maxReplies {
		faults = append(faults, fmt.Errorf("the attributes have %d octets: at most %d fit into a reply", n, maxReplies))
	}
	if len(attributes) == 0 {
		faults = append(faults, errors.New("the rule gives no attribute"))
	}
	if err := errors.Join(faults...); err != nil {
		return ReplyRule{}, err
	}
	return rule, nil
}

// size is how many octets the rule's attributes have on the wire.
func (r ReplyRule) size() (n int) {
	for _, a := range r.attributes {
		n += a.size()
	}
	return n
}

// fits reports whether the rule gives its attributes to a member of these groups.
func (r ReplyRule) fits(groups login.Membership) bool {
	return len(r.groups) == 0 || slices.ContainsFunc(r.groups, func(name login.GroupName) bool { return name.Grants(groups) })
}

// FixedUserName reports whether the rule gives everybody the same User-Name, by which clients know the session in their
// accounting (RFC 2865 section 5.1).
func (r ReplyRule) FixedUserName() bool {
	return slices.ContainsFunc(r.attributes, func(a replyAttribute) bool { return a.kind == rfc2865.UserName_Type && a.fill == nil })
}

// UserNames is how many User-Name attributes the rule gives; an Accept has one at most.
func (r ReplyRule) UserNames() (n int) {
	for _, a := range r.attributes {
		if a.kind == rfc2865.UserName_Type {
			n++
		}
	}
	return n
}

// clash returns an error for the attributes that are the server's own under this vendor id.
func (r ReplyRule) clash(vendor uint32) error {
	for _, a := range r.attributes {
		if a.kind == rfc2865.VendorSpecific_Type && ownAttribute(vendor, uint32(a.vendor), a.number) {
			return fmt.Errorf("attribute %q: the numbers 1 to %d of vendor %d are kept for the Sallyport attributes", a.name, lastReserved, vendor)
		}
	}
	return nil
}

// ownAttribute reports whether a vendor's attribute is one of ours.
func ownAttribute(own, vendor uint32, number int) bool {
	return vendor == own && number <= lastReserved
}

// addReplies adds what belongs to an Accept: what an upstream server gave, then what the rules give to
// the user's groups, and of both Class first, by which the client knows the session. Nothing in it
// replaces what the server itself says. What would make the packet larger than room is left out, since a
// login that is settled must have its Accept; omitted names it.
func addReplies(w *writer, rules []ReplyRule, rep login.Reply, room int) (omitted []string) {
	var given []replyAttribute
	for _, a := range rep.Attributes {
		if forwardable(w.vendor, a) {
			given = append(given, forwarded(a))
		}
	}
	groups := login.Membership{Names: rep.Groups, Base: rep.GroupBase}
	for _, rule := range rules {
		if !rule.fits(groups) {
			continue
		}
		for _, a := range rule.attributes {
			if a.fill != nil {
				own, err := a.fill(rep.Name)
				if err != nil {
					omitted = append(omitted, a.name)
					continue
				}
				a = own
			}
			given = append(given, a)
		}
	}
	for _, class := range []bool{true, false} {
		for _, a := range given {
			switch n := a.size(); {
			case class != (a.kind == rfc2865.Class_Type):
			case n > 2+maxValue || len(w.b)+n > room:
				omitted = append(omitted, a.name)
			default:
				w.reply(a)
			}
		}
	}
	return omitted
}

// forwardable reports whether an upstream's attribute may stand in our Accept. A Tunnel-Password was
// hidden under the upstream's secret, and would be noise under ours.
func forwardable(own uint32, a login.Attribute) bool {
	switch {
	case len(a.Value) == 0:
		return false
	case a.Vendor != 0:
		return !ownAttribute(own, a.Vendor, int(a.Type))
	}
	return a.Type != 0 && codec.Type(a.Type) != rfc2868.TunnelPassword_Type &&
		!slices.Contains(serverAttributes(), int(a.Type))
}
