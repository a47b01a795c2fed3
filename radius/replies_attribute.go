package radius

import (
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	codec "layeh.com/radius"
	"layeh.com/radius/dictionary"
	"layeh.com/radius/rfc2865"

	"sallyport/login"
)

// replyAttribute is an attribute that is ready to be written, but for hiding.
type replyAttribute struct {
	name string
	kind codec.Type
	// vendor and number are those of a Vendor-Specific.
	vendor, number int
	// head stands before the value: vendor, number and length of a Vendor-Specific; a tag.
	head []byte
	// value is what follows, secret in its place what follows hidden.
	value  []byte
	secret login.Secret
	// fill makes the attribute of one person; nil where it is the same for everybody.
	fill func(name string) (replyAttribute, error)
}

// nameVariable stands in a value for the person's name as the directory spells it.
const nameVariable = "{username}"

// variable is a value that is nothing but a name in braces.
var variable = regexp.MustCompile(`^\{[A-Za-z0-9_;.-]*\}$`)

// size is how many octets the attribute has on the wire.
func (a replyAttribute) size() int {
	n := 2 + len(a.head) + len(a.value)
	if secret := a.secret.Reveal(); secret != "" {
		n += hiddenSize(len(secret))
	}
	return n
}

// forwarded is an attribute that another server gave, by its number.
func forwarded(a login.Attribute) replyAttribute {
	if a.Vendor == 0 {
		return replyAttribute{name: strconv.Itoa(int(a.Type)), kind: codec.Type(a.Type), value: a.Value}
	}
	return replyAttribute{
		name: fmt.Sprintf("%d:%d", a.Vendor, a.Type), kind: rfc2865.VendorSpecific_Type,
		head:  append(binary.BigEndian.AppendUint32(nil, a.Vendor), a.Type, byte(2+len(a.Value))),
		value: a.Value,
	}
}

// attributes returns one attribute for each value. The name may end in a tag.
func (d *Dictionary) attributes(name string, values []string) (list []replyAttribute, err error) {
	plain, tag, err := cutTag(name)
	if err != nil {
		return nil, err
	}
	def, err := d.find(plain)
	switch {
	case err != nil:
		return nil, err
	case tag != noTag && !def.HasTag():
		return nil, errors.New("this attribute has no tag")
	case len(values) == 0:
		return nil, errors.New("it has no value")
	}
	for _, text := range values {
		a, err := d.attributeOrFill(def, tag, text)
		switch {
		case err != nil && def.hidden():
			return nil, err
		case err != nil:
			return nil, fmt.Errorf("value %q: %w", text, err)
		}
		list = append(list, a)
	}
	return list, nil
}

// noTag is the tag of an attribute that was given none.
const noTag = -1

func cutTag(name string) (plain string, tag int, err error) {
	plain, digits, tagged := strings.Cut(name, ":")
	if !tagged {
		return plain, noTag, nil
	}
	if tag, err = strconv.Atoi(digits); err != nil || tag < 0 || tag > 31 {
		return "", noTag, fmt.Errorf("the tag %q is not a number from 0 to 31", digits)
	}
	return plain, tag, nil
}

// attributeOrFill makes one attribute, or what makes it of a person's name. A name is text, and may stand in a longer one.
func (d *Dictionary) attributeOrFill(def definition, tag int, text string) (replyAttribute, error) {
	textual := def.Type == dictionary.AttributeString || def.Type == dictionary.AttributeOctets
	switch {
	case strings.Contains(text, nameVariable) && textual:
	case strings.Contains(text, nameVariable):
		return replyAttribute{}, errors.New("the name of a person is a text, and this attribute holds none")
	case variable.MatchString(text):
		return replyAttribute{}, errors.New("only {username} is known, the person's name as the directory spells it")
	default:
		return d.attribute(def, tag, text)
	}
	fill := func(name string) (replyAttribute, error) {
		if name == "" {
			return replyAttribute{name: def.Name}, errors.New("the person has no name")
		}
		full := strings.ReplaceAll(text, nameVariable, name)
		if hexadecimal := "0x"; strings.HasPrefix(full, hexadecimal) && !strings.HasPrefix(text, hexadecimal) && def.Type == dictionary.AttributeOctets {
			return replyAttribute{name: def.Name}, errors.New("the name looks like octets")
		}
		return d.attribute(def, tag, full)
	}
	a, err := fill(nameVariable) // what a name of that length makes
	a.fill = fill
	return a, err
}

// attribute makes one attribute.
func (d *Dictionary) attribute(def definition, tag int, text string) (replyAttribute, error) {
	value, err := d.encode(def, text)
	if err != nil {
		return replyAttribute{}, err
	}
	if len(value) == 0 {
		return replyAttribute{}, errors.New("an attribute cannot be empty (RFC 2865 section 5)")
	}
	before, value, err := setTag(def, tag, value)
	if err != nil {
		return replyAttribute{}, err
	}
	a := replyAttribute{name: def.Name, kind: codec.Type(def.OID[0]), value: value, head: before}
	size, most := len(value), maxValue-len(before)
	if def.vendor != nil {
		a.kind, a.vendor, a.number = rfc2865.VendorSpecific_Type, def.vendor.Number, def.OID[0]
		most -= 4 + def.vendor.GetTypeOctets() + def.vendor.GetLengthOctets()
	}
	if def.hidden() {
		a.value, a.secret = nil, login.Secret(value)
		size, most = hiddenSize(size), min(most, hiddenSize(maxHidden))
	}
	if size > most {
		return replyAttribute{}, fmt.Errorf("the value has %d octets on the wire, and the attribute holds %d", size, most)
	}
	if def.vendor != nil {
		a.head = append(vendorHead(def, len(before)+size), before...)
	}
	return a, nil
}

// setTag puts the tag where RFC 2868 §3 wants it: into the first octet of a number, before anything
// else. A text without a tag goes without the octet, unless it is hidden.
func setTag(def definition, tag int, value []byte) (before, rest []byte, err error) {
	switch {
	case !def.HasTag():
		return nil, value, nil
	case def.Type == dictionary.AttributeInteger && !def.hidden():
		if value[0] != 0 {
			return nil, nil, errors.New("want a number of 24 bits: the tag takes the other 8")
		}
		value[0] = byte(max(tag, 0))
		return nil, value, nil
	case tag == noTag && !def.hidden():
		return nil, value, nil
	}
	return []byte{byte(max(tag, 0))}, value, nil
}

// vendorHead is what stands before n octets of a vendor's attribute: vendor, number and length, the
// last two in the vendor's own format (RFC 2865 §5.26).
func vendorHead(def definition, n int) []byte {
	head := binary.BigEndian.AppendUint32(nil, uint32(def.vendor.Number))
	types, lengths := def.vendor.GetTypeOctets(), def.vendor.GetLengthOctets()
	head = appendOctets(head, def.OID[0], types)
	return appendOctets(head, types+lengths+n, lengths)
}

// appendOctets appends the last octets of a number.
func appendOctets(b []byte, number, octets int) []byte {
	for shift := 8 * (octets - 1); shift >= 0; shift -= 8 {
		b = append(b, byte(number>>shift))
	}
	return b
}
