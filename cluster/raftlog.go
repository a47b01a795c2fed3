package cluster

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// newRaftLogger returns the logger that raft wants, which hands everything to logger.
func newRaftLogger(logger *slog.Logger) hclog.Logger {
	l := hclog.NewInterceptLogger(&hclog.LoggerOptions{Name: "raft", Output: io.Discard, Level: hclog.Off})
	l.RegisterSink(&slogSink{logger.With("component", "raft")})
	return l
}

// slogSink passes raft's messages to slog. What raft calls information is for whoever debugs it.
type slogSink struct{ logger *slog.Logger }

// Accept implements hclog's SinkAdapter.
func (s *slogSink) Accept(_ string, level hclog.Level, msg string, args ...any) {
	to := slog.LevelDebug
	switch level {
	case hclog.Error:
		to = slog.LevelError
	case hclog.Warn:
		to = slog.LevelWarn
	case hclog.Trace:
		return
	}
	ctx := context.Background()
	if !s.logger.Enabled(ctx, to) {
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
