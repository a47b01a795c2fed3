package link

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
)

// NewKey makes the key of a new node, in PKCS#8 DER, and the request to sign its certificate.
func NewKey(name string) (request, key []byte, err error) {
	if err := CheckName(name); err != nil {
		return nil, nil, err
	}
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, nil, fmt.Errorf("make key of node %q: %w", name, err)
	}
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}
	if request, err = x509.CreateCertificateRequest(rand.Reader, template, private); err != nil {
		return nil, nil, fmt.Errorf("make key of node %q: %w", name, err)
	}
	if key, err = marshalKey(private); err != nil {
		return nil, nil, err
	}
	return request, key, nil
}

// parseRequest returns what a request asks for. It is signed by the key that it is for.
func parseRequest(der []byte) (name string, public ed25519.PublicKey, err error) {
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return "", nil, fmt.Errorf("certificate request: %w", err)
	}
	if err := request.CheckSignature(); err != nil {
		return "", nil, fmt.Errorf("certificate request: it is not signed by its own key: %w", err)
	}
	public, ok := request.PublicKey.(ed25519.PublicKey)
	if !ok {
		return "", nil, fmt.Errorf("certificate request: its key is %v, and only Ed25519 is used here", request.PublicKeyAlgorithm)
	}
	if err := CheckName(request.Subject.CommonName); err != nil {
		return "", nil, fmt.Errorf("certificate request: %w", err)
	}
	return request.Subject.CommonName, public, nil
}

func marshalKey(key ed25519.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode key: %w", err)
	}
	return der, nil
}

// parseKey reads a key in PKCS#8 DER. What the parser says could quote it.
func parseKey(der []byte) (ed25519.PrivateKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.New("the key is not PKCS#8; was it cut or altered?")
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("the key is a %T, and only Ed25519 is used here", parsed)
	}
	return key, nil
}
