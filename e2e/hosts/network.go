package hosts

import (
	"errors"
	"fmt"
	"sync"
)

// T is the part of [testing.TB] that is needed.
type T interface {
	Helper()
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// Network is a set of hosts and what is lost between them. A program has one at a time. Methods are
// safe for concurrent use.
type Network struct {
	t T

	mu    sync.Mutex
	hosts []*Host
	lost  map[direction]bool
}

// direction is from one host to another.
type direction struct{ from, to *Host }

// Host is a network namespace behind the router, which is the test program. It can be reached at
// Address by all others, by the test program too, which the host sees as Router.
type Host struct {
	Name, Address, Router string

	link string
}

// New makes a network without hosts; its hosts end with the test.
func New(t T) *Network {
	n := &Network{t: t, lost: make(map[direction]bool)}
	t.Cleanup(func() {
		if err := n.Heal(); err != nil {
			t.Fatalf("heal the network: %v", err)
		}
	})
	return n
}

// Host makes a host.
func (n *Network) Host(name string) *Host {
	n.t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	i := len(n.hosts) + 1
	h := &Host{
		Name: name, link: fmt.Sprintf("to-%d", i),
		Address: fmt.Sprintf("10.18.%d.2", i), Router: fmt.Sprintf("10.18.%d.1", i),
	}
	if err := h.create(); err != nil {
		n.t.Fatalf("make host %s: %v", name, err)
	}
	n.t.Cleanup(func() {
		if err := errors.Join(ip("link", "delete", h.link), ip("netns", "delete", h.Name)); err != nil {
			n.t.Fatalf("remove host %s: %v", name, err)
		}
	})
	n.hosts = append(n.hosts, h)
	return h
}

func (h *Host) create() error {
	for _, args := range [][]string{
		{"netns", "add", h.Name},
		{"link", "add", h.link, "type", "veth", "peer", "name", "eth0", "netns", h.Name},
		{"address", "add", h.Router + "/24", "dev", h.link},
		{"link", "set", h.link, "up"},
		{"-n", h.Name, "link", "set", "lo", "up"},
		{"-n", h.Name, "address", "add", h.Address + "/24", "dev", "eth0"},
		{"-n", h.Name, "link", "set", "eth0", "up"},
		{"-n", h.Name, "route", "add", "default", "via", h.Router},
	} {
		if err := ip(args...); err != nil {
			return err
		}
	}
	return nil
}

// Within is what stands before a command for it to run on the host. The command becomes the process
// that was started, so signals and its end are its own.
func (h *Host) Within() []string {
	return []string{"nsenter", "--net=" + namespaces + "/" + h.Name, "--"}
}
