package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"sallyport/web/admin"
)

func clusterListVerb() verb {
	return verb{
		name: "list", summary: "list the nodes: role, last contact, lag, clock, free disk, version", usage: "[--json]",
		note:     "Any node can be asked. What it shows of another node is as old as the last contact.",
		examples: []string{"sallyport cluster list", "sallyport cluster list --json | jq .failure_tolerance"},
		exits: strings.Replace(adminExits, "2   the command line is wrong",
			"2   the command line is wrong\n3   something is wrong with a node, or there is no leader", 1),
		flags: func(fs *pflag.FlagSet) { socketFlag(fs); jsonFlag(fs) },
		run:   listMembers,
	}
}

func listMembers(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
	if err := noArgs(args); err != nil {
		return err
	}
	m, err := adminCaller(e, fs).Members(ctx)
	if err != nil {
		return adminError(err)
	}
	if isSet(fs, "json") {
		err = printJSON(e.stdout, m)
	} else {
		err = printMembers(e.stdout, m)
	}
	if err == nil && !m.Healthy {
		err = &exitError{code: exitDegraded}
	}
	return err
}

// printMembers writes the table, what the cluster can stand, and what is wrong with it.
func printMembers(w io.Writer, m admin.Members) error {
	rows := [][]string{{"NODE", "ROLE", "ADDRESS", "STATE", "LAST-CONTACT", "LAG", "CLOCK", "FREE", "VERSION"}}
	for _, n := range m.Nodes {
		rows = append(rows, []string{
			n.Name, n.Role, n.Address, upOrDown(n), lastContact(n), fmt.Sprint(n.Lag), clockOffset(n), freeDisk(n), n.Version,
		})
	}
	if err := printTable(w, rows...); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s\n", standing(m))
	for _, warning := range memberWarnings(m) {
		fmt.Fprintf(w, "warning: %s\n", oneLine(warning))
	}
	return nil
}

func upOrDown(n admin.Member) string {
	if n.Up {
		return "up"
	}
	return "down"
}

func lastContact(n admin.Member) string {
	switch ms := n.LastContactMS; {
	case ms < 0:
		return "never"
	case ms < 1000:
		return fmt.Sprintf("%.0fms", ms)
	default:
		return human(milliduration(ms))
	}
}

func clockOffset(n admin.Member) string {
	if n.LastContactMS < 0 {
		return ""
	}
	return fmt.Sprintf("%+dms", int64(math.Round(n.ClockOffsetMS)))
}

// freeDisk is what is free, in GiB and in parts of the disk.
func freeDisk(n admin.Member) string {
	if n.TotalBytes == 0 {
		return ""
	}
	return fmt.Sprintf("%.1fGiB/%.0f%%", float64(n.FreeBytes)/(1<<30), freeShare(n)*100)
}

// freeShare is which part of its disk is free; all of it where nothing is known.
func freeShare(n admin.Member) float64 {
	if n.TotalBytes == 0 {
		return 1
	}
	return float64(n.FreeBytes) / float64(n.TotalBytes)
}

func milliduration(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// voters counts the nodes that count for the quorum.
func voters(m admin.Members) (all, up int) {
	for _, n := range m.Nodes {
		if n.Voter() {
			all++
			if n.Up {
				up++
			}
		}
	}
	return all, up
}

// standing says what the cluster can stand.
func standing(m admin.Members) string {
	all, up := voters(m)
	quorum := fmt.Sprintf("quorum %d of %d", m.Quorum, all)
	switch {
	case up < m.Quorum:
		return fmt.Sprintf("%s, only %d up: no quorum", quorum, up)
	case m.FailureTolerance == 1:
		return quorum + ", survives the loss of 1 node"
	case m.FailureTolerance > 1:
		return fmt.Sprintf("%s, survives the loss of %d nodes", quorum, m.FailureTolerance)
	case all == 1:
		return quorum + ": a node alone, whose loss ends all logins"
	}
	return quorum + ", survives no further loss"
}

// When a disk or a clock is warned of.
const (
	lowDisk  = 0.20
	offClock = time.Second
)

// memberWarnings says what an administrator should look at, node by node.
func memberWarnings(m admin.Members) (warnings []string) {
	if m.Leader == "" {
		warnings = append(warnings, "no leader is known")
	}
	versions := map[string]bool{}
	settings := map[string]bool{}
	for _, n := range m.Nodes {
		switch {
		case !n.Up && n.Reason == "":
			warnings = append(warnings, n.Name+" does not answer")
		case n.Reason != "":
			warnings = append(warnings, n.Name+": "+n.Reason)
		}
		if n.LastContactMS < 0 {
			continue // nothing else is known
		}
		versions[n.Version] = true
		settings[n.Settings] = true
		if freeShare(n) < lowDisk {
			warnings = append(warnings, fmt.Sprintf("%s: %.0f%% of its disk is free", n.Name, freeShare(n)*100))
		}
		if off := milliduration(n.ClockOffsetMS).Abs(); off > offClock {
			warnings = append(warnings, fmt.Sprintf("%s: its clock is off by %v: look at its time service", n.Name, off.Round(time.Millisecond)))
		}
	}
	if all, _ := voters(m); all > 1 && all%2 == 0 {
		warnings = append(warnings, fmt.Sprintf("%d voters stand the loss of no more than %d do: add one, or remove one", all, all-1))
	}
	if len(versions) > 1 {
		warnings = append(warnings, "the nodes run different versions: finish the upgrade")
	}
	if len(settings) > 1 {
		warnings = append(warnings, "the nodes have different policies, factors or limits: compare what \"sallyport check-config --show\" says on each")
	}
	return warnings
}
