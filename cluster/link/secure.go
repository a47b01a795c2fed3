package link

import (
	"crypto/tls"
	"errors"
	"fmt"
)

// baseConfig is what all handshakes have in common. A session that is resumed would skip the
// certificates, so there are no tickets.
func baseConfig(protocol string) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		NextProtos:             []string{protocol},
		SessionTicketsDisabled: true,
	}
}

// classConfig is what this node shows and whom it trusts, for one class.
func (l *Link) classConfig(class Class) *tls.Config {
	c := baseConfig(class.protocol())
	c.Time = l.config.Now
	c.Certificates = []tls.Certificate{l.self.chain}
	return c
}

// serverConfig decides by the one protocol that the caller offers, before anything else is read from it.
func (l *Link) serverConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			class, ok := classOf(hello.SupportedProtos)
			if !ok {
				return nil, errors.New("the caller does not speak one protocol of the cluster port")
			}
			c := l.classConfig(class)
			if class != Join {
				c.ClientAuth = tls.RequireAndVerifyClientCert
				c.ClientCAs = l.self.roots
				c.VerifyConnection = func(s tls.ConnectionState) error { return l.admit(class, s, "") }
			}
			return c, nil
		},
	}
}

// clientConfig is for calling the node of that name.
func (l *Link) clientConfig(class Class, name string) *tls.Config {
	c := l.classConfig(class)
	c.RootCAs = l.self.roots
	c.ServerName = name + serverSuffix
	c.VerifyConnection = func(s tls.ConnectionState) error { return l.admit(class, s, name) }
	return c
}

// admit judges a peer whose certificate the authority has signed. An empty name is any.
func (l *Link) admit(class Class, s tls.ConnectionState, name string) error {
	if s.NegotiatedProtocol != class.protocol() {
		return fmt.Errorf("the peer does not speak %s", class.protocol())
	}
	peer, err := firstPeer(s.PeerCertificates)
	if err != nil {
		return err
	}
	if name != "" && peer.Name != name { // TLS does not tell capitals from small letters
		return fmt.Errorf("node %q answers where node %q was expected", peer.Name, name)
	}
	if peer.Cluster != l.self.peer.Cluster {
		return fmt.Errorf("node %q belongs to cluster %q", peer.Name, peer.Cluster)
	}
	if err := l.config.Admit(class, peer); err != nil {
		return fmt.Errorf("node %q is not admitted: %w", peer.Name, err)
	}
	return nil
}
