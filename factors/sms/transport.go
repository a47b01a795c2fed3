package sms

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"time"
)

// What is read of an answer at most, in octets; how long connecting may take, and TLS again; and how
// many requests one gateway gets at a time.
const (
	maxAnswer   = 64 << 10
	dialTimeout = 4 * time.Second
	maxConns    = 64
)

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
