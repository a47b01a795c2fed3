package radius

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
)

// manner is how one exchange goes.
type manner struct {
	// tries is how often the request may be sent; 0 means Timing.Transmissions.
	tries int
	// refusals is how many reports of a refused packet end the exchange; first means that one is
	// enough while the request was sent once, since then nothing has read it.
	refusals int
	first    bool
	// need is what a reply must have to be believed.
	need signedness
	// hasty ends the exchange at a reply that fails verification, where the RFC would wait for another.
	hasty bool
}

// signedness says what a reply has of Message-Authenticator. A higher one includes the lower ones.
type signedness uint32

const (
	unsigned signedness = iota
	// signed: it has a Message-Authenticator.
	signed
	// signedFirst: as its first attribute (CVE-2024-3596).
	signedFirst
)

func signednessOf(o outline) signedness {
	switch o.ma {
	case 0:
		return unsigned
	case firstValue:
		return signedFirst
	}
	return signed
}

// call is a request that waits for its reply.
type call struct {
	manner
	request []byte
	// authentic has the first authentic reply.
	authentic chan authenticReply
	// hurry ends a hasty exchange.
	hurry chan struct{}
	// refused has what the network reported of an undelivered transmission.
	refused chan error

	mu sync.Mutex
	// bad counts the replies that failed verification, reason is what was wrong with the last.
	bad    int
	reason error
}

// authenticReply is a reply that was verified.
type authenticReply struct {
	packet  []byte
	outline outline
}

func newCall(request []byte, how manner) *call {
	return &call{
		manner: how, request: request,
		authentic: make(chan authenticReply, 1), hurry: make(chan struct{}, 1), refused: make(chan error, 1),
	}
}

// deliver keeps the first reply; a second one is a duplicate.
func (w *call) deliver(a authenticReply) { offer(w.authentic, a) }

func (w *call) refuse(why error) { offer(w.refused, why) }

// offer sends without waiting.
func offer[T any](to chan<- T, v T) {
	select {
	case to <- v:
	default:
	}
}

// spoil notes a reply that failed verification.
func (w *call) spoil(why error) {
	w.mu.Lock()
	w.bad, w.reason = w.bad+1, why
	w.mu.Unlock()
	if w.hasty {
		offer(w.hurry, struct{}{})
	}
}

func (w *call) spoilt() (bad int, last error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bad, w.reason
}

// NoReplyError means that no authentic reply came. Nothing may be concluded about the user.
type NoReplyError struct {
	Server string
	// Sent is how often the request was sent.
	Sent int
	// Bad is how many packets came that failed verification, Reason what was wrong with the last.
	Bad    int
	Reason error
	// Refused says that the network reported a transmission undelivered: the port is closed, or the
	// host cannot be reached.
	Refused bool
	// Cause is the context's error when that ended first, or why nothing could be sent or delivered.
	Cause error
}

// unsentError means that nothing was sent, for a reason that is not the server's.
type unsentError struct{ error }

// Unwrap returns the reason.
func (e unsentError) Unwrap() error { return e.error }

// Unread reports whether no server can have read the request: it was never sent, or its only
// transmission was reported undelivered.
func (e *NoReplyError) Unread() bool {
	return e.Bad == 0 && (e.Sent == 0 || e.Sent == 1 && e.Refused)
}

// Error says what came instead, and what to look at.
func (e *NoReplyError) Error() string {
	switch {
	case e.Bad > 0:
		return fmt.Sprintf("no authentic reply from %s; %d came that failed verification: %v", e.Server, e.Bad, e.Reason)
	case e.Refused && errors.Is(e.Cause, syscall.ECONNREFUSED):
		return fmt.Sprintf("nothing listens on %s: is the server running?", e.Server)
	case e.Refused:
		return fmt.Sprintf("%s cannot be reached: %v", e.Server, e.Cause)
	case e.Sent == 0 && e.Cause != nil:
		return fmt.Sprintf("nothing could be sent to %s: %v", e.Server, e.Cause)
	}
	return fmt.Sprintf("no reply from %s to %d transmissions: the server is down, does not know this address, or has another shared secret", e.Server, e.Sent)
}

// Unwrap returns what was wrong with the last bad reply, and the cause.
func (e *NoReplyError) Unwrap() []error {
	var causes []error
	for _, err := range []error{e.Reason, e.Cause} {
		if err != nil {
			causes = append(causes, err)
		}
	}
	return causes
}
