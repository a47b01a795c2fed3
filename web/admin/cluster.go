package admin

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// Cluster is what the API needs to know and do about the cluster's nodes. What an administrator asks and
// cannot have is a [*Problem]; other errors are [login.ErrUnavailable], wrapped, when there is no leader.
type Cluster interface {
	Members(ctx context.Context) (Members, error)
	// NewToken returns a token with which a node joins, once.
	NewToken(ctx context.Context, t Token) (string, error)
	// Remove takes a node out; force also where this puts the quorum at risk.
	Remove(ctx context.Context, node string, force bool) error
	// Transfer has another node lead; "" means any.
	Transfer(ctx context.Context, node string) error
	// AcceptClock believes the clock of this node, which was set at run time, and returns by how much.
	AcceptClock(ctx context.Context) (time.Duration, error)
}

// Token says what a token for joining is good for.
type Token struct {
	Node     string
	Valid    time.Duration
	NonVoter bool
}

func (s *Server) listMembers(ctx context.Context, _ *http.Request) (any, error) {
	return s.cfg.Cluster.Members(ctx)
}

// issueToken never logs the token: whoever has it becomes a node.
func (s *Server) issueToken(ctx context.Context, r *http.Request) (any, error) {
	act, err := decode[TokenAct](r)
	if err != nil {
		return nil, err
	}
	if act.Node == "" {
		return nil, errNoNode()
	}
	if !s.trusts(peerFrom(ctx)) {
		return nil, errNotRoot()
	}
	valid, err := life("--valid", act.ForSeconds, DefaultTokenLife, MaxTokenLife)
	if err != nil {
		return nil, err
	}
	until := s.cfg.Now().Add(valid)
	token, err := s.cfg.Cluster.NewToken(ctx, Token{Node: act.Node, Valid: valid, NonVoter: act.NonVoter})
	s.audit(ctx, "cluster token", err, slog.String("node", act.Node),
		slog.Bool("non_voter", act.NonVoter), slog.Time("until", until))
	if err != nil {
		return nil, fmt.Errorf("issue token: %w", err)
	}
	return TokenReply{Node: act.Node, Token: token, Until: until}, nil
}

// removeNode answers with the members that are left.
func (s *Server) removeNode(ctx context.Context, r *http.Request) (any, error) {
	act, err := decode[RemoveNodeAct](r)
	if err != nil {
		return nil, err
	}
	if act.Node == "" {
		return nil, errNoNode()
	}
	err = s.cfg.Cluster.Remove(ctx, act.Node, act.Force)
	s.audit(ctx, "cluster remove", err, slog.String("node", act.Node), slog.Bool("force", act.Force))
	if err != nil {
		return nil, fmt.Errorf("remove node: %w", err)
	}
	return s.cfg.Cluster.Members(ctx)
}

// transferLead answers with the members, one of which leads now.
func (s *Server) transferLead(ctx context.Context, r *http.Request) (any, error) {
	act, err := decode[TransferAct](r)
	if err != nil {
		return nil, err
	}
	err = s.cfg.Cluster.Transfer(ctx, act.Node)
	s.audit(ctx, "cluster transfer", err, slog.String("node", act.Node))
	if err != nil {
		return nil, fmt.Errorf("transfer leadership: %w", err)
	}
	return s.cfg.Cluster.Members(ctx)
}

// acceptClock answers with what the clock shows, and by how much it was set.
func (s *Server) acceptClock(ctx context.Context, _ *http.Request) (any, error) {
	off, err := s.cfg.Cluster.AcceptClock(ctx)
	s.audit(ctx, "cluster accept-clock", err, slog.String("offset", off.Round(time.Millisecond).String()))
	if err != nil {
		return nil, fmt.Errorf("accept clock: %w", err)
	}
	return ClockReply{Now: s.cfg.Now(), SetMS: off.Milliseconds()}, nil
}

// trusts reports whether a peer may have what the master key comes with: whoever can read that key
// already, which is root, and whoever the daemon runs as.
func (s *Server) trusts(p peer) bool {
	return p.known && (p.uid == 0 || p.uid == s.uid)
}

func errNotRoot() *Problem {
	return &Problem{http.StatusForbidden, "a node that joins gets the master key, so only root makes tokens", "run it as root"}
}

func errNoNode() *Problem {
	return &Problem{http.StatusBadRequest, "no node was named", `"sallyport cluster list" shows their names`}
}
