package cluster

import (
	"time"

	"sallyport/cluster/state"
	"sallyport/login"
)

// instant is a time of the log; zero means none.
func instant(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

// nanoseconds is the opposite of instant.
func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// enrolmentOf converts a user, records sealed.
func enrolmentOf(u *state.User) login.Enrolment {
	e := login.Enrolment{
		UserID: u.ID, Name: u.Name, Epoch: u.Epoch, LastFactor: u.LastFactor,
		Credentials: make(map[string]login.Credential, len(u.Credentials)),
	}
	for i := range u.Credentials {
		c := &u.Credentials[i]
		e.Credentials[c.Factor] = login.Credential{
			Factor: c.Factor, Version: c.Version, Sealed: c.Record, Memo: c.Memo, Last: c.Last,
			LockedUntil: instant(c.LockedUntil), HardLocked: c.HardLocked, Failures: c.Failures,
			Near: login.Near{Number: c.Near.Number, Ahead: time.Duration(c.Near.Ahead)}, NearAt: instant(c.NearAt),
			Renew: c.Renew, Codes: codesOf(c.Codes), Note: c.Note, Challenge: c.Challenge,
		}
	}
	return e
}

func codesOf(stored []state.OneTimeCode) []login.OneTimeCode {
	if len(stored) == 0 {
		return nil
	}
	codes := make([]login.OneTimeCode, len(stored))
	for i, c := range stored {
		codes[i] = login.OneTimeCode{Tag: c.Tag, Uses: c.Uses, Until: instant(c.Until)}
	}
	return codes
}

// openedOf converts a challenge without its record.
func openedOf(c *state.Challenge) login.Opened {
	o := login.Opened{
		ID: c.ID, UserID: c.UserID, Client: c.Client,
		Expires: instant(c.Expires), Failures: c.Failures, Closed: c.Closed != state.NotClosed,
	}
	if c.Opening != nil {
		o.Name, o.Factor, o.Epoch = c.Opening.Name, c.Opening.Factor, c.Opening.Epoch
		o.Sequence, o.Sends = c.Opening.Sequence, sendsOf(c.Opening.Sends)
	}
	return o
}

func sendsOf(stored []state.Sent) []login.Sent {
	if len(stored) == 0 {
		return nil
	}
	sends := make([]login.Sent, len(stored))
	for i, s := range stored {
		sends[i] = login.Sent{Factor: s.Factor, Number: s.Number, At: instant(s.At), Failed: s.Failed}
	}
	return sends
}

func openCommand(o login.Opening, sealed []byte) *state.Open {
	return &state.Open{
		ID: o.ID, UserID: o.UserID, Name: o.Name, Handle: o.Handle, Client: o.Client,
		Factor: o.Factor, Epoch: o.Epoch, Record: sealed, Rejoin: o.Rejoin,
		RejoinWithin: int64(o.RejoinWithin), Life: int64(o.Life), Keep: int64(o.Keep),
		Capacity: o.Capacity, Sequence: o.Sequence, Key: o.Key, Send: sendOf(o.Send), Decoy: o.Decoy,
	}
}

func sendOf(s *login.Send) *state.Send {
	if s == nil {
		return nil
	}
	l := s.Limits
	return &state.Send{
		Act: s.Act, Destination: s.Destination, Country: s.Country,
		Limits: state.SendLimits{
			Between: int64(l.Between), User: state.SendRate(l.User), Destination: state.SendRate(l.Destination),
			Country: state.SendRate(l.Country), Global: state.SendRate(l.Global),
		},
	}
}

func settleCommand(s login.Settlement, sealed []byte) *state.Settle {
	return &state.Settle{
		Challenge: s.Challenge, Token: s.Token, Answer: s.Answer, Request: s.Request,
		Client: s.Client, UserID: s.UserID, Name: s.Name, Handle: s.Handle,
		ClusterEpoch: s.ClusterEpoch, Epoch: s.Epoch, Factor: s.Factor, Version: s.Version,
		Number: s.Number, Memo: s.Memo, Register: sealed, Expires: nanoseconds(s.Expires),
		Limits: state.Limits{
			Attempts: s.Limits.Attempts, SoftLock: s.Limits.SoftLock,
			SoftLockFor: int64(s.Limits.SoftLockFor), SoftLockMax: int64(s.Limits.SoftLockMax),
			HardLock: s.Limits.HardLock, Keep: int64(s.Limits.Keep), Capacity: s.Limits.Capacity,
		},
		Code: s.Code, Exempt: s.Exempt, Pass: s.Pass, Sequence: s.Sequence, Invitation: s.Invitation,
		Again: s.Again, Decoy: s.Decoy, Conceal: s.Conceal, Count: s.Count,
		Guess: s.Guess, Near: state.Near{Number: s.Near.Number, Ahead: int64(s.Near.Ahead)},
	}
}

func cancelCommand(c login.Cancellation) *state.Cancel {
	return &state.Cancel{
		Challenge: c.Challenge, Client: c.Client, UserID: c.UserID, Handle: c.Handle,
		Epoch: c.Epoch, Expires: nanoseconds(c.Expires), Keep: int64(c.Keep), Capacity: c.Capacity,
	}
}
