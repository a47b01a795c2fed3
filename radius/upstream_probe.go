package radius

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"sallyport/login"
)

// ProbeRow is what a probe has found.
type ProbeRow string

// The rows.
const (
	// RowReady: the server answers under the shared secret.
	RowReady ProbeRow = "ready"
	// RowSignedOnly: likewise, and it drops requests without Message-Authenticator. Should the secrets
	// ever differ, that will look like silence.
	RowSignedOnly ProbeRow = "ready_signed_only"
	// RowWrongSecret: the shared secrets differ.
	RowWrongSecret ProbeRow = "wrong_secret"
	// RowSilent: no answer of any kind.
	RowSilent ProbeRow = "silent"
	// RowIgnoresLogins: only Status-Server is answered.
	RowIgnoresLogins ProbeRow = "ignores_logins"
	// RowNothingListens: the host is there, the port is closed.
	RowNothingListens ProbeRow = "nothing_listens"
	// RowUnreachable: nothing can be sent there, or the network says that it cannot be delivered.
	RowUnreachable ProbeRow = "unreachable"
)

// remedy says what to do.
func (r ProbeRow) remedy() string {
	switch r {
	case RowReady:
		return "Nothing to do: the server answers, and the shared secrets are the same."
	case RowSignedOnly:
		return "Nothing to do: the server answers, and requires Message-Authenticator, which Sallyport always sends."
	case RowWrongSecret:
		return "The shared secrets differ: enter the same one here (secret_file) and in the server's record of this client."
	case RowSilent:
		return "Add this node's address as a RADIUS client on the server, compare the shared secrets, and look whether the host is up and no firewall drops UDP to this port."
	case RowIgnoresLogins:
		return "The address and the shared secret are right, but logins get no answer: look at the server's own log, and whether it is too busy."
	case RowNothingListens:
		return "The host is up, but nothing listens on this port: start the RADIUS service there, or correct the port (1812, sometimes 1645)."
	}
	return "The server cannot be reached: check its name and address, the routes, and the network in between."
}

// ProbeAnswer is what came back to one of the probes.
type ProbeAnswer string

// The answers.
const (
	AnswerAccept    ProbeAnswer = "accept"
	AnswerReject    ProbeAnswer = "reject"
	AnswerChallenge ProbeAnswer = "challenge"
	// AnswerNotAuthentic: a reply that does not verify under our shared secret.
	AnswerNotAuthentic ProbeAnswer = "not_authentic"
	AnswerSilence      ProbeAnswer = "silence"
	AnswerRefused      ProbeAnswer = "refused"
	AnswerUnsent       ProbeAnswer = "unsent"
)

// ProbeReport is what a probe has found, and what to do about it.
type ProbeReport struct {
	Server string   `json:"server"`
	Row    ProbeRow `json:"row"`
	Remedy string   `json:"remedy"`
	// Signed, Unsigned and Status are what came back to a login in the reserved name with and without
	// Message-Authenticator, and to Status-Server.
	Signed   ProbeAnswer `json:"signed"`
	Unsigned ProbeAnswer `json:"unsigned"`
	Status   ProbeAnswer `json:"status"`
	// Detail is what the network said, where it said anything.
	Detail string `json:"detail,omitempty"`
	// Signature says that the reply has Message-Authenticator as its first attribute, as replies
	// should (CVE-2024-3596).
	Signature bool `json:"signature"`
	// Took is the time until the signed login was answered.
	Took time.Duration `json:"took_ns"`
}

// probeTiming waits longer than a login may: a server may delay its Rejects by a second.
func probeTiming() Timing {
	return Timing{Initial: 1500 * time.Millisecond, Longest: 1500 * time.Millisecond, Transmissions: 2, Total: 3 * time.Second}
}

// Probe asks a server in the reserved name, signed and unsigned, and for its status, all at once. No
// person's attempts are used up. It takes up to three seconds, and changes nothing that is known of
// the server.
func (u *Upstream) Probe(ctx context.Context, server string) ProbeReport {
	s := newUpstreamServer(server, u.cfg)
	p := ProbeReport{Server: server}
	began := u.cfg.Now()
	var wg sync.WaitGroup
	wg.Go(func() {
		var r *Response
		p.Signed, r, p.Detail = s.probe(ctx, s.probeMessage(rand.Text(), false))
		p.Took, p.Signature = u.cfg.Now().Sub(began), r != nil && r.SignedFirst
	})
	wg.Go(func() { p.Unsigned, _, _ = s.probe(ctx, s.probeMessage(rand.Text(), true)) })
	wg.Go(func() { p.Status, _, _ = s.probe(ctx, Message{Status: true}) })
	wg.Wait()
	p.Row = p.row()
	p.Remedy = p.Row.remedy()
	return p
}

// probe asks one question.
func (s *upstreamServer) probe(ctx context.Context, m Message) (ProbeAnswer, *Response, string) {
	r, err := s.afresh(ctx, probeTiming(), m, manner{refusals: 2, first: true, hasty: true})
	none, ok := errors.AsType[*NoReplyError](err)
	switch {
	case err == nil:
		return answered(r.Verdict), r, ""
	case !ok:
		return AnswerUnsent, nil, err.Error()
	case none.Bad > 0:
		return AnswerNotAuthentic, nil, ""
	case none.Refused && errors.Is(err, syscall.ECONNREFUSED):
		return AnswerRefused, nil, ""
	case none.Refused || none.Sent == 0:
		return AnswerUnsent, nil, fmt.Sprint(none.Cause)
	}
	return AnswerSilence, nil, ""
}

func answered(v login.Verdict) ProbeAnswer {
	switch v {
	case login.Accept:
		return AnswerAccept
	case login.Challenge:
		return AnswerChallenge
	}
	return AnswerReject
}

// authentic reports an answer under the same shared secret.
func (a ProbeAnswer) authentic() bool {
	return a == AnswerAccept || a == AnswerReject || a == AnswerChallenge
}

// row is the row of the table that the three answers stand in.
func (p ProbeReport) row() ProbeRow {
	came := func(a ProbeAnswer) bool { return p.Signed == a || p.Unsigned == a || p.Status == a }
	switch {
	case p.Signed.authentic() && p.Unsigned.authentic():
		return RowReady
	case p.Signed.authentic():
		return RowSignedOnly
	case came(AnswerNotAuthentic):
		return RowWrongSecret
	case p.Status.authentic() || p.Unsigned.authentic():
		return RowIgnoresLogins
	case came(AnswerRefused):
		return RowNothingListens
	case came(AnswerUnsent):
		return RowUnreachable
	}
	return RowSilent
}
