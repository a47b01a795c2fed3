package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"sallyport/cluster"
	"sallyport/factors/totp"
	"sallyport/login"
)

// logParts is how often the size of the log is looked at.
const logParts = 10

// watchLog enrols everyone at another node, which is alone, settles answers there, and watches the log.
func (s *stage) watchLog(ctx context.Context) error {
	if s.settles == 0 {
		return nil
	}
	s.stop()
	key, err := cluster.GenerateMasterKey()
	if err != nil {
		return err
	}
	alone := cluster.Config{Name: "alone", DataDir: filepath.Join(s.dir, "alone")}
	if err := within(ctx, filling(alone), key, s.enrol); err != nil {
		return err
	}
	s.say("settling %d answers", s.settles)
	return within(ctx, alone, key, func(ctx context.Context, n *cluster.Node) error {
		return s.settle(ctx, n, filepath.Join(alone.DataDir, logFile))
	})
}

// settle settles right answers at a rate, as the engine does after a code, and looks at the log's file
// meanwhile. Snapshots come as they do by default.
func (s *stage) settle(ctx context.Context, n *cluster.Node, file string) error {
	ring, err := n.Keys(ctx)
	if err != nil {
		return err
	}
	var sizes logSizes
	if err := sizes.look(file); err != nil {
		return err
	}
	pace := rate.NewLimiter(rate.Limit(s.settleRate), inFlight)
	began := time.Now()
	err = each(ctx, s.settles, inFlight, func(ctx context.Context, i int) error {
		if err := pace.Wait(ctx); err != nil {
			return err
		}
		o, err := n.Settle(ctx, rightAnswer(ring, person(i%s.users), uint64(i+1)))
		if err != nil {
			return err
		}
		if o.Code != login.CodeAccepted {
			return fmt.Errorf("a right answer was not taken: %v", o.Code)
		}
		if part := s.settles / logParts; part > 0 && (i+1)%part == 0 {
			return sizes.look(file)
		}
		return nil
	})
	s.found.settled, s.found.logSizes = time.Since(began), sizes.all
	s.say("the log was %d octets, one after another, in %v", sizes.all, s.found.settled.Round(time.Second))
	return err
}

// rightAnswer is a settlement that the state accepts: number is the time step, the rest is random.
func rightAnswer(ring *login.KeyRing, p person, number uint64) login.Settlement {
	a := login.Settlement{
		Client: "load", UserID: p.userID(), Handle: ring.Handle(p.userID()), ClusterEpoch: 1, Epoch: 1,
		Factor: totp.Name, Version: 1, Number: number, Expires: time.Now().Add(2 * time.Minute),
		Limits: login.Limits{
			Attempts: 3, SoftLock: 5, SoftLockFor: time.Minute, SoftLockMax: time.Hour, HardLock: 50,
			Keep: 40 * time.Second, Capacity: 1 << 24,
		},
	}
	for _, random := range [][]byte{a.Challenge[:], a.Token[:], a.Answer[:], a.Request[:]} {
		rand.Read(random)
	}
	return a
}

// logSizes are sizes of the log's file, in order. It is safe for concurrent use.
type logSizes struct {
	mu  sync.Mutex
	all []int64
}

func (l *logSizes) look(file string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	size, err := sizeOf(file)
	l.all = append(l.all, size)
	return err
}
