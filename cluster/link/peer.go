package link

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
)

// Peer is the node at the other end of a connection, as its certificate says.
type Peer struct {
	// Name is the node's name.
	Name string
	// Fingerprint is that of its certificate, see [Fingerprint].
	Fingerprint [32]byte
	// Cluster is the id of the cluster whose authority signed it.
	Cluster string
}

// Fingerprint is the SHA-256 of a certificate in DER.
func Fingerprint(der []byte) [32]byte { return sha256.Sum256(der) }

// peerOf reads the certificate of a node. That the cluster's authority signed it, is checked elsewhere.
func peerOf(leaf *x509.Certificate) (Peer, error) {
	name := leaf.Subject.CommonName
	if err := CheckName(name); err != nil {
		return Peer{}, fmt.Errorf("certificate of a node: %w", err)
	}
	if len(leaf.DNSNames) != 1 || leaf.DNSNames[0] != name+serverSuffix {
		return Peer{}, fmt.Errorf("certificate of node %q: it is for %q and not for that node alone", name, leaf.DNSNames)
	}
	if len(leaf.Subject.Organization) != 1 {
		return Peer{}, fmt.Errorf("certificate of node %q: it does not name one cluster", name)
	}
	return Peer{Name: name, Fingerprint: Fingerprint(leaf.Raw), Cluster: leaf.Subject.Organization[0]}, nil
}

// firstPeer reads the first of the certificates that a handshake showed.
func firstPeer(shown []*x509.Certificate) (Peer, error) {
	if len(shown) == 0 {
		return Peer{}, errors.New("no certificate was shown")
	}
	return peerOf(shown[0])
}

// peerAddr is a remote address that knows who is there, and so reaches handlers through whatever wraps
// the connection.
type peerAddr struct {
	net.Addr
	peer Peer
}

// Peer returns who is at the other end of a connection of any link: of one that was accepted, also when
// it has been wrapped since, and of one that was dialled. False means that the caller is unknown, as on
// every accepted connection of class [Join].
func (l *Link) Peer(c net.Conn) (Peer, bool) {
	a, ok := c.RemoteAddr().(peerAddr)
	return a.peer, ok
}

// certifiedName returns the name of the node that a certificate is for.
func certifiedName(der []byte) (string, error) {
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return "", fmt.Errorf("certificate of a node: %w", err)
	}
	p, err := peerOf(leaf)
	return p.Name, err
}
