package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"sallyport/cluster"
)

// onlySurvivor is what whoever recovers types.
const onlySurvivor = "I am the only survivor"

func clusterRecoverVerb() verb {
	return verb{
		name: "recover", summary: "go on with this node alone, where all others are lost for good",
		usage: "[--yes-i-am-the-only-survivor] [--config FILE]",
		note: "On the last node that is left, while its daemon is stopped. What only the others had is gone, and every code up to\n" +
			"now counts as used. Never while another node could start again: there would be two clusters.",
		examples: []string{"systemctl stop sallyport && sallyport cluster recover && systemctl start sallyport"},
		exits:    offlineExits,
		flags: func(fs *pflag.FlagSet) {
			configFlag(fs)
			fs.Bool("yes-i-am-the-only-survivor", false, "do not ask: for scripts")
		},
		run: recoverCluster,
	}
}

func recoverCluster(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
	if err := noArgs(args); err != nil {
		return err
	}
	cfg, settings, err := offlineNode(e, fs)
	if err != nil {
		return err
	}
	found, err := cluster.Inspect(settings)
	if err != nil {
		return stateError(err)
	}
	fmt.Fprintf(e.stdout, "cluster %s, as %s has it: %d users, members %s; last entry %d, of term %d\n",
		found.ClusterID, found.Node, found.Users, strings.Join(found.Members, ", "), found.LastIndex, found.LastTerm)
	if err := confirmSurvivor(ctx, e, isSet(fs, "yes-i-am-the-only-survivor")); err != nil {
		return err
	}
	kept, err := cluster.Recover(settings)
	if err = errors.Join(stateError(err), giveToOwner(cfg.Node.DataDir)); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "%s is a cluster of its own, in epoch %d\n", kept.Node, kept.Epoch)
	fmt.Fprint(e.stderr, "Start it, and join the others anew, each with an empty data directory and a token of its own.\n")
	return nil
}

// confirmSurvivor wants the whole sentence.
func confirmSurvivor(ctx context.Context, e env, yes bool) error {
	if yes {
		return nil
	}
	if !isTerminal(e.stdin) {
		return usageErrorf("this needs --yes-i-am-the-only-survivor where nobody can be asked")
	}
	fmt.Fprintln(e.stderr, "What the others have committed after that is lost, and none of them may ever start again.")
	typed, err := terminal{e.stdin, e.stderr}.ask(ctx, fmt.Sprintf("Type %q to go on: ", onlySurvivor), true)
	if err != nil {
		return err
	}
	if strings.TrimSpace(typed) != onlySurvivor {
		return &exitError{exitFailed, errors.New("nothing was changed")}
	}
	return nil
}
