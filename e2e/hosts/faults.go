package hosts

import (
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
	for _, way := range n.between(some) {
		if err := n.Lose(way.from, way.to); err != nil {
			return err
		}
	}
	return nil
}

func (n *Network) between(some []*Host) []direction {
	n.mu.Lock()
	defer n.mu.Unlock()
	var ways []direction
	for _, a := range some {
		for _, b := range n.hosts {
			if !slices.Contains(some, b) {
				ways = append(ways, direction{a, b}, direction{b, a})
			}
		}
	}
	return ways
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
