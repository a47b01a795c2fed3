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
	rounds        int
	window        time.Duration
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
	f.IntVar(&o.rounds, "rounds", 5, "rounds, of whose runs the median counts")
	f.DurationVar(&o.window, "window", 10*time.Second, "time of each measurement of logins")
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
	case o.rounds < 1 || o.rate <= 0 || o.settleRate <= 0:
		return options{}, errors.New("--rounds, --rate and --settle-rate must be positive")
	case o.window+warmup < timeStep/(parts-1):
		return options{}, fmt.Errorf("--window: at least %v", timeStep/(parts-1)-warmup)
	}
	if need := parts * o.rate * (o.window + warmup).Seconds() * 11 / 10; need > float64(o.people) {
		return options{}, fmt.Errorf("--people: %.0f logins a second need %.0f people, since a code is taken once", o.rate, need)
	}
	return o, nil
}
