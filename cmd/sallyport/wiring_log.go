package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"sallyport/cmd/sallyport/internal/logwriter"
	"sallyport/login"
	"sallyport/radius"
)

// logs are what the daemon writes, in one format and without mixing lines. A line is written when the call
// that logs it returns, unless nobody reads the log: see [logwriter.Writer].
type logs struct {
	writer *logwriter.Writer
	// log says how the daemon is, from level up; a reload may change that.
	log   *slog.Logger
	level *slog.LevelVar
	// audit has a line for each verdict and each administrative act, whatever the level is.
	audit *slog.Logger
}

func newLogs(w io.Writer, format string, level slog.Level) logs {
	writer := &logwriter.Writer{Out: w}
	all := &slog.HandlerOptions{Level: slog.LevelDebug}
	var lines slog.Handler = slog.NewTextHandler(writer, all)
	if format == "json" {
		lines = slog.NewJSONHandler(writer, all)
	}
	unwaited := slog.New(lines)
	writer.Lost = func(n uint64) {
		unwaited.Error("log lines were lost because nobody read the log; check what reads standard error (journald)",
			slog.String("event", "log"), slog.Uint64("lines", n))
	}
	lines = writtenLines{lines, writer}
	threshold := new(slog.LevelVar)
	threshold.Set(level)
	return logs{writer, slog.New(levelled{lines, threshold}), threshold, slog.New(lines)}
}

// writtenLines waits for each line, as long as the log is read.
type writtenLines struct {
	slog.Handler
	writer *logwriter.Writer
}

// Handle returns when the line is written, or nobody reads the log.
func (h writtenLines) Handle(ctx context.Context, r slog.Record) error {
	err := h.Handler.Handle(ctx, r)
	h.writer.Wait()
	return err
}

// WithAttrs keeps the writer.
func (h writtenLines) WithAttrs(attrs []slog.Attr) slog.Handler {
	return writtenLines{h.Handler.WithAttrs(attrs), h.writer}
}

// WithGroup keeps the writer.
func (h writtenLines) WithGroup(name string) slog.Handler {
	return writtenLines{h.Handler.WithGroup(name), h.writer}
}

// logPart is the log on the status port. Logins go on without it.
type logPart struct{ writer *logwriter.Writer }

// Name is what the reports call it.
func (logPart) Name() string { return "log" }

// Ready is always nil: a log that nobody reads keeps nobody from logging in.
func (logPart) Ready(context.Context) error { return nil }

// Warning says that nobody reads the log.
func (p logPart) Warning() string {
	s := p.writer.Stats()
	if s.Stalled == 0 {
		return ""
	}
	return fmt.Sprintf("nobody has read standard error for %v: %d bytes wait, %d lines were lost so far; check what reads the log (journald)",
		s.Stalled.Round(100*time.Millisecond), s.Waiting, s.Lost)
}

// Status is the state of the writer.
func (p logPart) Status(context.Context) any {
	s := p.writer.Stats()
	return struct {
		StalledSeconds float64 `json:"stalled_seconds"`
		WaitingBytes   int     `json:"waiting_bytes"`
		LostLines      uint64  `json:"lost_lines"`
		FailedWrites   uint64  `json:"failed_writes"`
	}{s.Stalled.Seconds(), s.Waiting, s.Lost, s.Failed}
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

// A client's refusals of one code have so many lines at once, and then so many a second: whoever floods a client
// with wrong passwords must not crowd the others' lines out of the journal.
const (
	refusalBurst     = 200
	refusalPerSecond = 20
)

// refusals paces the audit lines of what was refused, by client and code. The zero value is ready.
type refusals struct {
	mu     sync.Mutex
	pacers map[refusal]*refusalPacer
}

type refusal struct {
	client string
	code   login.Code
}

type refusalPacer struct {
	limit      *rate.Limiter
	suppressed uint64
}

// pass reports whether e has its line, and how many of its client and code had none since the last one. An
// Accept always has, and so does a challenge that is no answer to anything wrong.
func (r *refusals) pass(e login.Event) (suppressed uint64, ok bool) {
	if e.Code == login.CodeAccepted || e.Code == login.CodePrompt {
		return 0, true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pacers == nil {
		r.pacers = make(map[refusal]*refusalPacer)
	}
	key := refusal{e.Client, e.Code}
	p := r.pacers[key]
	if p == nil {
		p = &refusalPacer{limit: rate.NewLimiter(refusalPerSecond, refusalBurst)}
		r.pacers[key] = p
	}
	if !p.limit.AllowN(e.Time, 1) {
		p.suppressed++
		return 0, false
	}
	suppressed, p.suppressed = p.suppressed, 0
	return suppressed, true
}

// auditLogin writes one line for each verdict. What an event does not know is left out. suppressed counts the lines
// that [refusals] left out before it.
func auditLogin(log *slog.Logger, e login.Event, suppressed uint64) {
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
	if suppressed > 0 {
		attrs = append(attrs, slog.Uint64("suppressed", suppressed))
	}
	log.LogAttrs(context.Background(), level, "login", attrs...)
}

// auditAccounting writes one line for each record of a client; all of it is in the audit store.
func auditAccounting(log *slog.Logger, r radius.AccountingRecord) {
	attrs := append(make([]slog.Attr, 0, 16), slog.String("event", "accounting"), slog.String("client", r.Client), slog.String("address", r.Address.String()))
	for _, known := range []struct{ key, value string }{
		{"status", r.Status}, {"session_id", r.SessionID}, {"username", r.Username}, {"framed_ip", r.FramedIP}, {"framed_ipv6", r.FramedIPv6},
		{"calling_station_id", r.CallingStationID}, {"nas_identifier", r.NASIdentifier}, {"terminate_cause", r.TerminateCause},
	} {
		if known.value != "" {
			attrs = append(attrs, slog.String(known.key, known.value))
		}
	}
	for _, known := range []struct {
		key   string
		value *uint64
	}{
		{"session_seconds", r.SessionSeconds}, {"input_octets", r.InputOctets}, {"output_octets", r.OutputOctets}, {"delay_seconds", r.DelaySeconds},
	} {
		if known.value != nil {
			attrs = append(attrs, slog.Uint64(known.key, *known.value))
		}
	}
	log.LogAttrs(context.Background(), slog.LevelInfo, "accounting", attrs...)
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
