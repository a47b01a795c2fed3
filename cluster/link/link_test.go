package link_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/netutil"

	"sallyport/cluster/link"
)

// betweenMembers are the classes that only members speak.
var betweenMembers = []link.Class{link.Raft, link.Call}

func TestMembersSpeakInBothDirections(t *testing.T) {
	w := newWorld(t, "c1")
	// Names that TLS would not take for a host's, and that it would take for the same.
	one, two := w.member(t, "Node_1..x"), w.member(t, "node_1..x")
	a, b := w.listen(t, one), w.listen(t, two)
	for _, class := range betweenMembers {
		for _, c := range []struct {
			from, to             *node
			fromPeer, acceptPeer link.Identity
		}{{a, b, two, one}, {b, a, one, two}} {
			dialled, accepted := connect(t, c.from, c.to, class)
			passes(t, dialled, accepted)
			passes(t, accepted, dialled)
			isPeer(t, c.from, dialled, c.fromPeer)
			isPeer(t, c.to, accepted, c.acceptPeer)
			if got := accepted.LocalAddr().String(); got != c.to.address() {
				t.Errorf("the accepted end is at %s, want %s", got, c.to.address())
			}
		}
	}
}

func isPeer(t *testing.T, n *node, c net.Conn, want link.Identity) {
	t.Helper()
	p, ok := n.Peer(c)
	if w := (link.Peer{Name: want.Name, Fingerprint: link.Fingerprint(want.Certificate), Cluster: "c1"}); !ok || p != w {
		t.Errorf("%s sees %v, %v at the other end, want %v", n.name, p, ok, w)
	}
}

// TestHandlersKnowThePeer serves HTTP through a listener that wraps its connections.
func TestHandlersKnowThePeer(t *testing.T) {
	w := newWorld(t, "c1")
	a, b := w.listen(t, w.member(t, "a")), w.listen(t, w.member(t, "b"))
	type key struct{}
	server := &http.Server{
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			p, _ := b.Peer(c)
			return context.WithValue(ctx, key{}, p.Name)
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, r.Context().Value(key{}), " ", r.Proto)
		}),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(netutil.LimitListener(b.Listener(link.Call), 10)) }()
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			return a.Dial(ctx, link.Call, "b", address)
		},
	}}
	got, err := client.Get("http://" + b.address())
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(got.Body)
	if err := errors.Join(err, got.Body.Close()); err != nil || string(body) != "a HTTP/1.1" {
		t.Errorf("the handler says %q, %v", body, err)
	}
	client.CloseIdleConnections()
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

// TestStrangersAreRefused has nodes call a member and answer it that are not what it takes. Those of
// another authority are on its list of members, which alone must not help them.
func TestStrangersAreRefused(t *testing.T) {
	w := newWorld(t, "c1")
	sameID, otherID := newWorld(t, "c1").identity(t, "b"), newWorld(t, "c2").identity(t, "b")
	w.set(t, sameID, true)
	w.set(t, otherID, true)
	w.member(t, "d")
	for name, c := range map[string]struct {
		stranger link.Identity
		refusal  string // what the member says
	}{
		"of another authority with the same cluster id": {sameID, "unknown authority"},
		"of another cluster":                            {otherID, "unknown authority"},
		"whose node is no member":                       {w.identity(t, "c"), errNoMember.Error()},
		"with the name of a member and another key":     {w.identity(t, "d"), errNoMember.Error()},
	} {
		for _, class := range betweenMembers {
			t.Run(name+"/"+class.String(), func(t *testing.T) {
				member := w.listen(t, w.member(t, "a"))
				member.nothing(t, class)
				protocol := []string{"sallyport-" + class.String() + "/1"}

				answers := answerTLS(t, &tls.Config{NextProtos: protocol, Certificates: shows(t, c.stranger)})
				if _, err := member.Dial(t.Context(), class, c.stranger.Name, answers); err == nil || !strings.Contains(err.Error(), c.refusal) {
					t.Errorf("dialled the stranger: %v", err)
				}
				conn, err := tls.Dial("tcp", member.address(), &tls.Config{
					NextProtos: protocol, InsecureSkipVerify: true,
					// Whatever authority is asked for, this is what it has.
					GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
						return &shows(t, c.stranger)[0], nil
					},
				})
				if err == nil { // in TLS 1.3 the caller is judged last
					defer conn.Close()
					ends(t, conn)
				}
				member.refused(t, c.refusal)
			})
		}
	}
}

func TestAnotherMemberAtTheAddressIsRefused(t *testing.T) {
	w := newWorld(t, "c1")
	a, b := w.listen(t, w.member(t, "a")), w.listen(t, w.member(t, "b"))
	w.member(t, "B")
	b.nothing(t, link.Raft)
	for name, want := range map[string]string{"c": "b.node.sallyport", "B": `node "b" answers`} {
		if _, err := a.Dial(t.Context(), link.Raft, name, b.address()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("dialled %s and got b: %v", name, err)
		}
	}
}

func TestACertificateHasItsTime(t *testing.T) {
	w := newWorld(t, "c1")
	one, two := w.member(t, "a"), w.member(t, "b")
	for _, now := range []time.Time{begun.Add(-25 * time.Hour), begun.AddDate(10, 0, 1)} {
		at := func(c *link.Config) { c.Now = func() time.Time { return now } }
		a, b := w.listen(t, one, at), w.listen(t, two, at)
		if _, err := a.Dial(t.Context(), link.Call, "b", b.address()); err == nil || !strings.Contains(err.Error(), "expired or is not yet valid") {
			t.Errorf("at %v: %v", now, err)
		}
	}
}

// TestARemovedNodeIsCut ends connections of both directions, and only those of the removed node.
func TestARemovedNodeIsCut(t *testing.T) {
	w := newWorld(t, "c1")
	removed := w.member(t, "removed")
	a, b, r := w.listen(t, w.member(t, "a")), w.listen(t, w.member(t, "b")), w.listen(t, removed, func(c *link.Config) {
		c.Admit = func(link.Class, link.Peer) error { return nil } // it has not heard of it
	})
	stays, stayed := connect(t, a, b, link.Raft)
	var cut []net.Conn
	for _, class := range betweenMembers {
		x, _ := connect(t, a, r, class)
		_, y := connect(t, r, a, class)
		cut = append(cut, x, y)
	}
	a.Recheck()
	for _, c := range cut { // still a member
		if _, err := c.Write([]byte{1}); err != nil {
			t.Errorf("a member was cut: %v", err)
		}
	}

	w.set(t, removed, false)
	a.Recheck()
	for _, c := range cut {
		ends(t, c)
	}
	passes(t, stays, stayed)
	if got := strings.Count(a.log.String(), "is cut"); got != len(cut) {
		t.Errorf("%d of %d cuts are logged", got, len(cut))
	}
	a.nothing(t, betweenMembers...)
	for _, class := range betweenMembers {
		if _, err := a.Dial(t.Context(), class, "removed", r.address()); !errors.Is(err, errNoMember) {
			t.Errorf("dialled a removed node: %v", err)
		}
		c, err := r.Dial(t.Context(), class, "a", a.address())
		if err == nil {
			ends(t, c)
		}
	}
	a.refused(t, errNoMember.Error())
}

func TestListenSaysWhatIsMissing(t *testing.T) {
	_, err := link.Listen(link.Config{Frame: -1})
	for _, want := range []string{"no address", "who is a member", "negative", "identity"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Listen says %v, and nothing of %q", err, want)
		}
	}
	w := newWorld(t, "c1")
	taken := w.listen(t, w.member(t, "a"))
	if _, err := link.Listen(link.Config{Listen: taken.address(), Identity: w.member(t, "b"), Admit: w.admit}); err == nil {
		t.Error("a port was bound twice")
	}
}

// TestARemovalDuringTheHandshake is the one that a Recheck at that moment does not see.
func TestARemovalDuringTheHandshake(t *testing.T) {
	w := newWorld(t, "c1")
	asked := make(chan struct{}, 2)
	b := w.listen(t, w.member(t, "b"))
	a := w.listen(t, w.member(t, "a"), func(c *link.Config) {
		c.Admit = func(link.Class, link.Peer) error {
			select {
			case asked <- struct{}{}:
				return nil
			default:
				return errNoMember
			}
		}
	})
	asked <- struct{}{} // one yes is left
	a.nothing(t, link.Call)
	if _, err := a.Dial(t.Context(), link.Call, "b", b.address()); !errors.Is(err, errNoMember) {
		t.Errorf("dialled: %v", err)
	}
	<-asked
	c, err := b.Dial(t.Context(), link.Call, "a", a.address())
	if err != nil {
		t.Fatal(err)
	}
	ends(t, c)
	a.refused(t, errNoMember.Error())
}
