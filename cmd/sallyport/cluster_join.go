package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"sallyport/cluster"
	"sallyport/cmd/sallyport/internal/config"
	"sallyport/login"
)

func clusterJoinVerb() verb {
	return verb{
		name: "join", summary: "make this machine a node of a cluster, before its daemon runs", usage: "--token-file FILE [--config FILE]",
		note: "As root. The token is what \"sallyport cluster token\" has printed on a node of the cluster. The master key is\n" +
			"written to master_key_file, which must not hold one; the certificate into data_dir, which must be empty.",
		examples: []string{
			"sallyport cluster join --token-file ./node2.token",
			"ssh node1 sallyport cluster token node2 | sallyport cluster join --token-file -",
		},
		exits: strings.Replace(offlineExits, "78 ", "69  no node of the cluster can be reached\n75  the cluster has no leader now: try again\n78 ", 1),
		flags: func(fs *pflag.FlagSet) {
			configFlag(fs)
			fs.String("token-file", "", "the `file` with the token, or - for standard input")
		},
		run: joinCluster,
	}
}

func joinCluster(ctx context.Context, e env, fs *pflag.FlagSet, args []string) (err error) {
	if err := noArgs(args); err != nil {
		return err
	}
	cfg, err := readConfig(e, fs, config.CheckJoining)
	if err != nil {
		return err
	}
	if err := needsCluster(cfg); err != nil {
		return err
	}
	if cfg.Node.MasterKeyFile == "" {
		return &exitError{exitConfig, errors.New("node.master_key: joining writes the key to a file: set master_key_file in its place")}
	}
	token, err := readToken(ctx, e, text(fs, "token-file"))
	if err != nil {
		return err
	}
	place, err := reserveKey(cfg.Node.MasterKeyFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, place.close()) }()
	joined, err := cluster.Join(ctx, cluster.JoinConfig{
		Config: nodeConfig(cfg, offlineLog(e), time.Now), Token: token.Reveal(),
	})
	err = joinError(err)
	if err == nil {
		err = place.write(joined.MasterKey)
	}
	if err = errors.Join(err, giveToOwner(cfg.Node.DataDir)); err != nil {
		return err
	}
	reportJoin(e, cfg, joined)
	return nil
}

// joinError gives what came in the way its exit code.
func joinError(err error) error {
	var refused *cluster.RefusedError
	var unreached *net.OpError
	switch {
	case errors.As(err, &refused):
		return err
	case errors.Is(err, login.ErrUnavailable):
		return &exitError{exitTryAgain, err}
	case errors.As(err, &unreached), errors.Is(err, context.DeadlineExceeded):
		return &exitError{exitUnreachable, err}
	}
	return stateError(err)
}

func reportJoin(e env, cfg *config.Config, joined cluster.Joined) {
	vote := "counts for the quorum when it has caught up"
	if !joined.Voter {
		vote = "never counts for the quorum"
	}
	fmt.Fprintf(e.stdout, "%s has joined %s in cluster %s; it %s\n",
		joined.Node, strings.Join(joined.Members, ", "), joined.Cluster, vote)
	fmt.Fprintf(e.stderr, "The master key is in %s, the certificate in %s. Now:\n    systemctl start sallyport\n    sallyport cluster list\n",
		cfg.Node.MasterKeyFile, cfg.Node.DataDir)
}
