//go:build e2e

package cluster

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"time"

	"github.com/hashicorp/raft"

	"sallyport/cluster/link"
)

// intruder is whoever has a node's certificate and key and speaks raft with a cluster that does not
// admit it.
type intruder struct {
	*link.Link
	to string // whom it takes the other end for
}

var _ raft.StreamLayer = (*intruder)(nil)

// Accept implements net.Listener: nobody calls.
func (i *intruder) Accept() (net.Conn, error) { return i.Listener(link.Raft).Accept() }

// Dial implements raft.StreamLayer.
func (i *intruder) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return i.Link.Dial(ctx, link.Raft, i.to, string(address))
}

// everyRPC sends every kind of raft's messages and a call to each node, with the certificate from a data
// directory, and checks that none is answered.
func (s *site) everyRPC(data string, times int) {
	s.Helper()
	identity, err := link.LoadIdentity(s.identityDir(data))
	s.must(err)
	sent := 0
	for _, n := range s.nodes {
		l, err := link.Listen(link.Config{
			Listen: n.host.Router + ":0", Identity: identity,
			Admit: func(link.Class, link.Peer) error { return nil },
		})
		s.must(err)
		i := &intruder{l, n.Name}
		transport := raft.NewNetworkTransport(i, 1, time.Second, bytes.NewBuffer(nil))
		for range times {
			for kind, err := range i.rpcs(transport, n, identity) {
				if sent++; err == nil {
					s.Errorf("%s has answered %s", n.Name, kind)
				}
			}
		}
		s.must(transport.Close()) // and the link with it
		st, err := n.state()
		s.must(err)
		if st.Term >= forgedTerm {
			s.Errorf("%s has taken over the term of a message", n.Name)
		}
	}
	s.Logf("%d messages, none answered", sent)
}

// forgedTerm is one that no test reaches, and that would make a leader step down.
const forgedTerm = 1 << 40

// rpcs sends one of each kind and returns what came of it.
func (i *intruder) rpcs(t *raft.NetworkTransport, n *node, identity link.Identity) map[string]error {
	id, address := raft.ServerID(n.Name), raft.ServerAddress(n.Cluster)
	header := raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(identity.Name), Addr: []byte(identity.Name)}
	const term = forgedTerm
	snapshot := raft.InstallSnapshotRequest{RPCHeader: header, Term: term, Size: 1, SnapshotVersion: raft.SnapshotVersionMax}
	return map[string]error{
		"AppendEntries":   t.AppendEntries(id, address, &raft.AppendEntriesRequest{RPCHeader: header, Term: term}, new(raft.AppendEntriesResponse)),
		"RequestVote":     t.RequestVote(id, address, &raft.RequestVoteRequest{RPCHeader: header, Term: term}, new(raft.RequestVoteResponse)),
		"RequestPreVote":  t.RequestPreVote(id, address, &raft.RequestPreVoteRequest{RPCHeader: header, Term: term}, new(raft.RequestPreVoteResponse)),
		"InstallSnapshot": t.InstallSnapshot(id, address, &snapshot, new(raft.InstallSnapshotResponse), bytes.NewReader([]byte{0})),
		"TimeoutNow":      t.TimeoutNow(id, address, &raft.TimeoutNowRequest{RPCHeader: header}, new(raft.TimeoutNowResponse)),
		"a call":          i.call(n),
	}
}

// call asks for whatever the root path of the other port is.
func (i *intruder) call(n *node) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn, err := i.Link.Dial(ctx, link.Call, n.Name, n.Cluster)
	if err != nil {
		return err
	}
	defer conn.Close()
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil },
	}}
	resp, err := client.Get("http://" + n.Name + "/")
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
