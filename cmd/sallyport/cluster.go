package main

import (
	"github.com/spf13/pflag"
)

// clusterVerb groups what is done about the nodes of a cluster.
func clusterVerb() verb {
	return verb{
		name: "cluster", summary: "form a cluster; list, add and remove its nodes",
		sub: []verb{
			clusterInitVerb(), clusterTokenVerb(), clusterJoinVerb(), clusterListVerb(),
			clusterRemoveVerb(), clusterTransferVerb(), clusterClockVerb(), clusterRecoverVerb(),
		},
	}
}

// forceFlag declares --force.
func forceFlag(fs *pflag.FlagSet, usage string) { fs.Bool("force", false, usage) }
