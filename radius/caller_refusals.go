package radius

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// A passcode may go to the next server only when nobody can have read it. The error that a socket
// returns does not tell which of many requests was refused, so the Caller reads the kernel's error
// queue, where each report of the network (ICMP) quotes the packet that it is about. A report whose
// quotation is too short to be recognised is passed over. Since the quotation must have the Request
// Authenticator, 16 random octets, whoever cannot see the request cannot forge its refusal either.

// askForRefusals turns the error queue on. It also lets a host that cannot be reached be reported at
// once, which the kernel otherwise keeps from UDP sockets.
func askForRefusals(conn *net.UDPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	level, option := unix.IPPROTO_IP, unix.IP_RECVERR
	if conn.LocalAddr().(*net.UDPAddr).IP.To4() == nil {
		level, option = unix.IPPROTO_IPV6, unix.IPV6_RECVERR
	}
	var optErr error
	err = raw.Control(func(fd uintptr) { optErr = unix.SetsockoptInt(int(fd), level, option, 1) })
	return errors.Join(err, optErr)
}

// maxReports bounds what is read of the error queue at a time; the kernel bounds the queue itself.
const maxReports = 1024

// readRefusals tells each request that the error queue quotes.
func (c *Caller) readRefusals() {
	raw, err := c.conn.SyscallConn()
	if err != nil {
		return
	}
	quoted, control := make([]byte, headerSize), make([]byte, 128)
	_ = raw.Control(func(fd uintptr) { // fails only on a closed socket, which has nothing to report
		for range maxReports {
			n, oob, _, _, err := unix.Recvmsg(int(fd), quoted, control, unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
			if err != nil {
				return
			}
			c.refuse(quoted[:n], reported(control[:oob]))
		}
	})
}

// reported is the error of a report: its first field (struct sock_extended_err of recvmsg's manual).
func reported(control []byte) error {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return err
	}
	for _, m := range messages {
		if len(m.Data) >= 4 {
			return syscall.Errno(binary.NativeEndian.Uint32(m.Data))
		}
	}
	return syscall.EHOSTUNREACH
}

// refuse tells the request that begins with these octets.
func (c *Caller) refuse(quoted []byte, why error) {
	if len(quoted) < headerSize {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if waiting := c.pending[quoted[1]]; waiting != nil && bytes.Equal(waiting.request[:headerSize], quoted) {
		waiting.refuse(why)
	}
}

// sendTries is how often a packet is given to the kernel before it counts as unsendable: a socket
// first returns the reports about earlier packets, and sends nothing then.
const sendTries = 4

// transmit sends the request once. An error means that it was not sent.
func (c *Caller) transmit(request []byte) (err error) {
	for range sendTries {
		if _, err = c.conn.Write(request); err == nil || errors.Is(err, net.ErrClosed) {
			return err
		}
		c.readRefusals()
	}
	return err
}
