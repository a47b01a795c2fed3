package sms

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"time"
)

// gateway is one of the URLs, with what this node saw of it.
type gateway struct {
	target
	counts [outcomes]atomic.Uint64
	health health
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
