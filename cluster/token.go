package cluster

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"sallyport/cluster/link"
	"sallyport/cluster/state"
	"sallyport/login"
)

const (
	tokenPrefix = "sallyport-join-1:"
	// tokenValid is how long a token is good by default, tokenLongest at most.
	tokenValid   = 15 * time.Minute
	tokenLongest = 24 * time.Hour
	secretSize   = 32
)

// TokenRequest asks for a token by which one node may join, once.
type TokenRequest struct {
	// Node is the name that the token is for.
	Node string
	// Valid is how long it is good; 15 minutes by default, at most a day.
	Valid time.Duration
	// NonVoter makes a node that never votes: it only serves logins.
	NonVoter bool
}

// joinToken is what a token says: where the cluster is, how it is recognised, and the secret.
type joinToken struct {
	Cluster   string    `json:"c"`
	Authority []byte    `json:"a"` // fingerprint of the authority's certificate
	Node      string    `json:"n"`
	Secret    []byte    `json:"s"`
	Addresses []string  `json:"m"`
	Until     time.Time `json:"u"`
}

func (t joinToken) text() (string, error) {
	b, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(b), nil
}

// parseToken reads a token. Errors never quote it.
func parseToken(text string) (t joinToken, err error) {
	encoded, ok := strings.CutPrefix(strings.TrimSpace(text), tokenPrefix)
	if !ok {
		return t, &RefusedError{fmt.Sprintf("this is no token: it does not begin with %q; make one with \"sallyport cluster token NODE\" on a node of the cluster", tokenPrefix)}
	}
	b, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil || json.Unmarshal(b, &t) != nil || len(t.Secret) != secretSize || len(t.Authority) != 32 || len(t.Addresses) == 0 {
		return t, &RefusedError{"the token is damaged: was it cut or edited?"}
	}
	return t, nil
}

// NewToken makes a token. It is shown once: the log has a keyed hash of it.
func (n *Node) NewToken(ctx context.Context, r TokenRequest) (string, error) {
	if n.isAlone() {
		return "", &RefusedError{"this node is alone: set listen under [cluster], stop it, and run \"sallyport cluster init\""}
	}
	if err := link.CheckName(r.Node); err != nil {
		return "", &RefusedError{err.Error()}
	}
	if r.Valid == 0 {
		r.Valid = tokenValid
	}
	if r.Valid < 0 || r.Valid > tokenLongest {
		return "", &RefusedError{fmt.Sprintf("a token is good for at most %v", tokenLongest)}
	}
	if err := n.Refresh(ctx); err != nil {
		return "", err
	}
	view := n.machine.View()
	certificate, _ := view.Authority()
	if len(certificate) == 0 {
		return "", fmt.Errorf("the cluster has no authority yet: %w", login.ErrUnavailable)
	}
	if _, taken := n.known().find(r.Node); taken {
		return "", &RefusedError{fmt.Sprintf("the cluster has a node %q: remove it first, or take another name", r.Node)}
	}
	secret := make([]byte, secretSize)
	_, _ = rand.Read(secret) // never fails (crypto/rand)
	until := n.Now().Add(r.Valid)
	result, err := n.submit(ctx, &state.IssueToken{
		ID: n.tokenID(secret), Node: r.Node, NonVoter: r.NonVoter, Until: until.UnixNano(), Act: newAct(),
	})
	if err != nil {
		return "", fmt.Errorf("make a token: %w", err)
	}
	if result.Status != state.Done {
		return "", &RefusedError{"too many tokens are open: wait until some have expired"}
	}
	fingerprint := link.Fingerprint(certificate)
	t := joinToken{Cluster: view.Meta().ClusterID, Authority: fingerprint[:], Node: r.Node, Secret: secret, Until: until}
	for _, m := range n.known().Members {
		if !m.Joining {
			t.Addresses = append(t.Addresses, m.Address)
		}
	}
	return t.text()
}

// tokenID is how the log knows a token.
func (n *Node) tokenID(secret []byte) login.Tag {
	id := n.sealer.derive([]byte("join token "), secret)
	return login.Tag(id[:16])
}

// RefusedError says why what an administrator has asked for is not done. Its text is for people, and
// says what to do instead.
type RefusedError struct{ text string }

// Error returns the text.
func (e *RefusedError) Error() string { return e.text }

// asRefused returns the refusal in err, as the other node has put it.
func asRefused(err error) error {
	var call *callError
	if errors.As(err, &call) {
		if refused := call.refusal(); refused != nil {
			return refused
		}
	}
	return err
}
