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

// fill makes the first node of the cluster and enrols everyone there; then it settles answers and
// watches the log.
func (s *stage) fill(ctx context.Context) error {
	first, err := servers.NewSallyportNode(filepath.Join(s.dir, "node1"), s.nodeOptions("node1"))
	if err != nil {
		return err
	}
	s.members = append(s.members, first)
	if err := first.Init(); err != nil {
		return err
	}
	s.say("enrolling %d people", s.users)
	// Snapshots come often and the log is kept short: a million registrations within a minute are no
	// measurement of either.
	often := cluster.Config{SnapshotInterval: 2 * time.Second, TrailingLogs: 64}
	if err := within(ctx, first, often, s.enrol); err != nil || s.settles == 0 {
		return err
	}
	s.say("settling %d answers", s.settles)
	return within(ctx, first, cluster.Config{}, func(ctx context.Context, n *cluster.Node) error {
		return s.settle(ctx, n, logFile(first))
	})
}

// within opens the state of a node that does not run; cfg says when there are snapshots.
func within(ctx context.Context, member *servers.Sallyport, cfg cluster.Config, do func(context.Context, *cluster.Node) error) error {
	text, err := os.ReadFile(member.MasterKey)
	if err != nil {
		return err
	}
	if cfg.MasterKey, err = cluster.ParseMasterKey(text); err != nil {
		return err
	}
	cfg.Name, cfg.DataDir, cfg.Listen = member.Name, member.Data, member.Cluster
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
	began := time.Now()
	err := each(ctx, s.users, inFlight, func(ctx context.Context, i int) error {
		p := person(i)
		record, err := totp.ParseKey(s.key(p))
		if err != nil {
			return err
		}
		return n.Register(ctx, cluster.Registration{UserID: p.userID(), Name: p.name(), Factor: totp.Name, Record: record})
	})
	s.found.filled = time.Since(began)
	return err
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
