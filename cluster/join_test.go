package cluster_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"sallyport/cluster"
	"sallyport/cluster/state"
)

// token makes a token on a node.
func (s *site) token(on string, r cluster.TokenRequest) string {
	s.t.Helper()
	token, err := s.nodes[on].NewToken(s.t.Context(), r)
	if err != nil {
		s.t.Fatalf("NewToken: %v", err)
	}
	return token
}

// altered is a token in which something is changed.
func altered(t *testing.T, token string, change func(map[string]any)) string {
	t.Helper()
	const prefix = "sallyport-join-1:"
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, prefix))
	if err != nil {
		t.Fatal(err)
	}
	var parts map[string]any
	if err := json.Unmarshal(text, &parts); err != nil {
		t.Fatal(err)
	}
	change(parts)
	if text, err = json.Marshal(parts); err != nil {
		t.Fatal(err)
	}
	return prefix + base64.RawURLEncoding.EncodeToString(text)
}

// names are the members that a node knows, and how many of them vote.
func (s *site) names(on string) (names string, voters int) {
	s.t.Helper()
	m, err := s.nodes[on].Members(s.t.Context())
	if err != nil {
		s.t.Fatalf("Members: %v", err)
	}
	for _, n := range m.Nodes {
		names += n.Name + " "
		if n.Vote {
			voters++
		}
	}
	return strings.TrimSpace(names), voters
}

func mustBeRefused(t *testing.T, what string, err error, words string) {
	t.Helper()
	var refused *cluster.RefusedError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), words) {
		t.Errorf("%s: %v, want %q", what, err, words)
	}
}

func TestAJoinIsRefused(t *testing.T) {
	t.Parallel()
	s, other := newSite(t, 1), newSite(t, 1)
	secret := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 32))
	good := func() string { return s.token("n1", cluster.TokenRequest{Node: "n2"}) }
	foreign := other.token("n1", cluster.TokenRequest{Node: "n2"})
	for name, c := range map[string]struct {
		token  string
		change func(*cluster.Config)
		words  string
	}{
		"no token":       {"let me in", nil, "this is no token"},
		"a cut token":    {good()[:60], nil, "damaged"},
		"a forged token": {altered(t, good(), func(p map[string]any) { p["s"] = secret }), nil, "not good (any more)"},
		"a token of another cluster with this one's secret": {
			altered(t, good(), func(p map[string]any) { p["c"] = "another" }), nil, "not good (any more)",
		},
		"a foreign token at this cluster's address": {
			altered(t, foreign, func(p map[string]any) { p["m"], p["a"] = parts(t, good())["m"], parts(t, good())["a"] }), nil, "not good (any more)",
		},
		"a token for another name": {s.token("n1", cluster.TokenRequest{Node: "n3"}), nil, `for node "n3"`},
		"a token made to fit another name": {
			altered(t, s.token("n1", cluster.TokenRequest{Node: "n3"}), func(p map[string]any) { p["n"] = "n2" }), nil, "not good (any more)",
		},
		"an address that nobody reaches": {good(), func(c *cluster.Config) { c.Advertise = "127.0.0.1:1" }, "does not reach this node at 127.0.0.1:1"},
		"the address of another node":    {good(), func(c *cluster.Config) { c.Advertise = s.configs["n1"].Listen }, "does not reach this node"},
	} {
		config := s.config("n2")
		if c.change != nil {
			c.change(&config)
		}
		_, err := cluster.Join(t.Context(), cluster.JoinConfig{Config: config, Token: c.token})
		mustBeRefused(t, name, err, c.words)
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error tells the secret: %v", name, err)
		}
	}
	wrongAuthority := altered(t, good(), func(p map[string]any) { p["a"] = secret })
	if _, err := cluster.Join(t.Context(), cluster.JoinConfig{Config: s.config("n2"), Token: wrongAuthority}); err == nil || !strings.Contains(err.Error(), "not of the cluster that the token is from") {
		t.Errorf("an impostor in the cluster's place: %v", err)
	}
	lonely := s.config("n2")
	lonely.Listen = ""
	var setting *cluster.ConfigError
	if _, err := cluster.Join(t.Context(), cluster.JoinConfig{Config: lonely, Token: good()}); !errors.As(err, &setting) {
		t.Errorf("a node without a port: %v", err)
	}
	if names, voters := s.names("n1"); names != "n1" || voters != 1 {
		t.Errorf("the cluster has %s, %d vote", names, voters)
	}
	s.enrol("n1") // and is as well as before
}

// parts are what a token says.
func parts(t *testing.T, token string) (all map[string]any) {
	t.Helper()
	altered(t, token, func(p map[string]any) { all = p })
	return all
}

func TestATokenIsGoodOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1)
	token := s.token("n1", cluster.TokenRequest{Node: "n2"})
	config := s.config("n2")
	joined, err := cluster.Join(t.Context(), cluster.JoinConfig{Config: config, Token: token})
	if err != nil || joined.Node != "n2" || !joined.Voter || len(joined.Members) != 1 || joined.Members[0] != "n1" {
		t.Fatalf("Join: %+v, %v", joined, err)
	}
	if key, err := cluster.ParseMasterKey(joined.MasterKey); err != nil || !bytes.Equal(key, masterKey) {
		t.Errorf("the master key is another one: %v", err)
	}
	_, err = cluster.Join(t.Context(), cluster.JoinConfig{Config: config, Token: token})
	mustBeRefused(t, "the data directory is not empty", err, "is not empty")
	_, err = cluster.Join(t.Context(), cluster.JoinConfig{Config: s.config("n2"), Token: token})
	mustBeRefused(t, "the token was used", err, "not good (any more)")
	_, err = s.nodes["n1"].NewToken(t.Context(), cluster.TokenRequest{Node: "n2"})
	mustBeRefused(t, "a token for a name that is taken", err, `has a node "n2"`)
	config.MasterKey = masterKey
	s.configs["n2"] = config
	s.start("n2")
	lookForSecrets(t, config.DataDir)
}

func TestTwoTokensForOneNameMakeOneNode(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1)
	first, second := s.token("n1", cluster.TokenRequest{Node: "n2"}), s.token("n1", cluster.TokenRequest{Node: "n2"})
	if _, err := cluster.Join(t.Context(), cluster.JoinConfig{Config: s.config("n2"), Token: first}); err != nil {
		t.Fatalf("Join: %v", err)
	}
	_, err := cluster.Join(t.Context(), cluster.JoinConfig{Config: s.config("n2"), Token: second})
	mustBeRefused(t, "a second node of the name", err, "not good (any more)")
	if names, voters := s.names("n1"); names != "n1 n2" || voters != 1 {
		t.Errorf("the cluster has %s, %d vote", names, voters)
	}
}

func TestATokenExpires(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1)
	for name, r := range map[string]cluster.TokenRequest{
		"a day and more": {Node: "n2", Valid: 24*time.Hour + 1},
		"negative":       {Node: "n2", Valid: -1},
		"no name":        {},
		"its own name":   {Node: "n1"},
		"a bad name":     {Node: "n 2"},
	} {
		_, err := s.nodes["n1"].NewToken(t.Context(), r)
		mustBeRefused(t, name, err, "")
	}
	token := s.token("n1", cluster.TokenRequest{Node: "n2", Valid: time.Minute})
	s.pass(61 * time.Second)
	_, err := cluster.Join(t.Context(), cluster.JoinConfig{Config: s.config("n2"), Token: token})
	mustBeRefused(t, "after its time", err, "not good (any more)")
}

func TestANodeWithDataDoesNotJoin(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1)
	config := s.config("n2")
	alone := config
	alone.Listen = ""
	closeNode(t, openNode(t, alone))
	_, err := cluster.Join(t.Context(), cluster.JoinConfig{Config: config, Token: s.token("n1", cluster.TokenRequest{Node: "n2"})})
	mustBeRefused(t, "data of its own", err, "is not empty")
	closeNode(t, openNode(t, alone)) // which is still there
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1)
	token := s.token("n1", cluster.TokenRequest{Node: "n2"})
	s.close("n1")
	_, err := cluster.Join(t.Context(), cluster.JoinConfig{Config: s.config("n2"), Token: token})
	var refused *cluster.RefusedError
	if err == nil || errors.As(err, &refused) || !strings.Contains(err.Error(), "no node of the cluster can be reached") {
		t.Errorf("%v", err)
	}
}

func TestANodeOfAnOlderLevelDoesNotJoin(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1)
	token := s.token("n1", cluster.TokenRequest{Node: "n2"})
	err := cluster.JoinAtLevel(t.Context(), cluster.JoinConfig{Config: s.config("n2"), Token: token}, state.Level-1)
	mustBeRefused(t, "an older program", err, "install the version of the other nodes")
	// The token is not used up by it.
	if _, err := cluster.Join(t.Context(), cluster.JoinConfig{Config: s.config("n2"), Token: token}); err != nil {
		t.Errorf("Join: %v", err)
	}
}

func TestANonVoterStaysOne(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1)
	s.join("n2", true)
	s.join("n3", false)
	waitFor(t, "the other one votes", func() bool { _, voters := s.names("n2"); return voters == 2 })
	m, err := s.nodes["n2"].Members(t.Context())
	if err != nil || len(m.Nodes) != 3 || m.Nodes[1].Vote || m.Nodes[1].Role != cluster.RoleNonVoter || m.Quorum != 2 {
		t.Errorf("%+v, %v", m, err)
	}
	s.enrol("n2") // it serves
}

func TestANodeVotesWhenItHasBeenWellForAWhile(t *testing.T) {
	t.Parallel()
	const promoteAfter = 2 * time.Second
	s := newSite(t, 1)
	config := s.configs["n1"]
	config.PromoteAfter = promoteAfter
	s.close("n1")
	s.configs["n1"] = config
	s.start("n1")
	joined := time.Now()
	s.join("n2", false)
	err := s.nodes["n1"].Transfer(t.Context(), "n2")
	mustBeRefused(t, "the lead for a node that does not vote", err, "no voter")
	waitFor(t, "it votes", func() bool { _, voters := s.names("n1"); return voters == 2 })
	if after := time.Since(joined); after < promoteAfter {
		t.Errorf("it votes after %v", after)
	}
}

func TestAJoinThatIsCalledOffUsesNoToken(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1)
	token := s.token("n1", cluster.TokenRequest{Node: "n2"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := cluster.Join(ctx, cluster.JoinConfig{Config: s.config("n2"), Token: token}); !errors.Is(err, context.Canceled) {
		t.Errorf("a join that was called off: %v", err)
	}
	if _, err := cluster.Join(t.Context(), cluster.JoinConfig{Config: s.config("n2"), Token: token}); err != nil {
		t.Errorf("Join: %v", err)
	}
}
