package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/pflag"

	"sallyport/e2e/load/internal/engine"
	"sallyport/e2e/load/internal/people"
	"sallyport/e2e/load/report"
)

// The exit codes.
const (
	exitMeasured = 0
	exitNobody   = 1
	exitUsage    = 2
)

// run is the program; it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, pflag.ErrHelp) {
		return exitMeasured
	}
	var r report.Report
	if err == nil {
		r, err = load(ctx, o)
	}
	if err != nil {
		fmt.Fprintf(stderr, "load: %v\n", err)
		return exitUsage
	}
	if !o.quiet {
		r.WriteTable(stderr)
	}
	if err := json.NewEncoder(stdout).Encode(r); err != nil {
		fmt.Fprintf(stderr, "load: %v\n", err)
		return exitUsage
	}
	// Everyone registered beforehand is no failure: there was nothing to do.
	if r.Accepted == 0 && !(o.register && r.Started == 0) {
		return exitNobody
	}
	return exitMeasured
}

// load makes the logins and reports.
func load(ctx context.Context, o options) (report.Report, error) {
	who, err := o.people()
	if err != nil {
		return report.Report{}, err
	}
	e, err := engine.New(engine.Config{
		Servers: o.addresses, Secret: o.secret, NASIdentifier: o.nasIdentifier, Ports: o.ports,
		Timeout: o.timeout, Tries: o.tries, Strict: o.verify, People: who, Now: time.Now,
	})
	if err != nil {
		return report.Report{}, err
	}
	m := &meter{watched: o.watched}
	result, err := perform(ctx, o, e, m)
	if err != nil {
		return report.Report{}, err
	}
	if o.register {
		if err := people.WriteKeys(o.keysFile, who, o.keysInFile); err != nil {
			return report.Report{}, fmt.Errorf("keep the keys: %w", err)
		}
	}
	if m.err != nil {
		return report.Report{}, m.err
	}
	return o.report(result, m)
}

func perform(ctx context.Context, o options, e *engine.Engine, m *meter) (engine.Result, error) {
	plan := engine.Plan{Warmup: o.warmup, Duration: o.duration, Mark: m.mark}
	switch {
	case o.register:
		return e.Register(ctx, o.inFlight, m.mark)
	case o.rate != 0:
		return e.Open(ctx, engine.Arrivals{Rate: o.rate, Constant: o.constant}, plan)
	default:
		return e.Closed(ctx, o.inFlight, plan)
	}
}
