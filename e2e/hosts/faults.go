package hosts

import (
	"errors"
	"fmt"
	"slices"
)

// Lose loses all packets from one host to another until [Network.Heal]. The way back is open.
func (n *Network) Lose(from, to *Host) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	way := direction{from, to}
	if n.lost[way] {
		return nil
	}
	if err := rule("add", way); err != nil {
		return err
	}
	n.lost[way] = true
	return nil
}

// Part loses all packets between some hosts and all others, both ways. The test program, where RADIUS
// clients are, reaches all of them.
func (n *Network) Part(some ...*Host) error {
	return errors.Join(n.PartFrom(some...), n.PartTo(some...))
}

// PartFrom loses all packets from some hosts to all others, but not the way back.
func (n *Network) PartFrom(some ...*Host) error {
	return n.eachPair(some, func(one, other *Host) error { return n.Lose(one, other) })
}

// PartTo loses all packets from all others to some hosts, but not the way back.
func (n *Network) PartTo(some ...*Host) error {
	return n.eachPair(some, func(one, other *Host) error { return n.Lose(other, one) })
}

// eachPair calls f for each of some hosts with each of the others.
func (n *Network) eachPair(some []*Host, f func(one, other *Host) error) error {
	n.mu.Lock()
	all := slices.Clone(n.hosts)
	n.mu.Unlock()
	for _, one := range some {
		for _, other := range all {
			if slices.Contains(some, other) {
				continue
			}
			if err := f(one, other); err != nil {
				return err
			}
		}
	}
	return nil
}

// Heal ends all loss. Links that are down stay so.
func (n *Network) Heal() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for way := range n.lost {
		if err := rule("delete", way); err != nil {
			return err
		}
		delete(n.lost, way)
	}
	return nil
}

// rule changes what the router does with packets of a direction. A blackhole of the router drops what
// it forwards without a word, where one on the host itself would make its sends fail.
func rule(change string, way direction) error {
	if err := ip("rule", change, "from", way.from.Address, "to", way.to.Address, "blackhole"); err != nil {
		return fmt.Errorf("from %s to %s: %w", way.from.Name, way.to.Name, err)
	}
	return nil
}

// Unplug takes the host's link down: nobody reaches it, clients neither. Its addresses stay.
func (h *Host) Unplug() error { return ip("link", "set", h.link, "down") }

// Plug puts the link up again.
func (h *Host) Plug() error { return ip("link", "set", h.link, "up") }
