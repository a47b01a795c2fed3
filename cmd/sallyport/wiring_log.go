package main

import (
	"context"
	"io"
	"log/slog"
	"time"

	"sallyport/login"
)

// newLogger returns the log and its level, which a reload may change.
func newLogger(w io.Writer, format string, level slog.Level) (*slog.Logger, *slog.LevelVar) {
	threshold := new(slog.LevelVar)
	threshold.Set(level)
	options := &slog.HandlerOptions{Level: threshold}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options)), threshold
	}
	return slog.New(slog.NewTextHandler(w, options)), threshold
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
	for _, b := range e.Backends {
		attrs = append(attrs, milliseconds(b.Name+"_ms", b.Took))
		known(b.Name+"_server", b.Server)
	}
	attrs = append(attrs, milliseconds("ms", e.Took))
	log.LogAttrs(context.Background(), level, "login", attrs...)
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
