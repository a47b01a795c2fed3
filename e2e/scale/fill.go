package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/cluster"
	"sallyport/e2e/servers"
	"sallyport/factors/totp"
)

// inFlight is how many commands wait for the log at once.
const inFlight = 1024

// fill makes the first node of the cluster and enrols everyone there.
func (s *stage) fill(ctx context.Context) error {
	first, err := servers.NewSallyportNode(filepath.Join(s.dir, "node1"), s.nodeOptions("node1"))
	if err != nil {
		return err
	}
	s.members = append(s.members, first)
	if err := first.Init(); err != nil {
		return err
	}
	key, err := os.ReadFile(first.MasterKey)
	if err != nil {
		return err
	}
	s.say("enrolling %d people", s.users)
	began := time.Now()
	err = within(ctx, filling(cluster.Config{Name: first.Name, DataDir: first.Data, Listen: first.Cluster}), key, s.enrol)
	s.found.filled = time.Since(began)
	return err
}

// filling is cfg with frequent snapshots and a short log: a million registrations within a minute are no
// measurement of either.
func filling(cfg cluster.Config) cluster.Config {
	cfg.SnapshotInterval, cfg.SnapshotThreshold, cfg.TrailingLogs = 2*time.Second, 256, 64
	return cfg
}

// within opens the state of a node that does not run. masterKey is the text of its file.
func within(ctx context.Context, cfg cluster.Config, masterKey []byte, do func(context.Context, *cluster.Node) error) error {
	var err error
	if cfg.MasterKey, err = cluster.ParseMasterKey(masterKey); err != nil {
		return err
	}
	n, err := cluster.Open(cfg)
	if err != nil {
		return err
	}
	if err = n.WaitReady(ctx); err == nil {
		err = do(ctx, n)
	}
	return errors.Join(err, n.Close())
}

// enrol registers everyone.
func (s *stage) enrol(ctx context.Context, n *cluster.Node) error {
	return each(ctx, s.users, inFlight, func(ctx context.Context, i int) error {
		p := person(i)
		record, err := totp.ParseKey(s.key(p))
		if err != nil {
			return err
		}
		return n.Register(ctx, cluster.Registration{UserID: p.userID(), Name: p.name(), Factor: totp.Name, Record: record})
	})
}

// each calls do for the numbers below count, some at once, until the first error, which it returns.
func each(ctx context.Context, count, atOnce int, do func(ctx context.Context, i int) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var next atomic.Int64
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(count) && ctx.Err() == nil; i = next.Add(1) - 1 {
				if err := do(ctx, int(i)); err != nil {
					stop(err)
				}
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}
