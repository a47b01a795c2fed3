package radius

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"layeh.com/radius/dictionary"
)

// maxDictionary is the size in octets above which a file is taken for something else: the largest of
// FreeRADIUS 3 has a tenth of it.
const maxDictionary = 1 << 20

// dictionaryReader reads files into a dictionary. It keeps files, vendors and blocks itself and gives
// the library one definition at a time, since that gives up at the first definition that it does not
// support, and knows no directory but one.
type dictionaryReader struct {
	into    *Dictionary
	vendors map[string]*vendor
	// open returns what a file holds.
	open func(path string) (string, error)
	// read are the files that were begun, so that one that is included twice, or by itself, is read
	// once.
	read map[string]bool
}

// place is where the reader is in one file.
type place struct {
	dir string
	// block is the vendor between BEGIN-VENDOR and END-VENDOR.
	block *vendor
	// refused says why nothing of the block can be used.
	refused string
	// inTLV is true between BEGIN-TLV and END-TLV.
	inTLV bool
}

// obstacle says why what is defined here cannot be used; "" where it can.
func (p *place) obstacle() string {
	if p.inTLV {
		return isPart
	}
	return p.refused
}

// file reads a file.
func (r *dictionaryReader) file(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if r.read[path] {
		return nil
	}
	r.read[path] = true
	content, err := r.open(path)
	if err != nil {
		return err
	}
	return r.text(path, content)
}

// readDictionary returns what a file of a sensible size holds.
func readDictionary(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // only read
	content, err := io.ReadAll(io.LimitReader(f, maxDictionary+1))
	if err == nil && len(content) > maxDictionary {
		err = fmt.Errorf("%s is larger than 1 MiB: it is no dictionary", path)
	}
	return string(content), err
}

// text reads what a file holds.
func (r *dictionaryReader) text(path, content string) error {
	p := &place{dir: filepath.Dir(path)}
	number := 0
	for line := range strings.Lines(content) {
		number++
		line, _, _ = strings.Cut(line, "#")
		if fields := strings.Fields(line); len(fields) > 0 {
			if err := r.line(p, fields); err != nil {
				return fmt.Errorf("%s:%d: %w", path, number, err)
			}
		}
	}
	if p.block != nil {
		return fmt.Errorf("%s: BEGIN-VENDOR %s has no END-VENDOR", path, p.block.Name)
	}
	return nil
}

// line takes one line in. The format knows no quotes, so that its words are its fields.
func (r *dictionaryReader) line(p *place, fields []string) error {
	if len(fields) < 2 {
		return errors.New("the line is not complete")
	}
	switch word := strings.ToUpper(fields[0]); word {
	case "$INCLUDE", "$INCLUDE-":
		return r.include(p, fields[1], word == "$INCLUDE-")
	case "BEGIN-VENDOR":
		return r.begin(p, fields[1:])
	case "END-VENDOR":
		if p.block == nil || !strings.EqualFold(p.block.Name, fields[1]) {
			return fmt.Errorf("END-VENDOR %s has no BEGIN-VENDOR", fields[1])
		}
		p.block, p.refused = nil, ""
	case "BEGIN-TLV", "END-TLV":
		p.inTLV = word == "BEGIN-TLV"
	case "VENDOR":
		return r.vendor(fields)
	case "ATTRIBUTE":
		return r.attribute(p, fields)
	case "VALUE":
		return r.value(fields)
	default:
		return fmt.Errorf("%q is not a word of a FreeRADIUS 3 dictionary", fields[0])
	}
	return nil
}

func (r *dictionaryReader) include(p *place, path string, optional bool) error {
	if !filepath.IsAbs(path) {
		path = filepath.Join(p.dir, path)
	}
	err := r.file(path)
	if optional && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (r *dictionaryReader) begin(p *place, fields []string) error {
	v := r.vendors[strings.ToLower(fields[0])]
	switch {
	case p.block != nil:
		return fmt.Errorf("BEGIN-VENDOR %s stands before END-VENDOR %s", fields[0], p.block.Name)
	case v == nil:
		return fmt.Errorf("BEGIN-VENDOR %s has no VENDOR: load the file that defines it first", fields[0])
	}
	p.block, p.refused = v, v.refused
	if len(fields) > 1 {
		p.refused = "extended vendor-specific attributes (RFC 6929) are not supported"
	}
	return nil
}

// vendor defines a vendor. One whose format is not supported is known, but not used.
func (r *dictionaryReader) vendor(fields []string) error {
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
	switch octets := v.GetLengthOctets(); {
	case v.Number < 1:
		return fmt.Errorf("the vendor's number %d is not above 0", v.Number)
	case octets < 0 || octets > 2:
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
