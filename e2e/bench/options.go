package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/pflag"
)

// options are the flags.
type options struct {
	binary, dir      string
	people, rounds   int
	nodes            int
	inFlight         []int
	warmup, duration time.Duration
	openRate         float64
	tls, warm        bool
	threads          int
	only             string
	runs             string
}

// rememberedEntries is fewer than the entries that Sallyport's LDAP directory remembers.
const rememberedEntries = 60_000

const usage = `Bench compares Sallyport with FreeRADIUS on this machine, side by side.

Usage: bench [flags]

Examples:
  bench > table.md
  bench --only freeradius --rounds 1 --in-flight 64

Flags:
`

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := pflag.NewFlagSet("bench", pflag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() { fmt.Fprint(stderr, usage, f.FlagUsages()) }
	f.StringVar(&o.binary, "binary", "bin/sallyport", "Sallyport's program")
	f.StringVar(&o.dir, "dir", ".cache", "where a directory for the servers' data is made; on a real disk, since commits are synced")
	f.IntVar(&o.people, "people", 100_000, "people in the directory; with --warm at most 60000")
	f.IntVar(&o.rounds, "rounds", 3, "rounds, of whose runs the median counts")
	f.IntSliceVar(&o.inFlight, "in-flight", []int{16, 64, 256, 1024}, "logins in flight in the closed loops")
	f.DurationVar(&o.warmup, "warmup", 500*time.Millisecond, "time before each measurement")
	f.DurationVar(&o.duration, "duration", 4*time.Second, "time of each measurement")
	f.Float64Var(&o.openRate, "open-rate", 0, "logins per second of the open loop; 0 is half of FreeRADIUS's best")
	f.BoolVar(&o.tls, "tls", false, "LDAPS instead of LDAP between the servers and slapd, which all are on loopback")
	f.BoolVar(&o.warm, "warm", false, "only people whose entries Sallyport remembers, so that its logins cost a bind and no search")
	f.IntVar(&o.threads, "freeradius-threads", 32, "worker threads of FreeRADIUS, each with two LDAP connections")
	f.IntVar(&o.nodes, "nodes", 3, "nodes of a cluster of Sallyport, measured beside one that is alone; 0 for no cluster")
	f.StringVar(&o.only, "only", "", `measure "freeradius", "sallyport" or "sallyport-cluster" alone`)
	f.StringVar(&o.runs, "runs", "", "file for the reports of all runs, one line of JSON each")
	if err := f.Parse(args); err != nil {
		return options{}, err
	}
	switch {
	case f.NArg() > 0:
		return options{}, fmt.Errorf("unexpected argument %q", f.Arg(0))
	case !slices.Contains([]string{"", peerName, ourName, clusterName}, o.only):
		return options{}, fmt.Errorf("--only: %q, %q or %q", peerName, ourName, clusterName)
	case o.only != "" && o.only != peerName && o.openRate == 0:
		return options{}, fmt.Errorf("--only %s needs --open-rate: there is no peer to halve", o.only)
	case o.nodes < 0 || o.only == clusterName && o.nodes == 0:
		return options{}, errors.New("--nodes: how many nodes the cluster has")
	case o.rounds < 1 || o.people < 2 || len(o.inFlight) == 0:
		return options{}, errors.New("at least one round, two people and one number of logins in flight are needed")
	case o.warm && o.people > rememberedEntries:
		o.people = rememberedEntries
	}
	return o, nil
}
