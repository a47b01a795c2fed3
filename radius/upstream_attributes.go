package radius

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"sallyport/login"
)

// attributeList are the attributes of an upstream's Accept that are passed on. The zero value passes
// on Class alone.
type attributeList struct {
	allowed []attributeID
}

// attributeID names an attribute; vendor 0 is the standard.
type attributeID struct {
	vendor uint32
	number uint8
}

// newAttributeList reads names and numbers. Errors name every one that cannot be passed on; own is the
// vendor of the Sallyport attributes.
func newAttributeList(d *Dictionary, own uint32, names []string) (attributeList, error) {
	var l attributeList
	var faults []error
	if d == nil {
		var err error
		if d, err = LoadDictionary(nil); err != nil {
			return l, err
		}
	}
	for _, name := range names {
		id, err := parseAttributeID(d, name)
		if err == nil {
			err = id.vet(d, own)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("pass_attributes: %q: %w", name, err))
		}
		l.allowed = append(l.allowed, id)
	}
	return l, errors.Join(faults...)
}

var errOwnFormat = errors.New("its vendor has a format of its own")

// parseAttributeID reads "Filter-Id", "11" or "9:1".
func parseAttributeID(d *Dictionary, name string) (attributeID, error) {
	vendor, number, isVendors := strings.Cut(name, ":")
	if !isVendors {
		vendor, number = "0", name
	}
	v, vendorErr := strconv.ParseUint(vendor, 10, 32)
	n, err := strconv.ParseUint(number, 10, 8)
	switch {
	case err == nil && vendorErr == nil && n > 0:
		return attributeID{uint32(v), uint8(n)}, nil
	case isVendors || err == nil:
		return attributeID{}, errors.New("want a name, a number from 1 to 255, or vendor:number")
	}
	def, err := d.find(name)
	switch {
	case err != nil:
		return attributeID{}, err
	case def.vendor == nil:
		return attributeID{number: uint8(def.OID[0])}, nil
	case !def.vendor.plain():
		return attributeID{}, errOwnFormat
	}
	return attributeID{uint32(def.vendor.Number), uint8(def.OID[0])}, nil
}

// vet returns an error for an attribute that cannot be passed on, by whatever name or number it was
// listed.
func (id attributeID) vet(d *Dictionary, own uint32) error {
	for _, def := range d.definitions {
		switch {
		case def.vendor == nil && id.vendor != 0, def.vendor != nil && uint32(def.vendor.Number) != id.vendor:
		case def.vendor != nil && !def.vendor.plain():
			return errOwnFormat
		case len(def.OID) == 1 && def.OID[0] == int(id.number) && def.hidden():
			return errors.New("it is hidden under the upstream's secret and cannot be passed on")
		}
	}
	if !forwardable(own, login.Attribute{Vendor: id.vendor, Type: id.number, Value: []byte{0}}) {
		return errors.New("the server itself says what this attribute holds")
	}
	return nil
}

// of returns what is passed on of a packet, in its order.
func (l attributeList) of(p *codec.Packet) (passed []login.Attribute) {
	for _, a := range p.Attributes {
		switch {
		case len(a.Attribute) == 0 || a.Type < 1 || a.Type > 255:
		case a.Type == rfc2865.VendorSpecific_Type:
			passed = append(passed, l.vendors(a.Attribute)...)
		case a.Type == rfc2865.Class_Type || slices.Contains(l.allowed, attributeID{number: uint8(a.Type)}):
			passed = append(passed, login.Attribute{Type: uint8(a.Type), Value: slices.Clone(a.Attribute)})
		}
	}
	return passed
}

// vendors returns what is passed on of a Vendor-Specific, which may hold several attributes.
func (l attributeList) vendors(value []byte) (passed []login.Attribute) {
	if len(value) < 4 {
		return nil
	}
	vendor := binary.BigEndian.Uint32(value)
	for _, v := range vendorAttributes(value, vendor) {
		if len(v.value) > 0 && slices.Contains(l.allowed, attributeID{vendor, v.number}) {
			passed = append(passed, login.Attribute{Vendor: vendor, Type: v.number, Value: slices.Clone(v.value)})
		}
	}
	return passed
}
