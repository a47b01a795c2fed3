package cluster

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/raft"

	"sallyport/cluster/state"
)

const (
	// lookInterval is how often a node looks after the cluster.
	lookInterval = 500 * time.Millisecond
	// recheckInterval is how often connections are looked at although nothing has changed.
	recheckInterval = time.Minute
	// promoteWithin is how many entries a node may be behind and still become a voter.
	promoteWithin = 250
	// changeTimeout bounds one change of the membership.
	changeTimeout = 5 * time.Second
)

// look follows the membership, and looks after the other nodes while this one leads.
func (n *Node) look(ctx context.Context) {
	ticker := time.NewTicker(lookInterval)
	defer ticker.Stop()
	var last roster
	checked := n.config.Elapsed()
	announced := false
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		now := n.known()
		if !n.lost(n.raft.Load()) {
			n.memory.keep(now) // whatever it was told meanwhile
		}
		if !sameMembers(now, last) || n.config.Elapsed()-checked > recheckInterval {
			n.net.recheck()
			last, checked = now, n.config.Elapsed()
		}
		n.lookAtSpace()
		up := n.up()
		n.lookAtClocks(up)
		n.lookAtJump(up)
		if n.ready.err() == nil && !announced {
			announced = n.announceChange(ctx)
		}
		r := n.raft.Load()
		if r.State() != raft.Leader || n.served.Load() != r.CurrentTerm() {
			continue
		}
		if n.resign(r) {
			continue
		}
		n.takeInNodes(ctx, r, up)
		n.followAddresses(ctx, r)
		n.raiseLevel(ctx, up)
	}
}

func sameMembers(a, b roster) bool {
	return slices.Equal(a.Members, b.Members)
}

// up are the other nodes that were heard of a moment ago.
func (n *Node) up() map[string]heard {
	now := n.config.Elapsed()
	all := n.peers.snapshot()
	for name, h := range all {
		if h.hello.Name == "" || now-h.at > upWithin {
			delete(all, name)
		}
	}
	return all
}

// announceChange says in the log who this node is, where that is news, and reports whether it is said.
func (n *Node) announceChange(ctx context.Context) bool {
	record, ok := n.machine.View().Node(n.config.Name)
	if ok && record.Version == n.config.Version && record.Level == state.Level && record.Address == n.self.Address {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	if err := n.announce(ctx); err != nil {
		n.logger.Warn("this node could not announce itself", "error", err.Error())
		return false
	}
	return true
}

// resign hands the lead over when this node should not have it: its clock is wrong, or its disk full.
func (n *Node) resign(r *raft.Raft) bool {
	why := ""
	switch {
	case n.health.err() != nil:
		why = n.health.err().Error()
	case n.disk.space != nil && n.disk.space.percent() < spaceResign:
		why = "its disk is nearly full"
	}
	if why == "" || n.known().voters() < 2 || !n.anotherCanLead() {
		return false
	}
	n.logger.Warn("this node hands the lead over", "reason", why)
	if err := n.handOver(r); err != nil {
		n.logger.Warn("the lead was not handed over", "error", err.Error())
	}
	return true
}

// anotherCanLead reports whether a voter is up that has no reason not to.
func (n *Node) anotherCanLead() bool { return len(n.successors()) > 0 }

// successors are the other voters that are up and have no reason not to lead.
func (n *Node) successors() (able []member) {
	members := n.known()
	for name, h := range n.up() {
		if m, ok := members.find(name); ok && m.Voter && h.hello.Reason == "" && (h.hello.Total == 0 || h.hello.Free*100/h.hello.Total >= spaceResign) {
			able = append(able, m)
		}
	}
	return able
}

// takeInNodes makes members of those who have joined, and voters of those who have proved themselves.
func (n *Node) takeInNodes(ctx context.Context, r *raft.Raft, up map[string]heard) {
	n.changing.Lock()
	defer n.changing.Unlock()
	future := r.GetConfiguration()
	if future.Error() != nil {
		return
	}
	view := n.machine.View()
	servers := map[raft.ServerID]raft.Server{}
	for _, s := range future.Configuration().Servers {
		servers[s.ID] = s
	}
	for _, record := range view.Nodes() {
		h, heard := up[record.Name]
		if !heard || record.Name == n.config.Name || h.called == 0 || n.config.Elapsed()-h.called > upWithin {
			continue // not reachable both ways
		}
		s, member := servers[raft.ServerID(record.Name)]
		id, address := raft.ServerID(record.Name), raft.ServerAddress(record.Address)
		var change func(raft.ServerID, raft.ServerAddress, uint64, time.Duration) raft.IndexFuture
		what := ""
		switch {
		case !member:
			n.acked.forget(id)
			change, what = r.AddNonvoter, "a node was taken in"
		case s.Suffrage != raft.Voter && !record.NonVoter && n.fit(h):
			change, what = r.AddVoter, "a node became a voter"
		default:
			continue
		}
		if err := change(id, address, 0, changeTimeout).Error(); err != nil {
			n.logger.Warn("the membership was not changed", "node", record.Name, "error", err.Error())
			return
		}
		n.logger.Info(what, "node", record.Name, "address", record.Address)
		return // one change at a time: each makes the next one's index another
	}
}

// followAddresses changes the address of a member that says, from where it is now, that it has another
// one, and answers there.
func (n *Node) followAddresses(ctx context.Context, r *raft.Raft) {
	heard := n.peers.snapshot()
	for _, m := range n.known().Members {
		address := n.self.Address
		if m.Name != n.config.Name {
			h := heard[m.Name]
			if address = h.address; h.called == 0 || n.config.Elapsed()-h.called > upWithin {
				continue
			}
		}
		if address == "" || address == m.Address || m.Joining || m.Name != n.config.Name && !n.answersAt(ctx, m.Name, address) {
			continue
		}
		n.readdress(r, raft.ServerID(m.Name), raft.ServerAddress(address))
		return // one change at a time
	}
}

// readdress gives a member another address, where it is one still.
func (n *Node) readdress(r *raft.Raft, id raft.ServerID, address raft.ServerAddress) {
	n.changing.Lock()
	defer n.changing.Unlock()
	future := r.GetConfiguration()
	if future.Error() != nil {
		return
	}
	servers := future.Configuration().Servers
	i := slices.IndexFunc(servers, func(s raft.Server) bool { return s.ID == id })
	if i < 0 {
		return
	}
	change := r.AddNonvoter
	if servers[i].Suffrage == raft.Voter {
		change = r.AddVoter
	}
	if err := change(id, address, 0, changeTimeout).Error(); err != nil {
		n.logger.Warn("the membership was not changed", "node", string(id), "error", err.Error())
		return
	}
	n.logger.Info("a node has another address", "node", string(id), "address", string(address))
}

func (n *Node) answersAt(ctx context.Context, name, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	return n.net.reach(ctx, name, address) == nil
}

// fit reports whether a node may vote: it has been well for a while, and has what this one has.
func (n *Node) fit(h heard) bool {
	return h.hello.Reason == "" && n.config.Elapsed()-h.since >= n.config.PromoteAfter &&
		h.hello.Applied+promoteWithin >= n.fsm.applied() && abs(h.offset) <= maxOffset
}

// raiseLevel raises the feature level when every member knows a higher one.
func (n *Node) raiseLevel(ctx context.Context, up map[string]heard) {
	least := state.Level
	for _, m := range n.known().others(n.config.Name) {
		h, heard := up[m.Name]
		if !heard {
			return
		}
		least = min(least, h.hello.Level)
	}
	n.raiseLevelTo(ctx, least)
}

func (n *Node) raiseLevelTo(ctx context.Context, level uint32) {
	if level <= n.machine.View().Level() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	if _, err := n.submit(ctx, &state.RaiseLevel{Level: level}); err != nil {
		n.logger.Warn("the feature level was not raised", "error", err.Error())
		return
	}
	n.logger.Info("all nodes know a higher feature level", "feature_level", level)
}

// beat notes, again and again, that this node lives.
func (n *Node) beat(ctx context.Context) {
	for {
		if err := n.memory.beat(n.config.Now()); err != nil {
			n.logger.Warn("what is known of the other nodes was not written down", "error", err.Error())
		}
		if wait(ctx, beatInterval) != nil {
			return
		}
	}
}

// remember writes down, once more, what is known of the others: to the last entry that they have
// acknowledged.
func (n *Node) remember() error {
	if n.isAlone() {
		return nil
	}
	if err := n.memory.beat(n.config.Now()); err != nil {
		return fmt.Errorf("write down what is known of the other nodes: %w", err)
	}
	return nil
}
