package state

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"sallyport/login"
)

var errTruncated = errors.New("truncated or malformed field")

// wire encodes a message, or decodes one, by the same list of fields: each type names its fields
// once, in a method that is given a wire. Fields are in the order of their numbers, which saves
// remembering them; zero values are not written, and fields that are not known are passed over.
//
// A wire may be used again and again, by one goroutine at a time. The zero value is ready.
type wire struct {
	names    names
	decoding bool
	out      []byte
	in       []byte
	next     rawField // of in, when found
	found    bool
	err      error
}

// rawField is a field as it is on the wire.
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

// encode returns the octets of m, which are good until w is used again.
func (w *wire) encode(m message) []byte {
	w.decoding, w.out = false, w.out[:0]
	m.wire(w)
	return w.out
}

// decode reads a whole message. What it decodes shares the memory of b, strings apart.
func (w *wire) decode(b []byte, m message) error {
	w.decoding, w.err = true, nil
	w.message(b, m)
	return w.err
}

// message decodes a message inside another, or the outermost.
func (w *wire) message(b []byte, m message) {
	in, next, found := w.in, w.next, w.found
	w.in, w.found = b, false
	m.wire(w)
	for w.peek() { // what newer programs have added must be well formed too
		w.found = false
	}
	w.in, w.next, w.found = in, next, found
}

func decodeMessage(b []byte, m message) error {
	var w wire
	return w.decode(b, m)
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

// done reports whether a message that is being decoded has no more fields: most lack the last ones.
func (w *wire) done() bool { return w.decoding && !w.peek() }

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

// str is a text of its own. Where p holds the same text already, it is kept: that saves a copy of
// what the caller knows.
func (w *wire) str(n protowire.Number, p *string) {
	if !w.decoding {
		w.encodeString(n, *p)
		return
	}
	if f, _ := w.field(n, protowire.BytesType); string(f.octs) != *p {
		*p = string(f.octs)
	}
}

// name is a text that many messages have: a client or a factor.
func (w *wire) name(n protowire.Number, p *string) {
	if !w.decoding {
		w.encodeString(n, *p)
		return
	}
	f, _ := w.field(n, protowire.BytesType)
	var shared bool
	if *p, shared = w.names.find(f.octs); !shared {
		*p = string(f.octs)
	}
}

func (w *wire) encodeString(n protowire.Number, s string) {
	if s != "" {
		w.out = protowire.AppendTag(w.out, n, protowire.BytesType)
		w.out = protowire.AppendString(w.out, s)
	}
}

// octets shares the memory of what it decodes; whoever keeps them as they are keeps all of it.
func (w *wire) octets(n protowire.Number, p *[]byte) {
	if w.decoding {
		if f, ok := w.field(n, protowire.BytesType); ok && len(f.octs) > 0 {
			*p = slices.Clip(f.octs)
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

// tags are tags without anything between them.
func (w *wire) tags(n protowire.Number, p *[]login.Tag) {
	var joined []byte
	if !w.decoding {
		for i := range *p {
			joined = append(joined, (*p)[i][:]...)
		}
		w.octets(n, &joined)
		return
	}
	if w.octets(n, &joined); len(joined)%len(login.Tag{}) != 0 {
		w.fail(n, "wrong length")
		return
	}
	for ; len(joined) > 0; joined = joined[len(login.Tag{}):] {
		*p = append(*p, login.Tag(joined))
	}
}

// nested writes a message as a field that may be repeated.
func (w *wire) nested(n protowire.Number, m message) {
	w.out = protowire.AppendTag(w.out, n, protowire.BytesType)
	start := len(w.out)
	m.wire(w)
	size := len(w.out) - start
	// The length comes first, and is known now.
	body := start + protowire.SizeVarint(uint64(size))
	w.out = slices.Grow(w.out, body-start)[:body+size]
	copy(w.out[body:], w.out[start:])
	protowire.AppendVarint(w.out[:start], uint64(size))
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
		var none T
		*items = append(*items, none)
		if w.inner(n, f.octs, P(&(*items)[len(*items)-1])); w.err != nil {
			return
		}
	}
}

// inner decodes a message inside field n.
func (w *wire) inner(n protowire.Number, b []byte, m message) {
	if w.message(b, m); w.err != nil {
		w.err = fmt.Errorf("field %d: %w", n, w.err)
	}
}

// optional encodes or decodes a message that may be missing.
func optional[T any, P interface {
	*T
	message
}](w *wire, n protowire.Number, item **T) {
	if !w.decoding {
		if *item != nil {
			w.nested(n, P(*item))
		}
		return
	}
	if f, ok := w.field(n, protowire.BytesType); ok {
		*item = new(T)
		w.inner(n, f.octs, P(*item))
	}
}

// part encodes or decodes a message that is always there.
func part[T any, P interface {
	*T
	message
}](w *wire, n protowire.Number, item *T) {
	if !w.decoding {
		w.nested(n, P(item))
		return
	}
	if f, ok := w.field(n, protowire.BytesType); ok {
		w.inner(n, f.octs, P(item))
	}
}
