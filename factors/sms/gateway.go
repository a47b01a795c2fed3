package sms

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"sallyport/factors/internal/reach"
)

// gateway is one of the URLs, with what this node saw of it.
type gateway struct {
	target
	counts [outcomes]atomic.Uint64
	health health
}

// name is the host without its port, an IPv6 address without brackets.
func (t target) name() string { return (&url.URL{Host: t.host}).Hostname() }

// address is where to connect to, host:port.
func (t target) address() string {
	port := (&url.URL{Host: t.host}).Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[t.scheme]
	}
	return net.JoinHostPort(t.name(), port)
}

// inClear reports whether requests cross a network unencrypted. Through a proxy they leave this machine,
// also when they are for it.
func (t target) inClear(proxy string) bool {
	return t.scheme == "http" && (proxy != "" || !reach.Loopback(t.name()))
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
