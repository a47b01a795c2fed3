package link_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"strings"
	"testing"
	"time"

	"sallyport/cluster/link"
)

func TestAnAuthorityComesBackFromItsKey(t *testing.T) {
	w := newWorld(t, "c1")
	key, err := w.authority.Key()
	if err != nil {
		t.Fatal(err)
	}
	back, err := link.LoadAuthority(w.authority.Certificate(), key)
	if err != nil {
		t.Fatal(err)
	}
	request, nodeKey, err := link.NewKey("a")
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := back.Issue(request, "a", begun)
	if err != nil {
		t.Fatal(err)
	}
	if err := (link.Identity{Name: "a", Certificate: certificate, Authority: w.authority.Certificate(), Key: nodeKey}).Check(); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct{ certificate, key []byte }{
		"another key":          {w.authority.Certificate(), nodeKey},
		"no key":               {w.authority.Certificate(), []byte("key")},
		"no certificate":       {[]byte("certificate"), key},
		"a node's certificate": {certificate, nodeKey},
	} {
		if _, err := link.LoadAuthority(c.certificate, c.key); err == nil {
			t.Errorf("loaded with %s", name)
		}
	}
	if _, err := link.NewAuthority("", begun); err == nil {
		t.Error("an authority of no cluster")
	}
}

// TestACertificateIsForOneNode reads what was issued. A day before and ten years are promised.
func TestACertificateIsForOneNode(t *testing.T) {
	w := newWorld(t, "c1")
	c, err := x509.ParseCertificate(w.identity(t, "node-1").Certificate)
	if err != nil {
		t.Fatal(err)
	}
	if c.Subject.CommonName != "node-1" || strings.Join(c.Subject.Organization, " ") != "c1" || strings.Join(c.DNSNames, " ") != "node-1.node.sallyport" {
		t.Errorf("it is for %v, %v", c.Subject, c.DNSNames)
	}
	if c.IsCA || c.KeyUsage != x509.KeyUsageDigitalSignature {
		t.Errorf("it is good for %v, authority %v", c.KeyUsage, c.IsCA)
	}
	from, until := begun.Add(-24*time.Hour).Truncate(time.Second), begun.AddDate(10, 0, 0).Truncate(time.Second)
	if !c.NotBefore.Equal(from) || !c.NotAfter.Equal(until) {
		t.Errorf("it is valid from %v to %v, want %v to %v", c.NotBefore, c.NotAfter, from, until)
	}
}

func TestARequestIsChecked(t *testing.T) {
	w := newWorld(t, "c1")
	request, _, err := link.NewKey("a")
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ofAnotherKind, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "a"}}, foreign)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		request []byte
		name    string
		want    string
	}{
		"another name":       {request, "b", `the request is for node "a"`},
		"capitals":           {request, "A", `the request is for node "a"`},
		"another signature":  {altered(request), "a", "not signed by its own key"},
		"another text":       {bytes.Replace(request, []byte{1, 'a'}, []byte{1, 'b'}, 1), "b", "certificate request"},
		"another kind":       {ofAnotherKind, "a", "only Ed25519"},
		"nothing":            {nil, "a", "certificate request"},
		"more than was sent": {append(bytes.Clone(request), 0), "a", "certificate request"},
	} {
		if _, err := w.authority.Issue(c.request, c.name, begun); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
}

func TestNamesOfNodes(t *testing.T) {
	long := strings.Repeat("a", 63)
	for _, name := range []string{"a", "7", "node1", "Node_1.example-org", "a--b", "a..b", long} {
		if err := link.CheckName(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", ".a", "a.", "-a", "a-", "_", "a b", "a\n", "a/b", "ä", "*", "a,b", long + "a"} {
		if err := link.CheckName(name); err == nil || !strings.Contains(err.Error(), "use 1 to 63") {
			t.Errorf("%q is a name: %v", name, err)
		}
		if _, _, err := link.NewKey(name); err == nil {
			t.Errorf("%q has a key", name)
		}
	}
}
