package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"sallyport/radius"
)

// failOver is how long one of several servers is waited for. A single one gets the time of RFC 5080.
var failOver = radius.Timing{Initial: time.Second, Transmissions: 3, Total: 4 * time.Second}

// failOverRounds is how often all servers are asked in turn: a cluster may elect a leader meanwhile.
const failOverRounds = 2

// servers are RADIUS servers of one cluster. The one that answered last is asked; when it is silent, the
// next one gets the same request, with the State that another one gave. Not for concurrent use.
type servers struct {
	callers []*radius.Caller
	names   []string
	at      int
	// notes is told which server is asked instead.
	notes io.Writer
}

// dialServers makes the callers; cfg is the same for all but the address.
func dialServers(names []string, cfg radius.CallerConfig, notes io.Writer) (*servers, error) {
	s := &servers{names: names, notes: notes}
	if len(names) > 1 {
		cfg.Timing = failOver
	}
	for _, name := range names {
		cfg.Server = name
		caller, err := radius.Dial(cfg)
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		s.callers = append(s.callers, caller)
	}
	return s, nil
}

func (s *servers) close() error {
	var errs []error
	for _, c := range s.callers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// exchange returns the first reply, or what was wrong with the last server.
func (s *servers) exchange(ctx context.Context, m radius.Message) (*radius.Response, error) {
	rounds := failOverRounds
	if len(s.callers) == 1 {
		rounds = 1
	}
	for left := rounds * len(s.callers); ; {
		r, err := s.callers[s.at].Exchange(ctx, m)
		var silence *radius.NoReplyError
		if left--; left == 0 || ctx.Err() != nil || !errors.As(err, &silence) {
			return r, err
		}
		s.at = (s.at + 1) % len(s.callers)
		fmt.Fprintf(s.notes, "sallyport: %v; %s is asked\n", err, s.names[s.at])
	}
}
