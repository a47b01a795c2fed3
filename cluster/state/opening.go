package state

import (
	"slices"

	"sallyport/login"
)

// Bounds of an opening. Old sends and keys give way; one candidate too many closes the challenge.
const (
	maxSends    = 16
	maxKeys     = 16
	maxSequence = 63
)

// maxLife is how long sends, candidates and a dialogue can make a challenge live after it was opened:
// while it lives, its code can be guessed at and its place in the ledger is taken.
const maxLife = hour * second

// Opening is what a challenge was opened with, and what has become of it.
type Opening struct {
	Name   string
	Factor string
	Epoch  uint32
	Record []byte // sealed: a candidate, or a dialogue
	Opened int64
	Rejoin login.Tag // zero when there is none, or a newer challenge has it
	// Sequence counts the candidates, and the prompts of a dialogue.
	Sequence uint8
	// Keys name the requests that replaced a candidate, the oldest first.
	Keys []login.Tag
	// Sends are the codes sent to this candidate, the oldest first.
	Sends []Sent
}

// Sent is one code that was sent.
type Sent struct {
	Factor string
	Number uint64
	At     int64
	Failed bool
	Key    login.Tag // of the request
	Act    login.Tag // of the caller who delivers it
}

func (o *Opening) wire(w *wire) {
	w.str(1, &o.Name)
	w.name(2, &o.Factor)
	number(w, 3, &o.Epoch)
	w.octets(4, &o.Record)
	w.int(5, &o.Opened)
	w.fixed(6, o.Rejoin[:])
	number(w, 7, &o.Sequence)
	w.tags(8, &o.Keys)
	list[Sent](w, 9, &o.Sends)
}

func (s *Sent) wire(w *wire) {
	w.name(1, &s.Factor)
	number(w, 2, &s.Number)
	w.int(3, &s.At)
	w.bool(4, &s.Failed)
	w.fixed(5, s.Key[:])
	w.fixed(6, s.Act[:])
}

// replace takes another candidate, which may be one too many: then it is false.
func (o *Opening) replace(factor string, record []byte, key login.Tag) bool {
	if o.Sequence >= maxSequence {
		return false
	}
	o.Sequence++
	o.Factor, o.Record, o.Sends = factor, record, nil
	o.know(key)
	return true
}

// know remembers the key of a request, where it has one.
func (o *Opening) know(key login.Tag) {
	if key != (login.Tag{}) {
		o.Keys = append(o.Keys[max(0, len(o.Keys)-maxKeys+1):], key)
	}
}

// sent remembers a send.
func (o *Opening) sent(s Sent) {
	o.Sends = append(o.Sends[max(0, len(o.Sends)-maxSends+1):], s)
}

// asked reports whether the same request, or the same caller, has a send already.
func (o *Opening) asked(key, act login.Tag) bool {
	return slices.ContainsFunc(o.Sends, func(s Sent) bool {
		return s.Act == act || key != (login.Tag{}) && s.Key == key
	})
}

// last is the newest send, or nil. It may be called on nil.
func (o *Opening) last() *Sent {
	if o == nil || len(o.Sends) == 0 {
		return nil
	}
	return &o.Sends[len(o.Sends)-1]
}
