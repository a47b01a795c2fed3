package state

import (
	"bytes"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

var errTruncated = errors.New("truncated or malformed field")

// wire encodes a message, or decodes one, by the same list of fields: each type names its fields
// once, in a method that is given a wire. Fields are in the order of their numbers, which saves
// remembering them; zero values are not written, and fields that are not known are passed over.
type wire struct {
	decoding bool
	out      []byte
	in       []byte
	next     rawField // of in, when found
	found    bool
	err      error
}

type rawField struct {
	number protowire.Number
	typ    protowire.Type
	num    uint64
	octs   []byte
}

// message is what can be encoded and decoded.
type message interface{ wire(*wire) }

func appendMessage(b []byte, m message) []byte {
	w := wire{out: b}
	m.wire(&w)
	return w.out
}

func decodeMessage(b []byte, m message) error {
	w := wire{decoding: true, in: b}
	m.wire(&w)
	for w.peek() { // what newer programs have added must be well formed too
		w.found = false
	}
	return w.err
}

// peek reads the next field, if there is one and it was not read yet.
func (w *wire) peek() bool {
	if w.found || len(w.in) == 0 || w.err != nil {
		return w.found
	}
	var n int
	if w.next, n = consumeField(w.in); n < 0 {
		w.err = errTruncated
		return false
	}
	w.in = w.in[n:]
	w.found = true
	return true
}

// consumeField returns the first field of b and its length, which is negative for a malformed one.
// Only varints and octets have a value here.
func consumeField(b []byte) (f rawField, size int) {
	var n int
	if f.number, f.typ, n = protowire.ConsumeTag(b); n < 0 {
		return f, n
	}
	size = n
	switch f.typ {
	case protowire.VarintType:
		f.num, n = protowire.ConsumeVarint(b[size:])
	case protowire.BytesType:
		f.octs, n = protowire.ConsumeBytes(b[size:])
	default:
		n = protowire.ConsumeFieldValue(f.number, f.typ, b[size:])
	}
	if n < 0 {
		return f, n
	}
	return f, size + n
}

// field returns field n when it is there and of the type that is expected. What comes before it
// and was not asked for is passed over.
func (w *wire) field(n protowire.Number, typ protowire.Type) (rawField, bool) {
	for w.peek() && w.next.number <= n {
		w.found = false
		if w.next.number < n {
			continue
		}
		if w.next.typ != typ {
			w.fail(n, "wrong type")
			return rawField{}, false
		}
		return w.next, true
	}
	return rawField{}, false
}

func (w *wire) fail(n protowire.Number, what string) {
	if w.err == nil {
		w.err = fmt.Errorf("field %d: %s", n, what)
	}
}

// decodeUint returns field n, which is at most limit.
func (w *wire) decodeUint(n protowire.Number, limit uint64) (uint64, bool) {
	f, ok := w.field(n, protowire.VarintType)
	if ok && f.num > limit {
		w.fail(n, "out of range")
		return 0, false
	}
	return f.num, ok
}

func (w *wire) encodeUint(n protowire.Number, v uint64) {
	if v != 0 {
		w.out = protowire.AppendTag(w.out, n, protowire.VarintType)
		w.out = protowire.AppendVarint(w.out, v)
	}
}

// number is an unsigned number. While encoding, p is only read: what is stored is never written to.
func number[T ~uint8 | ~uint32 | ~uint64](w *wire, n protowire.Number, p *T) {
	if !w.decoding {
		w.encodeUint(n, uint64(*p))
		return
	}
	if v, ok := w.decodeUint(n, uint64(^T(0))); ok {
		*p = T(v)
	}
}

func (w *wire) bool(n protowire.Number, p *bool) {
	if !w.decoding {
		if *p {
			w.encodeUint(n, 1)
		}
		return
	}
	if v, ok := w.decodeUint(n, 1); ok {
		*p = v == 1
	}
}

// int is a signed number: nanoseconds since 1970, or a duration in nanoseconds.
func (w *wire) int(n protowire.Number, p *int64) {
	if !w.decoding {
		w.encodeUint(n, protowire.EncodeZigZag(*p))
		return
	}
	if v, ok := w.decodeUint(n, 1<<64-1); ok {
		*p = protowire.DecodeZigZag(v)
	}
}

func (w *wire) str(n protowire.Number, p *string) {
	if w.decoding {
		if f, ok := w.field(n, protowire.BytesType); ok {
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
		if f, ok := w.field(n, protowire.BytesType); ok && len(f.octs) > 0 {
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
		f, ok := w.field(n, protowire.BytesType)
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
	for f, ok := w.field(n, protowire.BytesType); ok; f, ok = w.field(n, protowire.BytesType) {
		var item T
		if err := decodeMessage(f.octs, P(&item)); err != nil {
			w.fail(n, err.Error())
			return
		}
		*items = append(*items, item)
	}
}
