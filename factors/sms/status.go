package sms

import (
	"context"
	"crypto/tls"
	"net"
	"net/url"
	"sync"
	"time"
)

// Stats are counts since the start, for metrics.
type Stats struct {
	Servers []ServerStats
}

// ServerStats count the requests to one gateway by their outcome.
type ServerStats struct {
	// Server is the host, without path and credentials.
	Server string
	// Taken and Queued messages were accepted; the queued ones wait at the gateway. Refused ones were
	// not. Busy and Unreachable ones may have been tried again; Unknown ones may have been accepted.
	Taken, Queued, Refused, Busy, Unreachable, Unknown uint64
}

// Stats returns the counts.
func (f *Factor) Stats() Stats {
	var st Stats
	for _, g := range f.engine.gateways {
		st.Servers = append(st.Servers, g.stats())
	}
	return st
}

func (g *gateway) stats() ServerStats {
	return ServerStats{
		Server: g.host,
		Taken:  g.counts[taken].Load(), Queued: g.counts[queued].Load(), Refused: g.counts[refused].Load(),
		Busy: g.counts[busy].Load(), Unreachable: g.counts[unsent].Load(), Unknown: g.counts[unknown].Load(),
	}
}

// Reach is whether a gateway can be reached.
type Reach struct {
	// Server is the host, Through the proxy that was asked in its place; usually empty.
	Server, Through string
	// TLS is the version that was agreed on; empty where there is none.
	TLS string
	// Took is how long name, connection and TLS took together.
	Took time.Duration
	// Err is what went wrong; nil when the gateway can be reached.
	Err error
}

// Check connects to every gateway, all at once, with TLS where its URL says so, and sends nothing. The
// answers have the order of the configuration. Behind a proxy only the proxy is connected to.
func (f *Factor) Check(ctx context.Context) []Reach {
	list := make([]Reach, len(f.engine.gateways))
	var wg sync.WaitGroup
	for i, g := range f.engine.gateways {
		wg.Go(func() { list[i] = f.engine.reach(ctx, g) })
	}
	wg.Wait()
	return list
}

func (e *engine) reach(ctx context.Context, g *gateway) (r Reach) {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	began := e.now()
	defer func() { r.Took = e.now().Sub(began) }()
	r.Server = g.host
	to := g.target
	if proxy, err := url.Parse(e.proxy); err == nil && e.proxy != "" {
		to = target{scheme: proxy.Scheme, host: proxy.Host}
		r.Through = proxy.Host
	}
	var dialer interface {
		DialContext(ctx context.Context, network, address string) (net.Conn, error)
	} = &net.Dialer{Timeout: dialTimeout}
	if to.scheme == "https" {
		dialer = &tls.Dialer{Config: e.trust}
	}
	conn, err := dialer.DialContext(ctx, "tcp", to.address())
	if err != nil {
		r.Err = trouble(err)
		return r
	}
	if c, ok := conn.(*tls.Conn); ok {
		r.TLS = tls.VersionName(c.ConnectionState().Version)
	}
	conn.Close() // nothing was written that could be lost
	return r
}
