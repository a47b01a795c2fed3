package cluster

import (
	"context"
	"errors"
	"sync"

	"github.com/hashicorp/raft"
)

// network is how a node reaches the others: a port, or nothing at all for a node that is alone, or
// memory in tests.
type network interface {
	// serve begins to answer the others. The node is whole by then.
	serve()
	// transport is Raft's.
	transport() raft.Transport
	// call sends a request to a member and returns its answer. Whether the request arrived is not known
	// when it fails.
	call(ctx context.Context, to member, method string, request []byte) ([]byte, error)
	// reach makes sure that a member answers at an address, which need not be the one that it is known by.
	reach(ctx context.Context, name, address string) error
	// recheck ends the connections of those who are no members any more.
	recheck()
	close() error
}

// The methods of a call.
const (
	callPropose  = "propose"
	callIndex    = "index"
	callHello    = "hello"
	callRecall   = "recall"
	callDoubt    = "doubt"
	callRemove   = "remove"
	callTransfer = "transfer"
	callRemoved  = "removed"
)

// answered is what a call has come to.
type answered struct {
	text []byte
	err  error
}

// callAll calls every other member at once, and returns what it came to by name.
func (n *Node) callAll(ctx context.Context, members roster, method string) map[string]answered {
	return n.sendAll(ctx, members, method, nil)
}

// sendAll is callAll with a request.
func (n *Node) sendAll(ctx context.Context, members roster, method string, request []byte) map[string]answered {
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	var calling sync.WaitGroup
	var mu sync.Mutex
	all := map[string]answered{}
	for _, m := range members.others(n.config.Name) {
		calling.Go(func() {
			text, err := n.net.call(ctx, m, method, request)
			mu.Lock()
			defer mu.Unlock()
			all[m.Name] = answered{text, err}
		})
	}
	calling.Wait()
	return all
}

// errAlone is what a node without a port says to calls.
var errAlone = errors.New("this node is alone: it has no port for others; set listen under [cluster]")

// solitude is the network of a node that is alone.
type solitude struct{ raft *raft.InmemTransport }

func newSolitude(name string) solitude {
	_, transport := raft.NewInmemTransport(raft.ServerAddress(name))
	return solitude{transport}
}

func (s solitude) serve() {}

func (s solitude) transport() raft.Transport { return s.raft }

func (s solitude) call(context.Context, member, string, []byte) ([]byte, error) {
	return nil, errAlone
}

func (s solitude) reach(context.Context, string, string) error { return errAlone }

func (s solitude) recheck() {}

func (s solitude) close() error { return s.raft.Close() }
