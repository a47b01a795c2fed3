package radius

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"layeh.com/radius/dictionary"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"
)

//go:embed dictionary/dictionary.rfc
var standardDictionary string

// Dictionary knows RADIUS attributes by their names: those of the RFCs that an Access-Accept may
// hold, and those of the files it was loaded from. The zero value knows none. It is safe for
// concurrent use.
type Dictionary struct {
	// The names are in lower case.
	definitions map[string]definition
	values      map[string]map[string]uint64
}

// definition is what a dictionary says of one attribute.
type definition struct {
	dictionary.Attribute
	// vendor is nil for the standard's own attributes.
	vendor *vendor
	// refused says why the attribute cannot be used, whoever asks for it; "" where it can.
	refused string
}

// vendor is whoever a Vendor-Specific belongs to.
type vendor struct {
	dictionary.Vendor
	// refused says why its attributes cannot be used.
	refused string
}

// plain reports whether its attributes have the format of RFC 2865 §5.26: one octet each for number
// and length.
func (v *vendor) plain() bool {
	return v.refused == "" && v.GetTypeOctets() == 1 && v.GetLengthOctets() == 1
}

// LoadDictionary reads files in the format of FreeRADIUS 3, with what they include. What a later
// file says of a name counts. The attributes of the RFCs need no file. Errors name file and line, and
// are those of all files, joined. A definition that Sallyport cannot use is no error: [NewReplyRule]
// says so to whoever names it.
func LoadDictionary(files []string) (*Dictionary, error) {
	return loadDictionary(files, readDictionary)
}

func loadDictionary(files []string, open func(path string) (string, error)) (*Dictionary, error) {
	d := &Dictionary{definitions: make(map[string]definition), values: make(map[string]map[string]uint64)}
	r := dictionaryReader{into: d, vendors: make(map[string]*vendor), read: make(map[string]bool), open: open}
	faults := []error{r.text("dictionary.rfc", standardDictionary)}
	for _, file := range files {
		faults = append(faults, r.file(file))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return d, nil
}

// find returns the definition of an attribute that may stand in a reply. The error says why there is
// none.
func (d *Dictionary) find(name string) (definition, error) {
	def, known := d.definitions[strings.ToLower(name)]
	if !known {
		return definition{}, errors.New("no dictionary has this attribute: check its spelling, or add the vendor's file to [radius] dictionaries")
	}
	if obstacle := def.obstacle(); obstacle != "" {
		return definition{}, fmt.Errorf("cannot be given with a reply: %s", obstacle)
	}
	return def, nil
}

// What attributes are that cannot be written.
const (
	isPart     = "it is part of another attribute, and parts cannot be written"
	isInternal = "it is FreeRADIUS's own and never leaves it"
)

func noType(name string) string { return fmt.Sprintf("the type %s is not supported", name) }

// obstacle says why an attribute cannot stand in a reply; "" where it can.
func (d definition) obstacle() string {
	switch number, most := d.OID[0], d.most(); {
	case d.refused != "":
		return d.refused
	case len(d.OID) > 1:
		return isPart
	case d.vendor == nil && number > most:
		return isInternal
	case number < 1 || number > most:
		return fmt.Sprintf("its number %d is not one of 1 to %d", number, most)
	case d.vendor == nil && slices.Contains(serverAttributes(), number):
		return "the server itself decides what stands in it"
	case d.FlagEncrypt.Valid && d.FlagEncrypt.Int != dictionary.EncryptTunnelPassword:
		return fmt.Sprintf("encrypt=%d is not supported, only encrypt=2 (RFC 2868 section 3.5)", d.FlagEncrypt.Int)
	case !encodable(d.Type):
		return noType(d.Type.String())
	}
	return ""
}

// most is the greatest number that an attribute of this vendor may have.
func (d definition) most() int {
	if d.vendor == nil {
		return 1<<8 - 1
	}
	return 1<<min(8*d.vendor.GetTypeOctets(), 31) - 1
}

// hidden reports whether the value is hidden on the wire.
func (d definition) hidden() bool { return d.FlagEncrypt.Valid }

// serverAttributes are the standard attributes that only the server itself writes, those that no
// Access-Accept may have, and the envelope of vendors' attributes, which have names of their own.
func serverAttributes() []int {
	return []int{
		int(rfc2865.UserPassword_Type), int(rfc2865.CHAPPassword_Type), int(rfc2865.ReplyMessage_Type),
		int(rfc2865.State_Type), int(rfc2865.VendorSpecific_Type), int(rfc2865.ProxyState_Type), int(rfc2865.CHAPChallenge_Type),
		int(rfc2869.Prompt_Type), int(rfc2869.EAPMessage_Type), int(rfc2869.MessageAuthenticator_Type),
	}
}
