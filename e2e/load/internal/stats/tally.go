package stats

import "time"

// maxReasons bounds how many different reasons of refusal are told apart; the rest share one line.
const maxReasons = 50

// Tally is what became of some logins. The zero value is empty and ready; it is not safe for
// concurrent use.
type Tally struct {
	// Started logins, and how they ended: every started login ends as one of the other three.
	Started, Accepted, Rejected, Lost int64
	// Reasons counts the rejected by the step and the words that rejected them.
	Reasons map[string]int64
	// Retransmissions are datagrams sent again.
	Retransmissions int64
	// Late replies answer no pending request: the answer to an earlier transmission was taken.
	// Bad replies did not verify.
	Late, Bad int64
	// SendErrors are datagrams that the kernel did not take, mostly because nobody listens.
	SendErrors int64
	// Unsent are logins of an open loop for which no Identifier was free.
	Unsent int64

	// Password is the time from the first Access-Request to its Challenge, Code from the answer to
	// its Accept, Login the whole; in an open loop Password and Login count from when the login
	// was meant to start. Only accepted logins count.
	Password, Code, Login Histogram
}

// Reject counts a refusal.
func (t *Tally) Reject(reason string) {
	t.Rejected++
	if t.Reasons == nil {
		t.Reasons = map[string]int64{}
	}
	if _, known := t.Reasons[reason]; !known && len(t.Reasons) >= maxReasons {
		reason = "other reasons"
	}
	t.Reasons[reason]++
}

// Accept counts a login that was let in, with the time of its steps.
func (t *Tally) Accept(password, code, login time.Duration) {
	t.Accepted++
	t.Password.Add(password)
	t.Code.Add(code)
	t.Login.Add(login)
}

// Merge adds all that is in o.
func (t *Tally) Merge(o *Tally) {
	t.Started += o.Started
	t.Accepted += o.Accepted
	t.Rejected += o.Rejected
	t.Lost += o.Lost
	t.Retransmissions += o.Retransmissions
	t.Late += o.Late
	t.Bad += o.Bad
	t.SendErrors += o.SendErrors
	t.Unsent += o.Unsent
	for reason, n := range o.Reasons {
		if t.Reasons == nil {
			t.Reasons = map[string]int64{}
		}
		t.Reasons[reason] += n
	}
	t.Password.Merge(&o.Password)
	t.Code.Merge(&o.Code)
	t.Login.Merge(&o.Login)
}
