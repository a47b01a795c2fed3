package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"sallyport/web/admin"
	"sallyport/web/status"
)

// statusVerb shows what the daemon reports on itself.
func statusVerb() verb {
	return verb{
		name: "status", summary: "show whether the daemon is ready, and what its parts report", usage: "[--json]",
		examples: []string{"sallyport status", "sallyport status --json | jq .parts.cluster"},
		exits: strings.Replace(adminExits, "2   the command line is wrong",
			"2   the command line is wrong\n3   the daemon runs, but is not ready", 1),
		flags: func(fs *pflag.FlagSet) { socketFlag(fs); jsonFlag(fs) },
		run:   showStatus,
	}
}

func showStatus(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
	if err := noArgs(args); err != nil {
		return err
	}
	r, err := adminCaller(e, fs).Status(ctx)
	if err != nil {
		return adminError(err)
	}
	if isSet(fs, "json") {
		err = printJSON(e.stdout, r)
	} else {
		err = printStatus(e, r)
	}
	if err == nil && !r.Ready {
		err = &exitError{exitDegraded, fmt.Errorf("not ready: %s", strings.Join(r.NotReady(), ", "))}
	}
	return err
}

func printStatus(e env, r status.Report) error {
	up := time.Duration(r.UptimeSeconds) * time.Second
	fmt.Fprintf(e.stdout, "node %s, sallyport %s, up %s\n\n", printable(r.Node), printable(r.Version), human(up))
	for _, name := range slices.Sorted(maps.Keys(r.Parts)) {
		switch p := r.Parts[name]; {
		case p.Ready && p.Warning != "":
			fmt.Fprintf(e.stdout, "[warn] %s: %s\n", printable(name), oneLine(p.Warning))
		case p.Ready:
			fmt.Fprintf(e.stdout, "[ ok ] %s\n", printable(name))
		case p.Auxiliary: // the node serves without it
			fmt.Fprintf(e.stdout, "[warn] %s: %s\n", printable(name), oneLine(p.Reason))
		default:
			fmt.Fprintf(e.stdout, "[fail] %s: %s\n", printable(name), oneLine(p.Reason))
		}
	}
	return printPlace(e.stdout, r)
}

// printPlace says what this node is in its cluster and what that can stand.
func printPlace(w io.Writer, r status.Report) error {
	own, err := json.Marshal(r.Parts["cluster"].Status)
	if err != nil {
		return err
	}
	var state struct {
		Members admin.Members `json:"members"`
	}
	if err := json.Unmarshal(own, &state); err != nil { // a daemon of another version
		return nil
	}
	self, ok := state.Members.Find(r.Node)
	if !ok {
		return nil
	}
	fmt.Fprintf(w, "\nthis node: %s, %d entries behind, clock %s, disk %s free\n",
		printable(self.Role), self.Lag, clockOffset(self), freeDisk(self))
	fmt.Fprintf(w, "the cluster: leader %s, %s\n", printable(cmp.Or(state.Members.Leader, "unknown")), standing(state.Members))
	for _, warning := range memberWarnings(state.Members) {
		fmt.Fprintf(w, "warning: %s\n", oneLine(warning))
	}
	return nil
}
