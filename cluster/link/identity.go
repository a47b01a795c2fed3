package link

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"fmt"
)

// Identity is what a node is: its name, its certificate and key, and the authority that signed it.
type Identity struct {
	Name string
	// Certificate and Authority are certificates in DER.
	Certificate, Authority []byte
	// Key is that of Certificate, in PKCS#8 DER. It never leaves the node.
	Key []byte
}

// Check returns an error when the parts do not belong together: the authority signed the certificate,
// which is for the node of that name and for that key. It does not look at the time.
func (i Identity) Check() error {
	_, err := i.parse()
	return err
}

// Peer returns what other nodes see of this one.
func (i Identity) Peer() (Peer, error) {
	p, err := i.parse()
	return p.peer, err
}

// parsed is an identity that fits.
type parsed struct {
	peer  Peer
	chain tls.Certificate // the node's, then the authority's
	roots *x509.CertPool  // the authority
}

func (i Identity) parse() (parsed, error) {
	wrong := func(format string, a ...any) (parsed, error) {
		return parsed{}, fmt.Errorf("identity of node %q: %w", i.Name, fmt.Errorf(format, a...))
	}
	authority, err := parseAuthority(i.Authority)
	if err != nil {
		return wrong("%w", err)
	}
	leaf, err := x509.ParseCertificate(i.Certificate)
	if err != nil {
		return wrong("certificate: %w", err)
	}
	if err := leaf.CheckSignatureFrom(authority); err != nil {
		return wrong("the cluster's authority did not sign the certificate: %w", err)
	}
	self, err := peerOf(leaf)
	if err != nil {
		return wrong("%w", err)
	}
	if self.Name != i.Name || self.Cluster != authority.Subject.Organization[0] {
		return wrong("the certificate is that of node %q in cluster %q", self.Name, self.Cluster)
	}
	key, err := parseKey(i.Key)
	if err != nil {
		return wrong("%w", err)
	}
	if !key.Public().(ed25519.PublicKey).Equal(leaf.PublicKey) {
		return wrong("the key is not that of the certificate")
	}
	p := parsed{peer: self, roots: x509.NewCertPool()}
	p.roots.AddCert(authority)
	p.chain = tls.Certificate{Certificate: [][]byte{i.Certificate, i.Authority}, PrivateKey: key, Leaf: leaf}
	return p, nil
}
