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
		}
	}
	return e
}

// openedOf converts a challenge without its record.
func openedOf(c *state.Challenge) login.Opened {
	o := login.Opened{
		ID: c.ID, UserID: c.UserID, Client: c.Client,
		Expires: instant(c.Expires), Failures: c.Failures, Closed: c.Closed != state.NotClosed,
	}
	if c.Opening != nil {
		o.Name, o.Factor, o.Epoch = c.Opening.Name, c.Opening.Factor, c.Opening.Epoch
	}
	return o
}

func openCommand(o login.Opening, sealed []byte) *state.Open {
	return &state.Open{
		ID: o.ID, UserID: o.UserID, Name: o.Name, Handle: o.Handle, Client: o.Client,
		Factor: o.Factor, Epoch: o.Epoch, Record: sealed, Rejoin: o.Rejoin,
		RejoinWithin: int64(o.RejoinWithin), Life: int64(o.Life), Keep: int64(o.Keep),
		Capacity: o.Capacity,
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
	}
}

func cancelCommand(c login.Cancellation) *state.Cancel {
	return &state.Cancel{
		Challenge: c.Challenge, Client: c.Client, UserID: c.UserID, Handle: c.Handle,
		Epoch: c.Epoch, Expires: nanoseconds(c.Expires), Keep: int64(c.Keep), Capacity: c.Capacity,
	}
}
