package radius

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"layeh.com/radius/dictionary"
)

// vendor defines a vendor. One whose format is not supported is known, but not used.
func (r *dictionaryReader) vendor(fields []string) error {
	switch n := len(fields); {
	case n < 3 || n > 4:
		return fmt.Errorf("VENDOR %s has too few words or too many", fields[1])
	case n == 4:
		fields[3] = strings.ToLower(fields[3])
	}
	if n, err := strconv.ParseInt(fields[2], 10, 32); err != nil || n < 1 {
		return fmt.Errorf("VENDOR %s: want a decimal number above 0, not %q", fields[1], fields[2])
	}
	parsed, err := define(fields)
	var format *dictionary.InvalidVendorFormatError
	refused := ""
	if errors.As(err, &format) {
		refused = fmt.Sprintf("its vendor's %s is not supported", format.Format)
		parsed, err = define(fields[:3])
	}
	if err != nil {
		return fmt.Errorf("VENDOR %s: %w", fields[1], err)
	}
	v := &vendor{*parsed.Vendors[0], refused}
	if octets := v.GetLengthOctets(); octets < 0 || octets > 2 {
		v.refused = "its vendor's format is not supported"
	}
	r.vendors[strings.ToLower(v.Name)] = v
	return nil
}

// attribute defines an attribute. One that the library does not know how to read is kept with the
// reason, for whoever wants to use it.
func (r *dictionaryReader) attribute(p *place, fields []string) error {
	known, virtual := knownForm(fields)
	parsed, err := define(known)
	var unknown *dictionary.UnknownLineError
	var otherType *dictionary.UnknownAttributeTypeError
	def := definition{vendor: p.block, refused: p.obstacle()}
	switch {
	case errors.As(err, &unknown):
		return fmt.Errorf("ATTRIBUTE %s has too few words or too many", fields[1])
	case err == nil:
		def.Attribute = *parsed.Attributes[0]
	default:
		def.Attribute, def.refused = dictionary.Attribute{Name: fields[1], OID: dictionary.OID{0}}, err.Error()
	}
	switch {
	case virtual:
		def.refused = isInternal
	case errors.As(err, &otherType):
		def.refused = noType(otherType.Type)
	}
	r.into.definitions[strings.ToLower(def.Name)] = def
	return nil
}

// value names a number of an attribute. What is no number of 32 bits names none.
func (r *dictionaryReader) value(fields []string) error {
	parsed, err := define(fields)
	var unknown *dictionary.UnknownLineError
	switch {
	case errors.As(err, &unknown):
		return fmt.Errorf("VALUE of %s has too few words or too many", fields[1])
	case err != nil:
		return nil
	}
	v, name := parsed.Values[0], strings.ToLower(fields[1])
	if r.into.values[name] == nil {
		r.into.values[name] = make(map[string]uint64)
	}
	r.into.values[name][strings.ToLower(v.Name)] = v.Number
	return nil
}

// knownForm is an ATTRIBUTE in the words that the library knows: the types by their older names, the
// number in decimal, and no flag that changes nothing on the wire. virtual marks an attribute that
// never is on the wire.
func knownForm(fields []string) (known []string, virtual bool) {
	known = append(known, fields...)
	if len(known) > 2 && strings.HasPrefix(known[2], "0x") {
		if n, err := strconv.ParseUint(known[2], 0, 31); err == nil {
			known[2] = strconv.FormatUint(n, 10)
		}
	}
	if len(known) > 3 {
		if older, ok := olderTypes()[strings.ToLower(known[3])]; ok {
			known[3] = older
		}
	}
	if len(known) != 5 {
		return known, false
	}
	var flags []string
	for flag := range strings.SplitSeq(known[4], ",") {
		switch flag {
		case "virtual":
			virtual = true
		case "array", "secret":
		default:
			flags = append(flags, flag)
		}
	}
	if len(flags) == 0 {
		return known[:4], virtual
	}
	known[4] = strings.Join(flags, ",")
	return known, virtual
}

// olderTypes are the names that the library knows of types that have two.
func olderTypes() map[string]string {
	return map[string]string{
		"text": "string", "uint8": "byte", "uint16": "short", "uint32": "integer", "uint64": "integer64",
		"int32": "signed", "ipv4addr": "ipaddr", "time": "date",
	}
}

// define has the library read one definition.
func define(fields []string) (*dictionary.Dictionary, error) {
	var parser dictionary.Parser
	parsed, err := parser.Parse(oneLine{strings.NewReader(strings.Join(fields, " "))})
	var wrapped *dictionary.ParseError
	if errors.As(err, &wrapped) {
		err = wrapped.Inner // the place in the one line tells nothing
	}
	return parsed, err
}

// oneLine is a file for the library.
type oneLine struct{ io.Reader }

// Close does nothing.
func (oneLine) Close() error { return nil }

// Name is empty: it would only stand in an error's text.
func (oneLine) Name() string { return "" }
