package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"sallyport/web/admin"
)

// maxDemoNodes is how many nodes the demo has at most: more teach nothing.
const maxDemoNodes = 7

// demoClusterPort is that of the nodes, where the RADIUS port is not a free one.
const demoClusterPort = 18300

// demoNodes is what --nodes says.
func demoNodes(fs *pflag.FlagSet) (int, error) {
	n, err := fs.GetInt("nodes")
	switch {
	case err != nil:
		return 0, err
	case n < 1 || n > maxDemoNodes:
		return 0, usageErrorf("--nodes is between 1 and %d", maxDemoNodes)
	case n > 1 && text(fs, "state") != "":
		return 0, usageErrorf("--state keeps the state of one node: leave it out with --nodes")
	}
	return n, nil
}

// demoNode is a node of the demo's cluster: its addresses and files.
type demoNode struct {
	demoOptions
	config string
}

func (n *demoNode) socket() string { return demoSocket(n.folder) }

// caller asks the node.
func (n *demoNode) caller() *admin.Caller { return admin.NewCaller(n.socket()) }

// makeDemoNodes makes the folders of nodes on 127.0.0.1, 127.0.0.2 and so on, with the ports of o. A
// node that is started again must find its ports, so that free ones are chosen here.
func makeDemoNodes(count int, o demoOptions) ([]*demoNode, error) {
	var nodes []*demoNode
	for i := range count {
		n := &demoNode{demoOptions: o}
		n.node = fmt.Sprintf("node%d", i+1)
		n.folder = filepath.Join(o.folder, n.node)
		n.config = filepath.Join(n.folder, "sallyport.toml")
		if err := os.Mkdir(n.folder, 0o700); err != nil {
			return nil, err
		}
		if err := n.address(netip.AddrFrom4([4]byte{127, 0, 0, byte(i + 1)})); err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

// address moves the node's listeners to an address of its own.
func (n *demoNode) address(ip netip.Addr) error {
	radius, err := netip.ParseAddrPort(n.listen)
	if err != nil {
		return err
	}
	status, err := netip.ParseAddrPort(n.status)
	if err != nil {
		return err
	}
	cluster := uint16(demoClusterPort)
	if radius.Port() == 0 {
		cluster = 0
	}
	for _, l := range []struct {
		setting *string
		network string
		port    uint16
	}{{&n.listen, "udp", radius.Port()}, {&n.status, "tcp", status.Port()}, {&n.cluster, "tcp", cluster}} {
		if *l.setting, err = freePort(l.network, netip.AddrPortFrom(ip, l.port)); err != nil {
			return busyHint(err)
		}
	}
	return nil
}

// freePort finds a port that nobody has, where the port is 0, and sees that nobody has it elsewhere.
func freePort(network string, address netip.AddrPort) (string, error) {
	if network == "udp" {
		conn, err := net.ListenPacket(network, address.String())
		if err != nil {
			return "", err
		}
		defer conn.Close()
		return conn.LocalAddr().String(), nil
	}
	listener, err := net.Listen(network, address.String())
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}
