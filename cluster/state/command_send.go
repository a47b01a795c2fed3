package state

import "sallyport/login"

// Send asks to send a code; see [login.Send].
type Send struct {
	Act         login.Tag
	Destination login.Tag
	Country     string
	Limits      SendLimits
}

// SendLimits are the bounds on sending; see [login.SendLimits]. Between is in nanoseconds.
type SendLimits struct {
	Between                            int64
	User, Destination, Country, Global SendRate
}

// SendRate is how much may be sent in any hour and in any day; 0 is no bound.
type SendRate struct{ Hour, Day uint32 }

func (s *Send) wire(w *wire) {
	w.fixed(1, s.Act[:])
	w.fixed(2, s.Destination[:])
	w.name(3, &s.Country)
	w.int(4, &s.Limits.Between)
	part[SendRate](w, 5, &s.Limits.User)
	part[SendRate](w, 6, &s.Limits.Destination)
	part[SendRate](w, 7, &s.Limits.Country)
	part[SendRate](w, 8, &s.Limits.Global)
}

func (r *SendRate) wire(w *wire) {
	number(w, 1, &r.Hour)
	number(w, 2, &r.Day)
}

// SendFailed notes that a code did not leave; see [login.SendFailure].
type SendFailed struct {
	Challenge login.ChallengeID
	Client    string
	UserID    string
	Factor    string
	Number    uint64
}

func (c *SendFailed) kind() Kind { return KindSendFailed }

func (c *SendFailed) wire(w *wire) {
	w.fixed(1, c.Challenge[:])
	w.name(2, &c.Client)
	w.str(3, &c.UserID)
	w.name(4, &c.Factor)
	number(w, 5, &c.Number)
}
