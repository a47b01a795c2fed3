package email

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"sallyport/factors/internal/reach"
)

// security is how a connection is encrypted. The zero value demands STARTTLS.
type security uint8

const (
	startTLS security = iota
	implicitTLS
	plain
)

// endpoint is how to reach one server. Its text is the URL with the port.
type endpoint struct {
	scheme   string
	security security
	host     string
	port     string
}

// ofScheme is the way to reach a server that a scheme names, with its port: RFC 6409 §3.1, RFC 8314
// §7.3, RFC 5321 §4.5.4.2.
func ofScheme(scheme string) (e endpoint, known bool) {
	switch scheme {
	case "smtp":
		return endpoint{scheme: scheme, security: startTLS, port: "587"}, true
	case "smtps":
		return endpoint{scheme: scheme, security: implicitTLS, port: "465"}, true
	case "smtp+plain":
		return endpoint{scheme: scheme, security: plain, port: "25"}, true
	}
	return endpoint{}, false
}

// String is the URL with its port; there is no secret in it.
func (e endpoint) String() string { return e.scheme + "://" + e.address() }

func (e endpoint) address() string { return net.JoinHostPort(e.host, e.port) }

// parseEndpoint reads an entry of the setting servers. An error does not repeat user information,
// which could be a password.
func parseEndpoint(text string) (endpoint, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return endpoint{}, fmt.Errorf("%q is not of the form smtp://host:port; the account goes into username and password_file", redact(text))
	}
	e, ok := ofScheme(u.Scheme)
	if !ok {
		return endpoint{}, fmt.Errorf("%s: the scheme must be smtp (with STARTTLS) or smtps", text)
	}
	e.host = u.Hostname()
	if port := u.Port(); port != "" {
		e.port = port
	}
	if n, err := strconv.ParseUint(e.port, 10, 16); err != nil || n == 0 {
		return endpoint{}, fmt.Errorf("%s: %s is not a port", text, e.port)
	}
	if e.security == plain && !reach.Loopback(e.host) {
		return endpoint{}, fmt.Errorf("%s: mail would leave this machine in the clear; use smtp:// or smtps://", text)
	}
	return e, nil
}

// redact hides what stands in front of an @.
func redact(text string) string {
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		return "…" + text[at:]
	}
	return text
}

// isHost reports whether a name may follow EHLO: a domain or an address literal.
func isHost(name string) bool {
	if literal, ok := strings.CutPrefix(name, "["); ok {
		ip := strings.TrimPrefix(strings.TrimSuffix(literal, "]"), "IPv6:")
		_, err := netip.ParseAddr(ip)
		return err == nil && strings.HasSuffix(literal, "]")
	}
	_, err := asciiDomain(name)
	return err == nil
}

// tlsConfig checks the chain and the name of a server's certificate.
func tlsConfig(c Config, e endpoint, roots *x509.CertPool) *tls.Config {
	name := e.host
	if c.ServerName != "" {
		name = c.ServerName
	}
	return &tls.Config{RootCAs: roots, ServerName: name, MinVersion: tls.VersionTLS12}
}
