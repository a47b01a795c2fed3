package state

import (
	"slices"

	"sallyport/login"
)

// maxTokens is how many join tokens are kept, used ones too: until its time is up, a token that was used
// is told from one that never was.
const maxTokens = 64

// Token allows a node to join, once, until a time in nanoseconds since 1970.
type Token struct {
	ID       login.Tag
	Node     string
	NonVoter bool
	Until    int64
	// UsedBy is the act that used it up; zero while it is open.
	UsedBy login.Tag
}

func (k *Token) wire(w *wire) {
	w.fixed(1, k.ID[:])
	w.str(2, &k.Node)
	w.bool(3, &k.NonVoter)
	w.int(4, &k.Until)
	w.fixed(5, k.UsedBy[:])
}

// Token returns a token whose time is not up by the time of the log; found is false when there is none.
func (v View) Token(id login.Tag) (k Token, found bool) {
	i := v.root.token(id)
	if i < 0 {
		return Token{}, false
	}
	return v.root.tokens[i], true
}

// token is the index of a token whose time is not up, or -1.
func (r *root) token(id login.Tag) int {
	return slices.IndexFunc(r.tokens, func(k Token) bool { return k.ID == id && r.time < k.Until })
}

func (c *IssueToken) apply(t *txn) Result {
	return t.once(c.Act, func() Result { return c.issue(t) })
}

// issue makes room first: tokens whose time is up are told from unknown ones no more.
func (c *IssueToken) issue(t *txn) Result {
	if c.ID == (login.Tag{}) || !validName(c.Node) {
		return Result{Status: Ignored}
	}
	open := slices.DeleteFunc(slices.Clone(t.tokens), func(k Token) bool { return t.time >= k.Until })
	switch {
	case slices.ContainsFunc(open, func(k Token) bool { return k.ID == c.ID }):
		return Result{Status: Conflict}
	case len(open) >= maxTokens:
		return Result{Status: Conflict}
	}
	t.tokens = append(open, Token{ID: c.ID, Node: c.Node, NonVoter: c.NonVoter, Until: c.Until})
	return Result{Status: Done}
}

// apply remembers its act with the token and not among those of administrators: whoever comes with a
// wrong token displaces none of theirs.
func (c *UseToken) apply(t *txn) Result {
	if c.Act == (login.Tag{}) || !validName(c.Node) || len(c.Address) > MaxAddress || c.Address == "" {
		return Result{Status: Ignored}
	}
	at := t.token(c.ID)
	if at < 0 {
		return Result{Status: Unknown}
	}
	token := t.tokens[at]
	i, present := t.node(c.Node)
	switch {
	case token.UsedBy == c.Act && present && t.nodes[i].Fingerprint == c.Fingerprint:
		return Result{Status: Done}
	case token.UsedBy != (login.Tag{}):
		return Result{Status: Used}
	case token.Node != c.Node, len(t.nodes) >= maxNodes:
		return Result{Status: Conflict}
	case present:
		return Result{Status: Present}
	}
	t.tokens = slices.Clone(t.tokens)
	t.tokens[at].UsedBy = c.Act
	t.putNode(NodeRecord{
		Name: c.Node, Address: c.Address, Fingerprint: c.Fingerprint, NonVoter: token.NonVoter, Joined: t.time,
	})
	return Result{Status: Done}
}
