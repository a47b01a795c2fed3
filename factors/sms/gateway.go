package sms

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// What is read of an answer at most, in octets, and how long it may take to connect.
const (
	maxAnswer   = 64 << 10
	dialTimeout = 4 * time.Second
	maxConns    = 64
)

// gateway is one of the URLs, with what this node saw of it.
type gateway struct {
	target
	counts [outcomes]atomic.Uint64
	// failed is when it last could not be used, in Unix nanoseconds; 0 when it could.
	failed atomic.Int64
}

func hostOf(t target) string {
	host, _, err := net.SplitHostPort(t.host)
	if err != nil {
		return t.host
	}
	return host
}

// address is where to connect to, host:port.
func (t target) address() string {
	if _, _, err := net.SplitHostPort(t.host); err == nil {
		return t.host
	}
	return net.JoinHostPort(t.host, map[string]string{"https": "443", "http": "80"}[t.scheme])
}

// tlsConfig trusts the authorities of a file, or the system's.
func tlsConfig(caFile string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile == "" {
		return config, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file: %s holds no certificate", caFile)
	}
	return config, nil
}

// newTransport returns a transport that makes one connection for each request. A connection that is
// kept can break under a request, and net/http then quietly makes the request again where its method
// allows it: to Kannel, whose method is GET, that would be a second message. HTTP/1 only, for the
// same reason.
func newTransport(c Config, trust *tls.Config) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	t := &http.Transport{
		DialContext:            (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSClientConfig:        trust,
		TLSHandshakeTimeout:    dialTimeout,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		Protocols:              protocols,
		MaxConnsPerHost:        maxConns,
		MaxResponseHeaderBytes: maxAnswer,
	}
	if proxy, err := url.Parse(c.Proxy); err == nil && c.Proxy != "" {
		t.Proxy = http.ProxyURL(proxy)
	}
	return t
}

// result is what became of one request.
type result struct {
	outcome outcome
	// id is the gateway's name for the message, err what went wrong; neither holds anything secret.
	id  string
	err error
	// after is how long the gateway asks to be left alone.
	after time.Duration
}

// try hands a message to one gateway, once.
func (e *engine) try(ctx context.Context, g *gateway, v values) result {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	// The request can have been read only once there is a connection to write it to.
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	request, err := e.requests.make(ctx, g.target, v)
	if err != nil {
		return result{outcome: refused, err: err}
	}
	response, err := e.transport.RoundTrip(request)
	if err != nil {
		if !connected.Load() {
			return result{outcome: unsent, err: trouble(err)}
		}
		return result{outcome: unknown, err: trouble(err)}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	a := answer{status: response.StatusCode, body: body[:min(len(body), maxAnswer)], cut: err != nil || len(body) > maxAnswer}
	r := result{outcome: e.rules.judge(a), after: retryAfter(response.Header)}
	switch r.outcome {
	case taken, queued:
		r.id = showable(e.rules.id(a), v)
	default:
		r.err = refusal(a.status, showable(e.rules.why(a), v))
	}
	return r
}

// retryAfter reads the seconds of a Retry-After (RFC 9110 §10.2.3); a date is not read.
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.ParseUint(h.Get("Retry-After"), 10, 16)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// refusal says what an answer was, in our words: the gateway's own may repeat the message.
func refusal(status int, reason string) error {
	words := fmt.Sprintf("the gateway answered with status %d", status)
	if status >= 300 && status < 400 {
		words += ", a redirect, which is not followed: set url to where it leads"
	}
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		words += ": check username and password_file"
	}
	if reason != "" {
		words += ", reason " + reason
	}
	return errors.New(words)
}

// trouble says why there was no answer. Errors of net/http can quote the URL, or the bytes that came
// instead of an answer, so only what is known to be free of both is passed on.
func trouble(err error) error {
	var (
		dns     *net.DNSError
		number  syscall.Errno
		cert    *tls.CertificateVerificationError
		record  tls.RecordHeaderError
		alert   tls.AlertError
		timeout interface{ Timeout() bool }
	)
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("the login ended before the gateway answered")
	case errors.As(err, &dns):
		return fmt.Errorf("the name %q cannot be looked up", dns.Name)
	case errors.As(err, &cert):
		return fmt.Errorf("TLS: the certificate is not trusted: %w; see ca_file", cert.Err)
	case errors.As(err, &record):
		return errors.New("TLS: the server does not speak it; is url meant to be http://?")
	case errors.As(err, &alert):
		return fmt.Errorf("TLS: %w", alert)
	case errors.As(err, &number):
		return fmt.Errorf("the connection failed: %w", number)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("the gateway did not answer in time")
	}
	return errors.New("the gateway broke the connection or answered with something that is not HTTP")
}
