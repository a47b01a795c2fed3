package state

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"sallyport/login"
)

// EncodeResult returns the octets of a result, which travels from the leader to the node that asked.
func EncodeResult(r Result) []byte {
	return appendMessage(append(make([]byte, 0, 64), version), &r)
}

// DecodeResult reads what [EncodeResult] wrote, also by a newer program as far as this one knows the
// fields. The result shares the memory of b.
func DecodeResult(b []byte) (Result, error) {
	if len(b) == 0 || b[0] != version {
		return Result{}, errors.New("result: version is not known")
	}
	var r Result
	if err := decodeMessage(b[1:], &r); err != nil {
		return Result{}, fmt.Errorf("result: %w", err)
	}
	return r, nil
}

func (r *Result) wire(w *wire) {
	number(w, 1, &r.Status)
	outcome := outcomeMessage(r.Outcome)
	part[outcomeMessage](w, 2, &outcome)
	r.Outcome = login.Outcome(outcome)
	optional[Challenge](w, 3, &r.Opened)
	w.bool(4, &r.Stale)
	w.bool(5, &r.Fresh)
	word(w, 6, &r.Refusal)
	w.int(7, &r.SendAt)
	count(w, 8, &r.Count)
}

// outcomeMessage is an outcome on the wire.
type outcomeMessage login.Outcome

func (o *outcomeMessage) wire(w *wire) {
	word(w, 1, &o.Code)
	count(w, 2, &o.AttemptsLeft)
	w.bool(3, &o.Stale)
	w.bool(4, &o.Repeated)
	w.bool(5, &o.Claimed)
	w.bool(6, &o.Pending)
	number(w, 7, &o.Sequence)
	w.str(8, &o.Grant)
	w.str(9, &o.Factor)
	count(w, 10, &o.Remaining)
	w.bool(11, &o.Near)
}

// word is a text of a type of its own.
func word[T ~string](w *wire, n protowire.Number, p *T) {
	s := string(*p)
	w.str(n, &s)
	*p = T(s)
}

// count is a number of things.
func count(w *wire, n protowire.Number, p *int) {
	v := int64(*p)
	w.int(n, &v)
	*p = int(v)
}
