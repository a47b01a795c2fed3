package cluster

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"sallyport/cluster/link"
	"sallyport/cluster/state"
	"sallyport/login"
)

const (
	// maxJoin bounds what a joining node says, and what it is told.
	maxJoin = 64 << 10
	// joinTimeout bounds the whole, proveTimeout the way back to the joining node.
	joinTimeout  = 20 * time.Second
	proveTimeout = 5 * time.Second
	// guessesASecond is how many tokens that are not known here are asked for at the leader, and
	// strangersPace how often it is told that somebody came without one.
	guessesASecond = 5
	strangersPace  = 10 * time.Second
)

// JoinConfig says how a node joins.
type JoinConfig struct {
	// Config is that of the node, without a master key: it gets the cluster's.
	Config
	// Token is what [Node.NewToken] has made.
	Token string
}

// Joined is what has come of it.
type Joined struct {
	Cluster string
	Node    string
	// MasterKey is the text of the master key file that the node needs from now on.
	MasterKey []byte
	// Voter says that the node will vote when it has caught up.
	Voter bool
	// Members are the nodes that it will meet.
	Members []string
}

// joinRequest and joinAnswer travel inside TLS that the token's fingerprint has authenticated.
type joinRequest struct {
	Secret  []byte `json:"secret"`
	Cluster string `json:"cluster"`
	Node    string `json:"node"`
	Address string `json:"address"`
	Request []byte `json:"request"` // of the certificate
	Version string `json:"version"`
	Level   uint32 `json:"level"`
}

type joinAnswer struct {
	Certificate []byte `json:"certificate"`
	// MasterKey is sealed under the token's secret.
	MasterKey []byte `json:"master_key"`
	Roster    roster `json:"roster"`
	NonVoter  bool   `json:"non_voter"`
}

// Join makes an empty data directory that of a new member. The node must not be running; when it is
// started afterwards, the others take it in. [RefusedError] says what is in the way.
func Join(ctx context.Context, cfg JoinConfig) (Joined, error) {
	token, err := parseToken(cfg.Token)
	if err != nil {
		return Joined{}, err
	}
	if cfg.Listen == "" {
		return Joined{}, &ConfigError{errors.New("a node of a cluster needs a port: set listen under [cluster]")}
	}
	if token.Node != cfg.Name {
		return Joined{}, &RefusedError{fmt.Sprintf("the token is for node %q, and this is node %q: make one for this name, or set name under [node]", token.Node, cfg.Name)}
	}
	if err := mustBeEmpty(cfg.Config); err != nil {
		return Joined{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	request, key, err := link.NewKey(cfg.Name)
	if err != nil {
		return Joined{}, err
	}
	stop, err := link.ListenProof(ctx, cfg.Listen, key)
	if err != nil {
		return Joined{}, fmt.Errorf("open the cluster's port: %w", err)
	}
	answer, authority, err := ask(ctx, token, joinRequest{
		Secret: token.Secret, Cluster: token.Cluster, Node: cfg.Name, Address: cfg.address(), Request: request,
		Version: cfg.Version, Level: state.Level,
	})
	if err := errors.Join(err, stop()); err != nil {
		return Joined{}, err
	}
	return settleIn(cfg.Config, token, answer, link.Identity{Name: cfg.Name, Certificate: answer.Certificate, Authority: authority, Key: key}, request)
}

// mustBeEmpty refuses a data directory that has something to lose.
func mustBeEmpty(cfg Config) error {
	cfg = cfg.withDefaults()
	store, err := openStorage(cfg, newDisk(cfg))
	if err != nil {
		return err
	}
	begun, err := clusterBegun(store)
	if err = errors.Join(err, store.close()); err != nil {
		return err
	}
	_, err = link.LoadIdentity(identityDir(cfg))
	if begun || err == nil {
		return &RefusedError{fmt.Sprintf("%s is not empty: a node joins with an empty data directory; move this one away", cfg.DataDir)}
	}
	if !isMissing(err) {
		return err
	}
	return nil
}

// ask asks the members in turn. One that was reached and could not say no may have said yes: after that,
// nobody else is asked.
func ask(ctx context.Context, t joinToken, r joinRequest) (joinAnswer, []byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return joinAnswer{}, nil, err
	}
	var faults []error
	for _, address := range t.Addresses {
		conn, authority, err := link.DialJoin(ctx, address, [32]byte(t.Authority))
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", address, err))
			continue
		}
		answer, err := post(ctx, conn, text)
		_ = conn.Close() // the HTTP client may have done so
		return answer, authority, err
	}
	return joinAnswer{}, nil, fmt.Errorf("no node of the cluster can be reached: %w", errors.Join(faults...))
}

// post sends the request over a connection.
func post(ctx context.Context, conn net.Conn, text []byte) (answer joinAnswer, err error) {
	client := &http.Client{Transport: &http.Transport{
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		DisableKeepAlives: true,
	}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://cluster"+callPath+"join", bytes.NewReader(text))
	if err != nil {
		return answer, err
	}
	got, err := client.Do(r)
	if err != nil {
		return answer, fmt.Errorf("the answer of the cluster was lost, and the token may be used up: look at \"sallyport cluster list\", remove the node if it is there, and make another token: %w", err)
	}
	defer got.Body.Close()
	b, err := io.ReadAll(io.LimitReader(got.Body, maxJoin))
	if err != nil {
		return answer, err
	}
	switch {
	case got.StatusCode == http.StatusServiceUnavailable:
		return answer, fmt.Errorf("%w: %s", login.ErrUnavailable, bytes.TrimSpace(b))
	case got.StatusCode != http.StatusOK:
		return answer, &RefusedError{string(bytes.TrimSpace(b))}
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		return answer, errors.New("the answer of the cluster cannot be read; do all nodes run this version?")
	}
	return answer, nil
}

// settleIn writes down what the node was given.
func settleIn(cfg Config, t joinToken, a joinAnswer, identity link.Identity, request []byte) (Joined, error) {
	seal, err := newSealer(t.Secret)
	if err != nil {
		return Joined{}, err
	}
	masterKey, err := seal.open(joinName(request), a.MasterKey)
	if err != nil {
		return Joined{}, err
	}
	if err := identity.Check(); err != nil {
		return Joined{}, err
	}
	memory, err := openMemory(identityDir(cfg))
	if err != nil {
		return Joined{}, err
	}
	memory.reset(a.Roster) // a join that failed may have left another
	if err := memory.beat(cfg.withDefaults().Now()); err != nil {
		return Joined{}, err
	}
	if err := identity.Save(identityDir(cfg)); err != nil {
		return Joined{}, err
	}
	joined := Joined{Cluster: t.Cluster, Node: cfg.Name, MasterKey: masterKeyText(masterKey), Voter: !a.NonVoter}
	for _, m := range a.Roster.others(cfg.Name) {
		joined.Members = append(joined.Members, m.Name)
	}
	return joined, nil
}

// joinName binds the sealed master key to the node that has asked for it.
func joinName(request []byte) recordName {
	sum := sha256.Sum256(request)
	return newRecordName([]byte("joining"), sum[:])
}

// serveJoin answers a node that wants to join. Nothing is known of it but what it proves: that it has a
// token, and that it is reachable under its address and holds the key of its request.
func (n *Node) serveJoin(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.URL.Path != callPath+"join" {
		http.NotFound(w, r)
		return
	}
	var ask joinRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxJoin)).Decode(&ask); err != nil {
		http.Error(w, "the request cannot be read", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), joinTimeout)
	defer cancel()
	answer, err := n.takeIn(ctx, ask)
	if err != nil {
		if err != errToken { // whoever has no token writes nothing into the log
			n.logger.Warn("a node was not let in", "node", ask.Node, "address", ask.Address, "error", err.Error())
		} else {
			n.strangers.Do(func() { n.logger.Warn("somebody without a good token has tried to join", "from", r.RemoteAddr) })
		}
		answerError(w, err)
		return
	}
	n.logger.Info("a node may join", "node", ask.Node, "address", ask.Address, "voter", !answer.NonVoter)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // a caller that has gone is told nothing
}

// takeIn checks a token and what comes with it, and uses it up.
func (n *Node) takeIn(ctx context.Context, ask joinRequest) (joinAnswer, error) {
	id := n.tokenID(ask.Secret)
	if _, known := n.machine.View().Token(id); !known && !n.guesses.Allow() {
		return joinAnswer{}, errToken // nor does it make work for the leader
	}
	if err := n.Refresh(ctx); err != nil {
		return joinAnswer{}, err
	}
	view := n.machine.View()
	if err := n.tokenFits(view, id, ask); err != nil {
		return joinAnswer{}, err
	}
	token, _ := view.Token(id)
	nonVoter := token.NonVoter
	if level := view.Level(); ask.Level < level {
		return joinAnswer{}, &RefusedError{fmt.Sprintf("the cluster has reached feature level %d, and this version knows %d: install the version of the other nodes", level, ask.Level)}
	}
	proving, cancel := context.WithTimeout(ctx, proveTimeout)
	defer cancel()
	if err := link.Prove(proving, ask.Address, ask.Request); err != nil {
		return joinAnswer{}, &RefusedError{fmt.Sprintf("node %s does not reach this node at %s: %v; look at advertise under [cluster], and at firewalls", n.config.Name, ask.Address, err)}
	}
	certificate, err := n.issue(view, ask)
	if err != nil {
		return joinAnswer{}, err
	}
	result, err := n.submit(ctx, &state.UseToken{
		ID: id, Node: ask.Node, Address: ask.Address, Fingerprint: link.Fingerprint(certificate), Act: newAct(),
	})
	if err != nil {
		return joinAnswer{}, err
	}
	if result.Status != state.Done {
		return joinAnswer{}, errToken
	}
	return n.welcome(ask, certificate, nonVoter)
}

// errToken does not tell whoever guesses what was wrong.
var errToken = &RefusedError{"the token is not good (any more): it was used, has expired, is for another node or cluster, or was never made; make a new one with \"sallyport cluster token NODE\""}

func (n *Node) tokenFits(view state.View, id login.Tag, ask joinRequest) error {
	token, ok := view.Token(id)
	if !ok || token.UsedBy != (login.Tag{}) || token.Node != ask.Node || ask.Cluster != view.Meta().ClusterID || n.Now().UnixNano() >= token.Until {
		return errToken
	}
	return nil
}

// issue signs the certificate of a new node.
func (n *Node) issue(view state.View, ask joinRequest) ([]byte, error) {
	certificate, sealed := view.Authority()
	key, err := n.sealer.open(authorityName(), sealed)
	if err != nil {
		return nil, err
	}
	authority, err := link.LoadAuthority(certificate, key)
	if err != nil {
		return nil, err
	}
	signed, err := authority.Issue(ask.Request, ask.Node, n.config.Now())
	if err != nil {
		return nil, &RefusedError{err.Error()}
	}
	return signed, nil
}

// welcome tells a node that was taken in what it needs.
// Nothing is asked of the cluster for it: the token is used up.
func (n *Node) welcome(ask joinRequest, certificate []byte, nonVoter bool) (joinAnswer, error) {
	seal, err := newSealer(ask.Secret)
	if err != nil {
		return joinAnswer{}, err
	}
	masterKey, err := seal.seal(joinName(ask.Request), n.config.MasterKey)
	if err != nil {
		return joinAnswer{}, err
	}
	known := n.known()
	if _, there := known.find(ask.Node); !there { // this node's own state may not have it yet
		known.Members = append(known.Members, member{
			Name: ask.Node, Address: ask.Address, Fingerprint: fingerprintText(link.Fingerprint(certificate)), Joining: true,
		})
	}
	return joinAnswer{Certificate: certificate, MasterKey: masterKey, Roster: known, NonVoter: nonVoter}, nil
}
