package config

import (
	"net"
	"net/netip"
	"strconv"
)

// cluster checks how the other nodes reach this one.
func (c *checker) cluster() {
	c.oneOf("cluster.profile", c.Cluster.Profile, "lan", "wan")
	if c.Cluster.Listen == "" {
		if c.Cluster.Advertise != "" {
			c.fault("cluster.advertise", "means nothing without listen: set both, or leave both out for a node that is alone")
		}
		return
	}
	listen, err := netip.ParseAddrPort(c.Cluster.Listen)
	switch {
	case err != nil:
		c.fault("cluster.listen", `must be an IP address and a port, such as "192.0.2.11:18300"`)
		return
	case listen.Port() == 0:
		c.fault("cluster.listen", "has port 0: the other nodes must know the port, such as 18300")
		return
	}
	c.advertised(listen.Addr().Unmap())
}

// advertised checks the address that the other nodes are given, for a node that listens on an address.
func (c *checker) advertised(listen netip.Addr) {
	const key = "cluster.advertise"
	if c.Cluster.Advertise == "" {
		if listen.IsUnspecified() {
			c.fault(key, "missing: listen is every address of this machine, so say at which of them the other nodes reach it")
		}
		return
	}
	host, service, err := net.SplitHostPort(c.Cluster.Advertise)
	port, portErr := strconv.ParseUint(service, 10, 16)
	if err != nil || portErr != nil || host == "" || port == 0 {
		c.fault(key, `must be a host and a port, such as "node1.corp.example:18300"`)
		return
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case err != nil && host != "localhost": // a name: the other nodes look it up
	case err == nil && ip.IsUnspecified():
		c.fault(key, "is every address: name the one at which the other nodes reach this machine")
	case (host == "localhost" || ip.Unmap().IsLoopback()) && !listen.IsLoopback():
		c.fault(key, "is this machine only: name the address at which the other nodes reach it")
	}
}
