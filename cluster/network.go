package cluster

import (
	"context"
	"errors"

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
