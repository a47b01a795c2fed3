package link

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"time"
)

const (
	// early is how long before its making a certificate is valid already: clocks of nodes differ.
	early = 24 * time.Hour
	// nodeYears is how long the certificate of a node is valid. Membership is what revokes it.
	nodeYears = 10
	// authorityYears leaves each node its whole term.
	authorityYears = 50
)

// Authority is the certificate authority of a cluster. It is safe for concurrent use.
type Authority struct {
	certificate *x509.Certificate
	key         ed25519.PrivateKey
	cluster     string
}

// NewAuthority makes the authority of a new cluster.
func NewAuthority(clusterID string, now time.Time) (*Authority, error) {
	if clusterID == "" {
		return nil, errors.New("make cluster authority: the cluster has no id")
	}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, fmt.Errorf("make cluster authority: %w", err)
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "Sallyport cluster authority", Organization: []string{clusterID}},
		NotBefore:             now.Add(-early),
		NotAfter:              now.AddDate(authorityYears, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make cluster authority: %w", err)
	}
	return authority(der, key)
}

// LoadAuthority reads an authority: its certificate in DER, and its key in PKCS#8 DER. It fails when
// they do not belong together. Errors never quote the key.
func LoadAuthority(certificate, key []byte) (*Authority, error) {
	private, err := parseKey(key)
	if err != nil {
		return nil, fmt.Errorf("load cluster authority: %w", err)
	}
	return authority(certificate, private)
}

func authority(der []byte, key ed25519.PrivateKey) (*Authority, error) {
	certificate, err := parseAuthority(der)
	if err != nil {
		return nil, err
	}
	if !key.Public().(ed25519.PublicKey).Equal(certificate.PublicKey) {
		return nil, errors.New("cluster authority: the key is not that of the certificate")
	}
	return &Authority{certificate: certificate, key: key, cluster: certificate.Subject.Organization[0]}, nil
}

// parseAuthority reads a certificate that may sign those of nodes.
func parseAuthority(der []byte) (*x509.Certificate, error) {
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("cluster authority: %w", err)
	}
	if !certificate.IsCA || len(certificate.Subject.Organization) != 1 {
		return nil, errors.New("cluster authority: the certificate is not that of an authority of a cluster")
	}
	return certificate, nil
}

// Certificate returns the authority's own certificate in DER.
func (a *Authority) Certificate() []byte { return a.certificate.Raw }

// Key returns the authority's key in PKCS#8 DER. Whoever has it can make nodes' certificates.
func (a *Authority) Key() ([]byte, error) { return marshalKey(a.key) }

// Issue signs the certificate of a node, in DER: a PKCS#10 request (RFC 2986) that is signed by its own
// key and asks for exactly that name. Nothing else of the request reaches the certificate, which is
// valid from a day before now until ten years after.
func (a *Authority) Issue(request []byte, name string, now time.Time) ([]byte, error) {
	asked, public, err := parseRequest(request)
	if err != nil {
		return nil, fmt.Errorf("issue certificate of node %q: %w", name, err)
	}
	if asked != name {
		return nil, fmt.Errorf("issue certificate of node %q: the request is for node %q", name, asked)
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: name, Organization: []string{a.cluster}},
		DNSNames:    []string{name + serverSuffix},
		NotBefore:   now.Add(-early),
		NotAfter:    now.AddDate(nodeYears, 0, 0),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, public, a.key)
	if err != nil {
		return nil, fmt.Errorf("issue certificate of node %q: %w", name, err)
	}
	return der, nil
}
