package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"sallyport/cluster/link"
)

const (
	// maxCall bounds a request or an answer between nodes, other than a snapshot.
	maxCall = 16 << 20
	// callPath is where calls go, followed by their method.
	callPath = "/v1/"
	// idleCalls is how many connections to a node wait for the next call.
	idleCalls = 8
	// maxCalls is how many there are at most.
	maxCalls = 32
	// answerTimeout bounds the work on a call.
	answerTimeout = 3 * time.Second
)

// port is the network of a node that has others: one TCP port, see package link.
type port struct {
	node    *Node
	link    *link.Link
	raft    *raft.NetworkTransport
	servers []*http.Server
	client  *http.Client
	serving sync.WaitGroup
}

// openNetwork opens the node's port, or none where the node is alone.
func (n *Node) openNetwork() (network, error) {
	identity, err := link.LoadIdentity(identityDir(n.config))
	switch {
	case n.config.Listen == "" && err == nil:
		return nil, &ConfigError{fmt.Errorf("the data in %s belongs to a cluster: set listen under [cluster]", n.config.DataDir)}
	case n.config.Listen == "":
		return newSolitude(n.config.Name), nil
	case isMissing(err):
		return nil, &ConfigError{fmt.Errorf("%s holds no part of a cluster: run \"sallyport cluster init\" on the first node, \"sallyport cluster join\" on the others", n.config.DataDir)}
	case err != nil:
		return nil, err
	}
	if identity.Name != n.config.Name {
		return nil, &ConfigError{fmt.Errorf("the data in %s belongs to node %q, not to %q; set name under [node], or use another data_dir", n.config.DataDir, identity.Name, n.config.Name)}
	}
	n.self.Fingerprint = fingerprintText(link.Fingerprint(identity.Certificate))
	return openPort(n, identity)
}

func openPort(n *Node, identity link.Identity) (*port, error) {
	l, err := link.Listen(link.Config{
		Listen: n.config.Listen, Identity: identity, Admit: n.admit, Now: n.config.Now, Logger: n.logger.With("component", "port"),
	})
	if err != nil {
		return nil, fmt.Errorf("open the cluster's port: %w", err)
	}
	p := &port{link: l, node: n}
	p.raft = raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream:                  stream{l.Listener(link.Raft), l, n},
		MaxPool:                 3,
		MaxRPCsInFlight:         1, // no pipeline: hashicorp/raft issue 612, and no gain
		Timeout:                 n.config.raftTimeout(),
		Logger:                  newRaftLogger(n.logger),
		MsgpackUseNewTimeFormat: false, // must be the same on all nodes, for ever
	})
	p.client = &http.Client{
		Transport:     &http.Transport{DialContext: p.dialer(n), MaxIdleConnsPerHost: idleCalls, MaxConnsPerHost: maxCalls, IdleConnTimeout: time.Minute, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return p, nil
}

func (p *port) serve() {
	p.serveAt(p.link.Listener(link.Call), p.calls(p.node), 0)
	p.serveAt(p.link.Listener(link.Join), http.HandlerFunc(p.node.serveJoin), joinTimeout)
}

// serveAt answers on connections of one class. within bounds the reading of a request, and twice that the
// answer; 0 is no bound, for those that carry a snapshot.
func (p *port) serveAt(l net.Listener, h http.Handler, within time.Duration) {
	s := &http.Server{
		Handler: h, ReadTimeout: within, WriteTimeout: 2 * within, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 8 << 10,
		ErrorLog: slogLogger(p.node.logger), ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if peer, ok := p.link.Peer(c); ok {
				return context.WithValue(ctx, peerKey{}, peer)
			}
			return ctx
		},
	}
	p.servers = append(p.servers, s)
	p.serving.Go(func() { _ = s.Serve(l) }) // ends with the listener
}

type peerKey struct{}

// dialer dials a node by its name, which stands in for a host name.
func (p *port) dialer(n *Node) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, host string) (net.Conn, error) {
		name := strings.TrimSuffix(host, ":80")
		m, ok := n.known().find(name)
		if !ok {
			return nil, fmt.Errorf("%q is no member", name)
		}
		return p.link.Dial(ctx, link.Call, m.Name, m.Address)
	}
}

func (p *port) transport() raft.Transport { return p.raft }

func (p *port) reach(ctx context.Context, name, address string) error {
	c, err := p.link.Dial(ctx, link.Call, name, address)
	if err != nil {
		return err
	}
	return c.Close()
}

func (p *port) recheck() { p.link.Recheck() }

// call sends a request over HTTP.
func (p *port) call(ctx context.Context, to member, method string, request []byte) ([]byte, error) {
	answer, err := p.stream(ctx, to, method, bytes.NewReader(request))
	if err != nil {
		return nil, err
	}
	defer answer.Close()
	b, err := io.ReadAll(io.LimitReader(answer, maxCall+1))
	if err == nil && len(b) > maxCall {
		err = errors.New("the answer is too long")
	}
	if err != nil {
		return nil, fmt.Errorf("call %s of %s: %w", method, to.Name, err)
	}
	return b, nil
}

// stream sends a request of any length and returns the answer to be read.
func (p *port) stream(ctx context.Context, to member, method string, request io.Reader) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+to.Name+callPath+method, request)
	if err != nil {
		return nil, err
	}
	answer, err := p.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("call %s of %s: %w", method, to.Name, err)
	}
	if answer.StatusCode != http.StatusOK {
		defer answer.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
		return nil, &callError{method, to.Name, answer.StatusCode, strings.TrimSpace(string(text))}
	}
	return answer.Body, nil
}

// callError is what another node has answered instead of what was asked.
type callError struct {
	method, node string
	status       int
	text         string
}

// Error says which call was not answered, by whom, and with what.
func (e *callError) Error() string { return fmt.Sprintf("call %s of %s: %s", e.method, e.node, e.text) }

// refusal returns what an administrator is to be told, where the other node meant it for one.
func (e *callError) refusal() *RefusedError {
	if e.status != http.StatusConflict {
		return nil
	}
	return &RefusedError{e.text}
}

// calls answers the calls of members.
func (p *port) calls(n *Node) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, ok := r.Context().Value(peerKey{}).(link.Peer)
		method, found := strings.CutPrefix(r.URL.Path, callPath)
		if !ok || !found || r.Method != http.MethodPost {
			http.NotFound(w, r)
			return
		}
		if method == callRestore {
			n.serveRestore(w, r)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), answerTimeout)
		defer cancel()
		request, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCall))
		if err != nil {
			http.Error(w, "the request cannot be read", http.StatusBadRequest)
			return
		}
		answer, err := n.answer(ctx, peer.Name, method, request)
		if err != nil {
			answerError(w, err)
			return
		}
		_, _ = w.Write(answer) // who has gone needs no answer
	})
}

// answerError tells a refusal, which is final, from what may be tried again.
func answerError(w http.ResponseWriter, err error) {
	var refused *RefusedError
	status := http.StatusServiceUnavailable
	if errors.As(err, &refused) {
		status, err = http.StatusConflict, refused
	}
	http.Error(w, err.Error(), status)
}

// answer answers a call, whatever network it came by. from has proved its name.
func (n *Node) answer(ctx context.Context, from, method string, request []byte) ([]byte, error) {
	switch method {
	case callPropose:
		return n.answerPropose(ctx, request)
	case callIndex:
		return n.answerIndex()
	case callHello:
		return n.answerHello(from, request)
	case callRecall:
		return n.answerRecall(from)
	case callDoubt:
		return n.answerDoubt()
	case callRemove:
		return n.answerRemove(ctx, request)
	case callTransfer:
		return n.answerTransfer(request)
	case callRemoved:
		return n.answerRemoved(from)
	}
	return nil, fmt.Errorf("this version does not know the call %q", method)
}

func (p *port) close() error {
	errs := []error{p.raft.Close()}
	for _, s := range p.servers {
		errs = append(errs, s.Close())
	}
	errs = append(errs, p.link.Close())
	p.client.CloseIdleConnections()
	p.serving.Wait()
	return errors.Join(errs...)
}

// stream is how Raft's transport uses the port.
type stream struct {
	net.Listener
	link *link.Link
	node *Node
}

// Dial connects to the member at an address. Whoever answers there must be that member: an
// acknowledgement of another, counted under its name, would make a majority of one node.
func (s stream) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	m, ok := s.node.known().at(string(address))
	if !ok {
		return nil, fmt.Errorf("no member has the address %s", address)
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return s.link.Dial(ctx, link.Raft, m.Name, m.Address)
}

// Addr is where the others find this node.
func (s stream) Addr() net.Addr { return advertised(s.node.self.Address) }

// advertised is an address that stays as it is written.
type advertised string

// Network and String make an advertised address a [net.Addr].
func (a advertised) Network() string { return "tcp" }

// String returns the address, host:port.
func (a advertised) String() string { return string(a) }

// admit says whether a peer belongs to the cluster now, with this very certificate.
func (n *Node) admit(class link.Class, peer link.Peer) error {
	m, ok := n.known().find(peer.Name)
	switch {
	case peer.Name == n.config.Name:
		return errors.New("it calls itself by this node's name")
	case !ok:
		return errors.New("it is no member of the cluster")
	case m.Fingerprint != "" && m.Fingerprint != fingerprintText(peer.Fingerprint):
		return errors.New("its certificate is not the one that the cluster knows it by")
	case class == link.Raft && m.Joining:
		return errors.New("it has not been taken in yet")
	}
	return nil
}
