package login_test

import (
	"context"
	"errors"
	"testing"

	"sallyport/login"
)

// unreadable is a ledger whose records do not open.
type unreadable struct{ login.Ledger }

var errDamaged = errors.New("the record is damaged")

func (unreadable) Record(context.Context, login.Enrolment, string) ([]byte, error) {
	return nil, errDamaged
}

// A record that does not open is nobody's wrong answer, and not the lack of a second factor either.
func TestRecordThatDoesNotOpenConcludesNothing(t *testing.T) {
	w := newWorld(t)
	e := w.newEngineOn(unreadable{w.ledger}, login.Limits{})
	origin := login.Origin{Client: "vpn", Policy: "staff"}
	first, err := e.Begin(t.Context(), login.Request{Origin: origin, Username: "alice", Password: "right"})
	if err != nil || first.Verdict != login.Challenge || first.Prompt.Step != login.StepOTP {
		t.Fatalf("Begin needs no record: %+v, %v", first, err)
	}
	reply, err := e.Continue(t.Context(), login.Answer{Origin: origin, State: first.State, Text: "000000"})
	var down *login.UnavailableError
	if !errors.As(err, &down) || down.Code != login.CodeClusterUnavailable || !errors.Is(err, errDamaged) {
		t.Errorf("Continue: %+v, %v", reply, err)
	}
	stored, err := w.ledger.Enrolment(t.Context(), "test:alice")
	if err != nil || stored.Credentials["totp"].Failures != 0 {
		t.Errorf("counted: %+v, %v", stored, err)
	}
}
