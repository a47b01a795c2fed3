package state

import (
	"bytes"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// maxField is the highest field number of any message here; higher ones are ignored.
const maxField = 31

var errTruncated = errors.New("truncated or malformed field")

// wire encodes a message, or decodes one, by the same list of fields: each type names its fields
// once, in a method that is given a wire. Zero values are not written.
type wire struct {
	decoding bool
	out      []byte
	in       []byte
	raw      [maxField + 1]rawField
	err      error
}

// rawField is a field as found: kind is 0 when it was absent, else its wire type + 1.
type rawField struct {
	kind protowire.Type
	num  uint64
	octs []byte
}

const (
	kindVarint = protowire.VarintType + 1
	kindOctets = protowire.BytesType + 1
)

// message is what can be encoded and decoded.
type message interface{ wire(*wire) }

func appendMessage(b []byte, m message) []byte {
	w := wire{out: b}
	m.wire(&w)
	return w.out
}

func decodeMessage(b []byte, m message) error {
	w := wire{decoding: true, in: b}
	if err := w.scan(); err != nil {
		return err
	}
	m.wire(&w)
	return w.err
}

// scan remembers the last occurrence of each field.
func (w *wire) scan() error {
	return eachField(w.in, func(n protowire.Number, f rawField) {
		if n <= maxField {
			w.raw[n] = f
		}
	})
}

// eachField calls fn for every varint and octets field of b, in order; other types are skipped.
func eachField(b []byte, fn func(protowire.Number, rawField)) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errTruncated
		}
		b = b[n:]
		f := rawField{kind: typ + 1}
		switch typ {
		case protowire.VarintType:
			f.num, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			f.octs, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(num, typ, b)
		}
		if n < 0 {
			return errTruncated
		}
		b = b[n:]
		if f.kind == kindVarint || f.kind == kindOctets {
			fn(num, f)
		}
	}
	return nil
}

// field returns the field when it is there and of the kind that is expected.
func (w *wire) field(n protowire.Number, kind protowire.Type) (rawField, bool) {
	f := w.raw[n]
	if f.kind == 0 {
		return f, false
	}
	if f.kind != kind {
		w.fail(n, "wrong type")
		return f, false
	}
	return f, true
}

func (w *wire) fail(n protowire.Number, what string) {
	if w.err == nil {
		w.err = fmt.Errorf("field %d: %s", n, what)
	}
}

func (w *wire) uint(n protowire.Number, p *uint64) {
	if w.decoding {
		if f, ok := w.field(n, kindVarint); ok {
			*p = f.num
		}
		return
	}
	if *p != 0 {
		w.out = protowire.AppendTag(w.out, n, protowire.VarintType)
		w.out = protowire.AppendVarint(w.out, *p)
	}
}

func (w *wire) uint32(n protowire.Number, p *uint32) {
	v := uint64(*p)
	w.uint(n, &v)
	if v > 1<<32-1 {
		w.fail(n, "out of range")
	}
	*p = uint32(v)
}

func (w *wire) uint8(n protowire.Number, p *uint8) {
	v := uint64(*p)
	w.uint(n, &v)
	if v > 1<<8-1 {
		w.fail(n, "out of range")
	}
	*p = uint8(v)
}

func (w *wire) bool(n protowire.Number, p *bool) {
	var v uint64
	if *p {
		v = 1
	}
	w.uint(n, &v)
	*p = v != 0
}

// int is a signed number: nanoseconds since 1970, or a duration in nanoseconds.
func (w *wire) int(n protowire.Number, p *int64) {
	v := protowire.EncodeZigZag(*p)
	w.uint(n, &v)
	*p = protowire.DecodeZigZag(v)
}

func (w *wire) str(n protowire.Number, p *string) {
	if w.decoding {
		if f, ok := w.field(n, kindOctets); ok {
			*p = string(f.octs)
		}
		return
	}
	if *p != "" {
		w.out = protowire.AppendTag(w.out, n, protowire.BytesType)
		w.out = protowire.AppendString(w.out, *p)
	}
}

// octets copies what it decodes: a log entry must not be kept alive by the state.
func (w *wire) octets(n protowire.Number, p *[]byte) {
	if w.decoding {
		if f, ok := w.field(n, kindOctets); ok && len(f.octs) > 0 {
			*p = bytes.Clone(f.octs)
		}
		return
	}
	if len(*p) > 0 {
		w.out = protowire.AppendTag(w.out, n, protowire.BytesType)
		w.out = protowire.AppendBytes(w.out, *p)
	}
}

// fixed is an id or a tag of exactly len(p) octets; all zero means none and is not written.
func (w *wire) fixed(n protowire.Number, p []byte) {
	if w.decoding {
		f, ok := w.field(n, kindOctets)
		if !ok {
			return
		}
		if len(f.octs) != len(p) {
			w.fail(n, "wrong length")
			return
		}
		copy(p, f.octs)
		return
	}
	for _, o := range p {
		if o != 0 {
			w.out = protowire.AppendTag(w.out, n, protowire.BytesType)
			w.out = protowire.AppendBytes(w.out, p)
			return
		}
	}
}

// nested writes a message as a field that may be repeated.
func (w *wire) nested(n protowire.Number, m message) {
	w.out = protowire.AppendTag(w.out, n, protowire.BytesType)
	w.out = protowire.AppendBytes(w.out, appendMessage(nil, m))
}

// list encodes or decodes a repeated message.
func list[T any, P interface {
	*T
	message
}](w *wire, n protowire.Number, items *[]T) {
	if !w.decoding {
		for i := range *items {
			w.nested(n, P(&(*items)[i]))
		}
		return
	}
	_ = eachField(w.in, func(num protowire.Number, f rawField) {
		if num != n || f.kind != kindOctets || w.err != nil {
			return
		}
		var item T
		if err := decodeMessage(f.octs, P(&item)); err != nil {
			w.fail(n, err.Error())
			return
		}
		*items = append(*items, item)
	}) // scan has read the same octets without an error
}
