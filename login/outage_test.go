package login_test

import (
	"context"
	"errors"
	"testing"

	"sallyport/login"
)

func TestOutageErrorIsFoundInTheAudit(t *testing.T) {
	w := newWorld(t)
	origin := login.Origin{Client: "vpn", Policy: "staff"}
	first, err := w.engine.Begin(context.Background(), login.Request{Origin: origin, Username: "alice", Password: "right"})
	if err != nil {
		t.Fatal(err)
	}
	w.dir.down = true
	_, begun := w.engine.Begin(context.Background(), login.Request{Origin: origin, Username: "alice", Password: "right"})
	_, continued := w.engine.Continue(context.Background(), login.Answer{Origin: origin, State: first.State, Text: w.code("alice", "now")})
	for n, err := range []error{begun, continued} {
		var u *login.UnavailableError
		if event := w.events[n+1]; !errors.As(err, &u) || u.Trace == "" || u.Trace != event.Trace {
			t.Errorf("%d: %v is not found under the trace %q", n, err, event.Trace)
		}
	}
}

// The audit tells what the client is told: one that wants a Reject gets one.
func TestOutageIsAVerdictWhereTheClientIsRefused(t *testing.T) {
	for _, refused := range []bool{false, true} {
		w := newWorld(t)
		w.dir.down = true
		origin := login.Origin{Client: "vpn", Policy: "staff", RejectOnOutage: refused}
		_, err := w.engine.Begin(context.Background(), login.Request{Origin: origin, Username: "alice", Password: "right"})
		if err == nil || len(w.events) != 1 {
			t.Fatalf("%v, %d events", err, len(w.events))
		}
		e := w.events[0]
		if e.Answered != refused || e.Verdict != login.Reject || e.Code != login.CodeDirectoryUnavail || e.Reason == "" {
			t.Errorf("refused %v: the event is %+v", refused, e)
		}
	}
}
