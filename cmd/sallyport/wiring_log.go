package main

import (
	"context"
	"io"
	"log/slog"

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
	attrs := []slog.Attr{
		slog.String("event", "login"),
		slog.String("trace", e.Trace),
		slog.String("client", e.Client),
		slog.String("address", e.Address.String()),
	}
	for _, a := range []slog.Attr{
		slog.String("calling_station_id", e.CallingStationID),
		slog.String("username", e.Username),
		slog.String("user", e.User),
		slog.String("user_id", e.UserID),
		slog.String("policy", e.Policy),
		slog.String("step", string(e.Step)),
		slog.String("next", string(e.Next)),
		slog.String("factor", e.Factor),
		slog.String("verdict", verdictWord(e)),
		slog.String("code", string(e.Code)),
		slog.String("reason", e.Reason),
		slog.String("earned", e.Earned),
	} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	if e.Registered {
		attrs = append(attrs, slog.Bool("registered", true))
	}
	if e.Repeated {
		attrs = append(attrs, slog.Bool("repeated", true))
	}
	attrs = append(attrs, backends(e.Backends), milliseconds("ms", e.Took.Seconds()))
	log.LogAttrs(context.Background(), level, "login", attrs...)
}

func verdictWord(e login.Event) string {
	if !e.Answered {
		return "none"
	}
	return e.Verdict.String()
}

// backends tells who was asked and how long each took; one that was asked twice counts together.
func backends(asked []login.Backend) slog.Attr {
	var names []string
	seconds := map[string]float64{}
	servers := map[string]string{}
	for _, b := range asked {
		if _, seen := seconds[b.Name]; !seen {
			names = append(names, b.Name)
		}
		seconds[b.Name] += b.Took.Seconds()
		if b.Server != "" {
			servers[b.Name] = b.Server
		}
	}
	var attrs []any
	for _, name := range names {
		attrs = append(attrs, milliseconds(name+"_ms", seconds[name]))
		if servers[name] != "" {
			attrs = append(attrs, slog.String(name+"_server", servers[name]))
		}
	}
	return slog.Group("", attrs...)
}

// milliseconds keeps three digits: more is noise.
func milliseconds(key string, seconds float64) slog.Attr {
	return slog.Float64(key, float64(int64(seconds*1e6))/1e3)
}
