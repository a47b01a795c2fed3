package link_test

import (
	"context"
	"crypto/tls"
	"strings"
	"testing"

	"sallyport/cluster/link"
)

func TestAJoinerProvesItsKey(t *testing.T) {
	request, key, err := link.NewKey("new")
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := link.NewKey("new")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, "c1")
	member := w.listen(t, w.member(t, "a"))
	joiner := freeAddress(t)
	stop, err := link.ListenProof(t.Context(), joiner, key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := link.ListenProof(t.Context(), joiner, key); err == nil {
		t.Error("an address was bound twice")
	}
	for range 3 {
		if err := link.Prove(t.Context(), joiner, request); err != nil {
			t.Errorf("the joiner is there: %v", err)
		}
	}
	for name, c := range map[string]struct {
		address string
		request []byte
		want    string
	}{
		"another key":           {joiner, other, "does not have the key of the request"},
		"a member answers":      {member.address(), request, "node \"new\" cannot be reached"},
		"any server answers":    {answerTLS(t, &tls.Config{NextProtos: []string{"sallyport-proof/1"}, Certificates: shows(t, w.member(t, "b"))}), request, "does not have the key of the request"},
		"nobody answers":        {freeAddress(t), request, "refused"},
		"an altered request":    {joiner, altered(request), "certificate request"},
		"something that is not": {joiner, []byte("request"), "certificate request"},
	} {
		if err := link.Prove(t.Context(), c.address, c.request); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for range 2 {
		if err := stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	}
	if err := link.Prove(t.Context(), joiner, request); err == nil {
		t.Error("the joiner answers after stop")
	}
}

func TestAProofEndsWithItsContext(t *testing.T) {
	request, key, err := link.NewKey("new")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	address := freeAddress(t)
	stop, err := link.ListenProof(ctx, address, key)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	waitFor(t, "the end of the listener", func() bool { return link.Prove(t.Context(), address, request) != nil })
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if _, err := link.ListenProof(t.Context(), address, []byte("no key")); err == nil {
		t.Error("a proof without a key")
	}
}
