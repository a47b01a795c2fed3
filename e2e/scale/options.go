package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/pflag"
)

// options are the flags.
type options struct {
	dir           string
	users, people int
	nodes         int
	rate          float64
	window, usual time.Duration
	settles       int
	settleRate    float64
	memoryLimit   string
}

// timeStep is the TOTP time step, in which everyone logs in once.
const timeStep = 30 * time.Second

const usage = `Scale measures a cluster with very many enrolled people, on this machine.

Usage: scale [flags]

Flags:
`

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := pflag.NewFlagSet("scale", pflag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() { fmt.Fprint(stderr, usage, f.FlagUsages()) }
	f.StringVar(&o.dir, "dir", ".cache", "where a directory for the nodes' data is made; on a real disk, since commits are synced")
	f.IntVar(&o.users, "users", 1_000_000, "people who are enrolled")
	f.IntVar(&o.people, "people", 20_000, "people among them who log in")
	f.IntVar(&o.nodes, "nodes", 3, "nodes of the cluster")
	f.Float64Var(&o.rate, "rate", 200, "logins per second, an open loop")
	f.DurationVar(&o.window, "window", 20*time.Second, "time of each measurement of logins")
	f.DurationVar(&o.usual, "usual", 2*time.Minute, "time of the measurement with snapshots as they come; 0 leaves it out")
	f.IntVar(&o.settles, "settles", 1_000_000, "answers to settle while the size of the log is watched; 0 leaves it out")
	f.Float64Var(&o.settleRate, "settle-rate", 6000, "how many of them per second")
	f.StringVar(&o.memoryLimit, "memory-limit", "768MiB", "GOMEMLIMIT of each node, as the systemd unit sets it")
	if err := f.Parse(args); err != nil {
		return options{}, err
	}
	switch {
	case f.NArg() > 0:
		return options{}, fmt.Errorf("unexpected argument %q", f.Arg(0))
	case o.people < 1 || o.users < o.people:
		return options{}, errors.New("--people: at least one, and no more than --users")
	case o.nodes < 2:
		return options{}, errors.New("--nodes: at least two, so that one can join")
	case o.rate <= 0 || o.settleRate <= 0 || o.window <= 0:
		return options{}, errors.New("--rate, --settle-rate and --window must be positive")
	case o.rate*timeStep.Seconds() > float64(o.people):
		return options{}, fmt.Errorf("--people: %.0f logins a second need at least %.0f people, since a code is taken once", o.rate, o.rate*timeStep.Seconds())
	}
	return o, nil
}
