package link

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
)

// DialJoin connects to a member for a node that has no certificate yet, and returns the certificate of
// the cluster's authority in DER. The member's certificate must be signed by the authority with that
// fingerprint (see [Fingerprint]); which member it is does not matter. ctx bounds connecting, and so
// does the time of a handshake.
func DialJoin(ctx context.Context, address string, authority [32]byte) (net.Conn, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	config := baseConfig(Join.protocol())
	// The authority is known by its fingerprint alone, which the standard verification cannot use.
	config.InsecureSkipVerify = true
	config.VerifyConnection = func(s tls.ConnectionState) error {
		_, err := verifyChain(s, authority)
		return err
	}
	secured, err := dialTLS(ctx, address, config)
	if err != nil {
		return nil, nil, fmt.Errorf("join: %w", err)
	}
	root, err := verifyChain(secured.ConnectionState(), authority)
	if err != nil {
		return nil, nil, errors.Join(err, secured.Close())
	}
	return secured, root.Raw, nil
}

// verifyChain returns the authority with that fingerprint when it signed the first certificate.
func verifyChain(s tls.ConnectionState, authority [32]byte) (*x509.Certificate, error) {
	if s.NegotiatedProtocol != Join.protocol() {
		return nil, errors.New("what answers is not the cluster port of a node")
	}
	if _, err := firstPeer(s.PeerCertificates); err != nil {
		return nil, err
	}
	at := slices.IndexFunc(s.PeerCertificates, func(c *x509.Certificate) bool { return Fingerprint(c.Raw) == authority })
	if at < 0 {
		return nil, errors.New("the node that answers is not of the cluster that the token is from: check the address")
	}
	root := s.PeerCertificates[at]
	roots := x509.NewCertPool()
	roots.AddCert(root)
	_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	return root, err
}
