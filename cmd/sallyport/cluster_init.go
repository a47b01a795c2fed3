package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"sallyport/cluster"
)

func clusterInitVerb() verb {
	return verb{
		name: "init", summary: "make this node the first of a cluster, while its daemon is stopped", usage: "[--config FILE]",
		note: "On exactly one node; the others join. The data directory is empty, or that of a node that was alone so far:\n" +
			"who is registered there stays registered.",
		examples: []string{"sallyport cluster init && systemctl start sallyport"},
		exits:    offlineExits,
		flags:    configFlag,
		run:      initCluster,
	}
}

func initCluster(_ context.Context, e env, fs *pflag.FlagSet, args []string) error {
	if err := noArgs(args); err != nil {
		return err
	}
	cfg, settings, err := offlineNode(e, fs)
	if err != nil {
		return err
	}
	if err := needsCluster(cfg); err != nil {
		return err
	}
	err = cluster.Init(settings)
	if err = errors.Join(stateError(err), giveToOwner(cfg.Node.DataDir)); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "%s is the first node of a cluster, for the others at %s\n", cfg.Node.Name, cfg.Cluster.Address())
	fmt.Fprint(e.stderr, "Start it, and then make a token for each further node:\n    systemctl start sallyport\n    sallyport cluster token NODE\n")
	return nil
}
