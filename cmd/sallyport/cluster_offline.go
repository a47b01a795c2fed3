package main

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/pflag"

	"sallyport/cluster"
	"sallyport/cmd/sallyport/internal/config"
)

// offlineExits are the exit codes of the verbs that work on the data directory of a node that is stopped.
const offlineExits = `0   done
1   refused or failed
2   the command line is wrong
78  the configuration is wrong, or does not fit the data`

// nodeConfig is what the configuration says of the node, for a daemon and for the verbs that work while it
// is stopped.
func nodeConfig(cfg *config.Config, log *slog.Logger, now func() time.Time) cluster.Config {
	c := cluster.Config{
		Name: cfg.Node.Name, DataDir: cfg.Node.DataDir, Version: programVersion(),
		Listen: cfg.Cluster.Listen, Advertise: cfg.Cluster.Advertise,
		SoloFor: cfg.Login.SecurIDWithoutQuorum, Floors: replayFloors,
		Logger: log.With(slog.String("part", "cluster")), Now: now,
	}
	if cfg.Cluster.Profile == "wan" {
		c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = time.Second, time.Second, 500*time.Millisecond
	}
	return c
}

// offlineNode reads the configuration, and what it says of the node with its master key.
func offlineNode(e env, fs *pflag.FlagSet) (*config.Config, cluster.Config, error) {
	cfg, err := readConfig(e, fs, config.Check)
	if err != nil {
		return nil, cluster.Config{}, err
	}
	key, err := cluster.ParseMasterKey([]byte(cfg.Node.MasterKey.Reveal()))
	if err != nil {
		return nil, cluster.Config{}, &exitError{exitConfig, fmt.Errorf("node.master_key: %w", err)}
	}
	settings := nodeConfig(cfg, offlineLog(e), time.Now)
	settings.MasterKey = key
	return cfg, settings, nil
}

// offlineLog is what a verb hears of a node: what an administrator would have to repair.
func offlineLog(e env) *slog.Logger {
	return slog.New(slog.NewTextHandler(e.stderr, &slog.HandlerOptions{Level: slog.LevelError}))
}

// needsCluster refuses a configuration in which the node is alone.
func needsCluster(cfg *config.Config) error {
	if cfg.Cluster.Listen == "" {
		return &exitError{exitConfig, errors.New("cluster.listen: missing: a node of a cluster needs a port for the others, such as \"192.0.2.11:18300\"")}
	}
	return nil
}
