package cluster

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	"golang.org/x/time/rate"
)

// newRaftLogger returns the logger that raft wants, which hands everything to logger.
func newRaftLogger(logger *slog.Logger) hclog.Logger {
	l := hclog.NewInterceptLogger(&hclog.LoggerOptions{Name: "raft", Output: io.Discard, Level: hclog.Off})
	l.RegisterSink(&slogSink{logger: logger.With("component", "raft")})
	return l
}

// sinkPace is how often the same message of raft is passed on: while a node is down, raft says so at
// every attempt.
const sinkPace = 10 * time.Second

// slogSink passes raft's messages to slog. What raft calls information is for whoever debugs it, and
// what it calls an error, here is a warning: another node that does not answer is no fault of this one,
// and what is one is said elsewhere.
type slogSink struct {
	logger *slog.Logger
	mu     sync.Mutex
	paces  map[string]*rate.Sometimes
}

// due reports whether a message is passed on now.
func (s *slogSink) due(msg string) (now bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paces == nil {
		s.paces = map[string]*rate.Sometimes{}
	}
	pace := s.paces[msg]
	if pace == nil {
		pace = &rate.Sometimes{First: 1, Interval: sinkPace}
		s.paces[msg] = pace
	}
	pace.Do(func() { now = true })
	return now
}

// Accept implements hclog's SinkAdapter.
func (s *slogSink) Accept(_ string, level hclog.Level, msg string, args ...any) {
	to := slog.LevelDebug
	switch level {
	case hclog.Error, hclog.Warn:
		to = slog.LevelWarn
	case hclog.Trace:
		return
	}
	ctx := context.Background()
	if !s.logger.Enabled(ctx, to) || to == slog.LevelWarn && !s.due(msg) {
		return
	}
	attrs := make([]any, len(args))
	for i, a := range args {
		attrs[i] = plainValue(a)
	}
	s.logger.Log(ctx, to, msg, attrs...)
}

// plainValue expands what a JSON handler would print as {}.
func plainValue(v any) any {
	switch v := v.(type) {
	case hclog.Format:
		if len(v) > 0 {
			if format, ok := v[0].(string); ok {
				return fmt.Sprintf(format, v[1:]...)
			}
		}
		return fmt.Sprint([]any(v)...)
	case raft.Server:
		return string(v.ID)
	case error:
		return v.Error()
	case fmt.Stringer:
		return v.String()
	}
	return v
}

// slogLogger is for the HTTP servers between nodes: what they say is about connections that end badly.
func slogLogger(logger *slog.Logger) *log.Logger {
	return slog.NewLogLogger(logger.With("component", "calls").Handler(), slog.LevelDebug)
}
