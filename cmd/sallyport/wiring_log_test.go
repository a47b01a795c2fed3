package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sallyport/login"
)

// TestS11RefusalsArePacedByClientAndCode: a flood at one client leaves the lines of others, of other codes and of
// Accepts alone, and the next line says how many are missing.
func TestS11RefusalsArePacedByClientAndCode(t *testing.T) {
	var out bytes.Buffer
	l, r := newLogs(&out, "json", slog.LevelInfo), refusals{}
	at := time.Unix(1_800_000_000, 0)
	lines := func(client string, code login.Code, times int) int {
		before := bytes.Count(out.Bytes(), []byte("\n"))
		for range times {
			e := login.Event{Time: at, Client: client, Code: code, Answered: true}
			if suppressed, ok := r.pass(e); ok {
				auditLogin(l.audit, e, suppressed)
			}
		}
		return bytes.Count(out.Bytes(), []byte("\n")) - before
	}
	for _, c := range []struct {
		client string
		code   login.Code
		times  int
		want   int
	}{
		{"vpn", login.CodePasswordInvalid, 5000, refusalBurst},
		{"vpn", login.CodeOTPInvalid, 10, 10},
		{"office", login.CodePasswordInvalid, 10, 10},
		{"vpn", login.CodeAccepted, 1000, 1000},
		{"vpn", login.CodePrompt, 1000, 1000},
	} {
		if got := lines(c.client, c.code, c.times); got != c.want {
			t.Errorf("%d × %s at %s: %d lines, want %d", c.times, c.code, c.client, got, c.want)
		}
	}
	at = at.Add(time.Second)
	if got := lines("vpn", login.CodePasswordInvalid, 5000); got != refusalPerSecond {
		t.Errorf("a second later: %d lines", got)
	}
	if !strings.Contains(out.String(), `"suppressed":4800}`) {
		t.Error("no line says how many are missing")
	}
}
