package radius

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// receiveBuffer is asked of the kernel for each socket: a burst of 4,000 packets waits there while
// the reader is not scheduled. Without privileges the kernel grants at most net.core.rmem_max.
const receiveBuffer = 4 << 20

// socket is a bound UDP socket. On a wildcard address it notes which local address a packet came to,
// so that the reply can leave from there; a client drops a reply from another address.
type socket struct {
	conn     *net.UDPConn
	addr     netip.AddrPort
	wildcard bool
	// buffer is the size of the receive buffer that the kernel granted.
	buffer int
}

// parseListen checks the addresses to listen on and reports every fault.
// A fault begins with the key of the configuration.
func parseListen(key string, texts []string) ([]netip.AddrPort, error) {
	var addrs []netip.AddrPort
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(key+": "+format, args...)) }
	if len(texts) == 0 {
		fault("is empty: name at least one address, such as %q", "0.0.0.0:1812")
	}
	for _, text := range texts {
		addr, err := netip.ParseAddrPort(text)
		switch {
		case err != nil:
			fault("%q is not an IP address with a port, such as %q or %q", text, "0.0.0.0:1812", "[::]:1812")
			continue
		case addr.Addr().Is4In6():
			fault("%q is an IPv4 address in IPv6 form: write %q", text, netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port()))
			continue
		}
		if i := slices.IndexFunc(addrs, func(other netip.AddrPort) bool { return collide(addr, other) }); i >= 0 {
			fault("%q and %q would take the same packets", addrs[i], addr)
		}
		addrs = append(addrs, addr)
	}
	return addrs, errors.Join(faults...)
}

// collide reports whether two addresses cannot be bound both.
func collide(a, b netip.AddrPort) bool {
	if a.Port() == 0 || a.Port() != b.Port() || a.Addr().Is4() != b.Addr().Is4() {
		return false
	}
	return a.Addr() == b.Addr() || a.Addr().IsUnspecified() || b.Addr().IsUnspecified()
}

// listen binds addr. IPv4 and IPv6 never share a socket.
func listen(addr netip.AddrPort) (*socket, error) {
	network := "udp4"
	if addr.Addr().Is6() {
		network = "udp6"
	}
	conn, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, err
	}
	k := &socket{conn: conn, wildcard: addr.Addr().IsUnspecified()}
	k.addr = conn.LocalAddr().(*net.UDPAddr).AddrPort()
	if err := k.configure(); err != nil {
		_ = conn.Close() // the first error is the one to tell
		return nil, err
	}
	return k, nil
}

func (k *socket) configure() error {
	if k.wildcard {
		if err := k.askForDestination(); err != nil {
			return fmt.Errorf("ask for the destination address of packets: %w", err)
		}
	}
	raw, err := k.conn.SyscallConn()
	if err != nil {
		return err
	}
	var optErr error
	err = raw.Control(func(fd uintptr) { k.buffer, optErr = enlargeBuffer(int(fd)) })
	if err = errors.Join(err, optErr); err != nil {
		return fmt.Errorf("set the receive buffer: %w", err)
	}
	return nil
}

// enlargeBuffer asks for the receive buffer, past the kernel's limit where the process may
// (CAP_NET_ADMIN), and returns what was granted. The kernel counts its own bookkeeping in and
// reports twice what was asked for.
func enlargeBuffer(fd int) (granted int, err error) {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer); err != nil {
			return 0, err
		}
	}
	doubled, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	return doubled / 2, err
}

func (k *socket) askForDestination() error {
	if k.addr.Addr().Is4() {
		return ipv4.NewPacketConn(k.conn).SetControlMessage(ipv4.FlagDst|ipv4.FlagInterface, true)
	}
	return ipv6.NewPacketConn(k.conn).SetControlMessage(ipv6.FlagDst|ipv6.FlagInterface, true)
}

// read waits for a datagram. local is the address it came to, invalid where the socket has but one.
func (k *socket) read(b, control []byte) (n int, from netip.AddrPort, local netip.Addr, err error) {
	if !k.wildcard {
		n, from, err = k.conn.ReadFromUDPAddrPort(b)
		return n, from, netip.Addr{}, err
	}
	n, c, _, from, err := k.conn.ReadMsgUDPAddrPort(b, control)
	if err != nil {
		return 0, from, netip.Addr{}, err
	}
	return n, from, k.destination(control[:c]), nil
}

// destination finds the local address in the control message. A link-local one carries its interface,
// as its number.
func (k *socket) destination(control []byte) netip.Addr {
	if k.addr.Addr().Is4() {
		var m ipv4.ControlMessage
		if m.Parse(control) != nil {
			return netip.Addr{}
		}
		addr, _ := netip.AddrFromSlice(m.Dst.To4())
		return addr
	}
	var m ipv6.ControlMessage
	if m.Parse(control) != nil {
		return netip.Addr{}
	}
	addr, _ := netip.AddrFromSlice(m.Dst)
	if addr.IsLinkLocalUnicast() {
		addr = addr.WithZone(strconv.Itoa(m.IfIndex))
	}
	return addr
}

// source is the control message that lets a packet leave from an address that destination has found.
func source(from netip.Addr) []byte {
	if from.Is4() {
		return (&ipv4.ControlMessage{Src: from.AsSlice()}).Marshal()
	}
	m := ipv6.ControlMessage{Src: from.AsSlice()}
	m.IfIndex, _ = strconv.Atoi(from.Zone()) // 0, any interface, where the address has none
	return m.Marshal()
}

// send implements sender.
func (k *socket) send(reply []byte, to netip.AddrPort, from netip.Addr) error {
	if !from.IsValid() {
		_, err := k.conn.WriteToUDPAddrPort(reply, to)
		return err
	}
	_, _, err := k.conn.WriteMsgUDPAddrPort(reply, source(from), to)
	return err
}

// stopReading ends read, now and later. Sending still works.
func (k *socket) stopReading() {
	_ = k.conn.SetReadDeadline(time.Unix(1, 0)) // fails only on a closed socket, which reads nothing
}
