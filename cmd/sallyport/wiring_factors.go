package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"reflect"

	"sallyport/cmd/sallyport/internal/config"
	"sallyport/factors"
	"sallyport/factors/securid"
	"sallyport/login"
	"sallyport/radius"
	"sallyport/web/status"
)

// openFactor is a factor in use, with what it was built from.
type openFactor struct {
	login.Factor
	table any
	files digest

	// upstream is what the factor forwards through; nil where it does not forward.
	upstream *radius.Upstream
}

// factorOrKept returns kept, which may be nil, when it is what would be built: its counters and what
// it knows of its servers then stay.
func (l *logins) factorOrKept(kept *openFactor, cfg *config.Config, k factors.Kind) (*openFactor, error) {
	files := k.Files
	if k.Name == securid.Name {
		files = append(files, cfg.Radius.Dictionaries...) // they name the attributes that are passed on
	}
	sum, err := digestOf(files) // before they are read: what changes meanwhile is seen next time
	if err != nil {
		return nil, err
	}
	if kept != nil && kept.files == sum && reflect.DeepEqual(kept.table, k.Table) {
		return kept, nil
	}
	o := &openFactor{table: k.Table, files: sum}
	log := l.log.With(slog.String("part", "factors."+k.Name))
	deps := cfg.FactorDeps(log, l.now)
	deps.Upstream = func(s securid.Config) (securid.Upstream, error) {
		c := cfg.UpstreamConfig(s, log, l.now)
		c.Replies = l.replies
		u, err := radius.NewUpstream(c)
		if err != nil {
			return nil, err
		}
		o.upstream = u
		return u, nil
	}
	if o.Factor, err = k.Build(deps); err != nil {
		return nil, err
	}
	return o, nil
}

// buildFactors fills in the factors that cfg configures.
func (l *logins) buildFactors(p *loginParts, cfg *config.Config, old *loginParts) error {
	for _, k := range cfg.Factors.Kinds() {
		if !k.Configured {
			continue
		}
		f, err := l.factorOrKept(old.factors[k.Name], cfg, k)
		if err != nil {
			return fmt.Errorf("factors.%s: %w", k.Name, err)
		}
		p.factors[k.Name] = f
	}
	return nil
}

// close ends what the factor does in the background, and its sockets.
func (o *openFactor) close() error {
	if c, ok := o.Factor.(io.Closer); ok {
		return c.Close()
	}
	if o.upstream != nil {
		return o.upstream.Close()
	}
	return nil
}

// part returns the factor as a part of the status report, nil when it does not report. Its name there
// is that of its table.
func (o *openFactor) part() status.Part {
	if o.upstream != nil {
		return tablePart{o.upstream, "factors." + o.Name()}
	}
	if p, ok := o.Factor.(reporter); ok {
		return tablePart{p, "factors." + o.Name()}
	}
	return nil
}

// reporter is what a part can say of itself.
type reporter interface {
	Ready(ctx context.Context) error
	Status(ctx context.Context) any
}

// tablePart is a part under the name of its table, so that no name of an administrator's is taken for
// another part.
type tablePart struct {
	reporter
	name string
}

// Name returns the name of the table.
func (p tablePart) Name() string { return p.name }
