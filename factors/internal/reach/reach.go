// Package reach holds what factors that send through other servers share: whom they trust, which
// hosts are this machine, and how long they pause before they try again.
package reach

import (
	"crypto/x509"
	"fmt"
	"net/netip"

	"sallyport/factors/internal/files"
)

// maxAuthorities bounds a file of certificates, in octets; that of a whole system has a quarter of it.
const maxAuthorities = 1 << 20

// Authorities returns the authorities of a PEM file; nil, which is the system's, when there is no file.
// Errors begin with the key ca_file.
func Authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := files.Read(file, maxAuthorities)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file: %s holds no PEM certificate", file)
	}
	return roots, nil
}

// Loopback reports whether a host, a name or an address without port and brackets, is this machine.
func Loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
