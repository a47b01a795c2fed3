package main

import (
	"context"
	"io"
	"log/slog"
	"time"

	"sallyport/login"
)

// logs are what the daemon writes, in one format and without mixing lines.
type logs struct {
	// log says how the daemon is, from level up; a reload may change that.
	log   *slog.Logger
	level *slog.LevelVar
	// audit has a line for each verdict and each administrative act, whatever the level is.
	audit *slog.Logger
}

func newLogs(w io.Writer, format string, level slog.Level) logs {
	all := &slog.HandlerOptions{Level: slog.LevelDebug}
	var lines slog.Handler = slog.NewTextHandler(w, all)
	if format == "json" {
		lines = slog.NewJSONHandler(w, all)
	}
	threshold := new(slog.LevelVar)
	threshold.Set(level)
	return logs{slog.New(levelled{lines, threshold}), threshold, slog.New(lines)}
}

// levelled passes on what reaches a level.
type levelled struct {
	slog.Handler
	level slog.Leveler
}

// Enabled reports whether level is reached.
func (t levelled) Enabled(_ context.Context, level slog.Level) bool { return level >= t.level.Level() }

// WithAttrs keeps the threshold.
func (t levelled) WithAttrs(attrs []slog.Attr) slog.Handler {
	return levelled{t.Handler.WithAttrs(attrs), t.level}
}

// WithGroup keeps the threshold.
func (t levelled) WithGroup(name string) slog.Handler {
	return levelled{t.Handler.WithGroup(name), t.level}
}

// audit writes one line for each verdict. What an event does not know is left out.
func audit(log *slog.Logger, e login.Event) {
	level := slog.LevelInfo
	if !e.Answered {
		level = slog.LevelWarn // a back end is down, and people cannot log in
	}
	attrs := append(make([]slog.Attr, 0, 24), slog.String("event", "login"))
	known := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	known("trace", e.Trace)
	known("client", e.Client)
	if e.Address.IsValid() {
		known("address", e.Address.String())
	}
	known("calling_station_id", e.CallingStationID)
	known("username", e.Username)
	known("user", e.User)
	known("user_id", e.UserID)
	known("policy", e.Policy)
	known("step", string(e.Step))
	known("next", string(e.Next))
	known("factor", e.Factor)
	known("verdict", verdictWord(e))
	known("code", string(e.Code))
	known("reason", e.Reason)
	known("earned", e.Earned)
	if e.Registered {
		attrs = append(attrs, slog.Bool("registered", true))
	}
	if e.Repeated {
		attrs = append(attrs, slog.Bool("repeated", true))
	}
	if e.WithoutQuorum {
		attrs = append(attrs, slog.Bool("without_quorum", true))
	}
	for _, b := range e.Backends {
		attrs = append(attrs, milliseconds(b.Name+"_ms", b.Took))
		known(b.Name+"_server", b.Server)
	}
	attrs = append(attrs, milliseconds("ms", e.Took))
	log.LogAttrs(context.Background(), level, "login", attrs...)
}

// auditDelivery writes one line for each message that was handed to a server, or was not.
func auditDelivery(log *slog.Logger, m login.Delivery) {
	level, outcome := slog.LevelInfo, "taken"
	if m.Err != nil {
		level, outcome = slog.LevelWarn, "failed"
	}
	attrs := []slog.Attr{slog.String("event", "delivery"), slog.String("outcome", outcome), slog.String("factor", m.Factor)}
	for _, known := range []struct{ key, value string }{
		{"notice", string(m.Notice)}, {"trace", m.Trace}, {"user_id", m.UserID}, {"server", m.Server},
	} {
		if known.value != "" {
			attrs = append(attrs, slog.String(known.key, known.value))
		}
	}
	if m.Err != nil {
		attrs = append(attrs, slog.Any("error", m.Err))
	}
	log.LogAttrs(context.Background(), level, "message", append(attrs, milliseconds("ms", m.Took))...)
}

func verdictWord(e login.Event) string {
	if !e.Answered {
		return "none"
	}
	return e.Verdict.String()
}

// milliseconds keeps three digits: more is noise.
func milliseconds(key string, d time.Duration) slog.Attr {
	return slog.Float64(key, float64(d.Microseconds())/1e3)
}
