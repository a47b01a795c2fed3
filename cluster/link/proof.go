package link

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// ListenProof lets members see, by [Prove], that a joining node can be reached and holds the key that it
// asks a certificate for; key is PKCS#8 DER. It says nothing to whoever connects. It ends with ctx, or
// when stop is called, which waits until all has ended.
func ListenProof(ctx context.Context, listen string, key []byte) (stop func() error, err error) {
	config, err := proofConfig(key)
	if err != nil {
		return nil, fmt.Errorf("listen for the cluster: %w", err)
	}
	tcp, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("listen for the cluster: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	release := context.AfterFunc(ctx, func() { _ = tcp.Close() })
	var work sync.WaitGroup
	work.Go(func() { answerProofs(ctx, tcp, config) })
	return sync.OnceValue(func() error {
		release()
		cancel()
		err := tcp.Close()
		work.Wait()
		if errors.Is(err, net.ErrClosed) {
			return nil // ctx has ended
		}
		return err
	}), nil
}

// proofConfig shows a certificate that the key has signed itself: it stands for the key alone.
func proofConfig(key []byte) (*tls.Config, error) {
	private, err := parseKey(key)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{NotAfter: time.Unix(1<<34, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, err
	}
	config := baseConfig(proofProtocol)
	config.Certificates = []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}}
	return config, nil
}

// answerProofs does one handshake after the other, each in its time, until the listener is closed.
func answerProofs(ctx context.Context, tcp net.Listener, config *tls.Config) {
	var work sync.WaitGroup
	defer work.Wait()
	gate := newGate()
	for {
		raw, err := tcp.Accept()
		if errors.Is(err, net.ErrClosed) || err != nil && !pause(ctx, acceptPause) {
			return
		}
		if err != nil {
			continue
		}
		source := sourceOf(raw)
		if !gate.enter(source) {
			_ = raw.Close()
			continue
		}
		work.Go(func() {
			defer gate.leave(false)
			defer gate.settled(source)
			ctx, cancel := context.WithTimeout(ctx, handshakeTime)
			defer cancel()
			secured := tls.Server(raw, config)
			_ = secured.HandshakeContext(ctx) // who calls is not known, and hears no more
			_ = secured.Close()
		})
	}
}

// Prove connects to a joining node that runs [ListenProof], and returns nil when it holds the key that
// signed the request (PKCS#10 DER). ctx bounds it, and so does the time of a handshake.
func Prove(ctx context.Context, address string, request []byte) error {
	name, public, err := parseRequest(request)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	config := baseConfig(proofProtocol)
	config.InsecureSkipVerify = true // the key decides, which the handshake shows to be there
	config.VerifyConnection = func(s tls.ConnectionState) error { return holds(s, public) }
	secured, err := dialTLS(ctx, address, config)
	if err != nil {
		return fmt.Errorf("node %q cannot be reached as it says: %w", name, err)
	}
	return secured.NetConn().Close()
}

// holds checks that the peer of a handshake has that key.
func holds(s tls.ConnectionState, public ed25519.PublicKey) error {
	if s.NegotiatedProtocol != proofProtocol || len(s.PeerCertificates) == 0 || !public.Equal(s.PeerCertificates[0].PublicKey) {
		return errors.New("something else answers there, which does not have the key of the request")
	}
	return nil
}
