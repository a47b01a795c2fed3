package ldap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// maxAnswer bounds the bytes of one answer, whether in one message or in many; each page of a search is an answer. An
// entry has a few KiB; a person in 2,000 groups 300.
const maxAnswer = 1 << 20

var errTooLarge = errors.New("the answer is larger than 1 MiB")

// wire counts what is read, knows whether anything was sent, and ends reads and writes in time. Only
// abort may be called at any time; everything else is for one goroutine.
type wire struct {
	// Conn is what is read and written: the socket, or the encryption over it.
	net.Conn
	socket net.Conn
	left   int
	sent   bool

	raw syscall.RawConn
	// look is wire.peek; it is kept because making it costs memory each time. It leaves in quiet whether
	// there is nothing to read.
	look  func(fd uintptr)
	quiet bool
}

func newWire(socket net.Conn) (*wire, error) {
	system, ok := socket.(syscall.Conn)
	if !ok {
		return nil, fmt.Errorf("a %T is no socket", socket)
	}
	raw, err := system.SyscallConn()
	if err != nil {
		return nil, err
	}
	w := &wire{Conn: socket, socket: socket, raw: raw}
	w.look = w.peek
	return w, nil
}

// encrypt makes everything from here on TLS.
func (w *wire) encrypt(ctx context.Context, config *tls.Config) error {
	secured := tls.Client(w.socket, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		return err
	}
	w.Conn = secured
	return nil
}

// Write remembers that the question has left, unless nothing of it did.
func (w *wire) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	w.sent = w.sent || n > 0 || err == nil
	return n, err
}

// Read reads as much as the current question may still cost.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if w.left -= n; w.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

func (w *wire) begin(deadline time.Time) {
	w.left, w.sent = maxAnswer, false
	w.socket.SetDeadline(deadline)
}

// nextAnswer lets the question have another answer.
func (w *wire) nextAnswer() { w.left = maxAnswer }

// abort fails every read and write, now and later.
func (w *wire) abort() { w.socket.SetDeadline(time.Unix(1, 0)) }

// isQuiet reports whether the socket is open and there is nothing to read.
func (w *wire) isQuiet() bool { return w.raw.Control(w.look) == nil && w.quiet }

func (w *wire) peek(fd uintptr) {
	var octet [1]byte
	_, _, err := unix.Recvfrom(int(fd), octet[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	w.quiet = errors.Is(err, unix.EAGAIN)
}
