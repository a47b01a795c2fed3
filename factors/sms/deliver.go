package sms

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"sallyport/factors/internal/reach"
	"sallyport/login"
)

// How long a gateway that failed goes last, and the life of a delivery whose context has no end.
const (
	lastFor = 30 * time.Second
	maxLife = 10 * time.Minute
)

// engine hands messages to gateways. It is safe for concurrent use.
type engine struct {
	plan
	site      values
	timeout   time.Duration
	transport http.RoundTripper
	trust     *tls.Config
	proxy     string
	now       func() time.Time
	log       *slog.Logger
}

// deliver hands a message over at most once. See [Factor.Send].
func (e *engine) deliver(ctx context.Context, v values) (string, error) {
	if !isE164(v["To"]) {
		return "", &login.SendError{Permanent: true, Err: errors.New("the number is not in E.164 form")}
	}
	ctx, cancel := context.WithTimeout(ctx, maxLife)
	defer cancel()
	for pauses := (reach.Pauses{}); ; {
		server, asked, err := e.round(ctx, v)
		if !errors.Is(err, errAgain) {
			return server, err
		}
		if !pauses.Wait(ctx, asked) {
			return server, err
		}
		e.log.Debug("the SMS gateways are tried again", "server", server, "trace", v["Trace"])
	}
}

// errAgain marks the failures after which the same message may be tried again.
var errAgain = errors.New("not taken")

// again is a failure after which the same message may be tried again; it reads as the failure itself.
type again struct{ error }

// Unwrap returns the failure and the mark that it may be tried again.
func (a again) Unwrap() []error { return []error{a.error, errAgain} }

// round tries the gateways one after the other until one decides. Asked is the longest pause that a
// gateway wished for.
func (e *engine) round(ctx context.Context, v values) (server string, asked time.Duration, err error) {
	for _, g := range e.order() {
		r := e.try(ctx, g, v)
		g.counts[r.outcome].Add(1)
		if ctx.Err() == nil { // else we broke off
			e.tell(g, r, v["Trace"])
		}
		server, asked = g.host, max(asked, r.after)
		failure := &login.SendError{Server: server, Err: r.err}
		switch r.outcome {
		case queued, taken:
			if g.health.works(e.now()) {
				e.log.Info("the SMS gateway takes messages again", "server", server)
			}
			return server, 0, nil
		case refused:
			failure.Permanent = true
			return server, 0, failure
		case unknown:
			g.health.fails(e.now(), r.err)
			return server, 0, failure
		}
		g.health.fails(e.now(), r.err)
		failure.Err = again{r.err}
		err = failure
	}
	return server, asked, err
}

// order returns the gateways as configured, those that failed a moment ago last.
func (e *engine) order() []*gateway {
	now := e.now()
	recent := func(g *gateway) int {
		if g.health.now().lately(now) {
			return 1
		}
		return 0
	}
	list := slices.Clone(e.gateways)
	slices.SortStableFunc(list, func(a, b *gateway) int { return recent(a) - recent(b) })
	return list
}
