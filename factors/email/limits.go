package email

import (
	"errors"
	"fmt"
	"time"

	"sallyport/login"
)

// Limits is the [factors.email.limits] table. What is absent keeps its default
// ([login.DefaultSendLimits]); 0 is no bound.
type Limits struct {
	// Between is the least time between two mails to one user.
	Between *time.Duration `toml:"between"`
	// User, Destination and Global bound what one user is sent, what one address is sent, and
	// everything.
	User        Rate `toml:"user"`
	Destination Rate `toml:"destination"`
	Global      Rate `toml:"global"`
}

// Rate is how much may be sent in any hour and in any day.
type Rate struct {
	Hour *uint32 `toml:"hour"`
	Day  *uint32 `toml:"day"`
}

// maxBetween keeps a typing error from closing the factor.
const maxBetween = time.Hour

func (l Limits) withDefaults() Limits {
	d := login.DefaultSendLimits()
	if l.Between == nil {
		l.Between = &d.Between
	}
	l.User = l.User.withDefaults(d.User)
	l.Destination = l.Destination.withDefaults(d.Destination)
	l.Global = l.Global.withDefaults(d.Global)
	return l
}

func (r Rate) withDefaults(d login.SendRate) Rate {
	if r.Hour == nil {
		r.Hour = &d.Hour
	}
	if r.Day == nil {
		r.Day = &d.Day
	}
	return r
}

func (l Limits) validate() (faults []error) {
	l = l.withDefaults()
	if *l.Between < 0 || *l.Between > maxBetween {
		faults = append(faults, fmt.Errorf("limits.between: must be between 0s and %s", maxBetween))
	}
	for _, r := range []struct {
		key  string
		rate login.SendRate
	}{{"user", l.User.rate()}, {"destination", l.Destination.rate()}, {"global", l.Global.rate()}} {
		if r.rate.Day != 0 && r.rate.Hour > r.rate.Day {
			faults = append(faults, fmt.Errorf("limits.%s.hour: %d is more than the %d of a day", r.key, r.rate.Hour, r.rate.Day))
		}
	}
	if l.Global.rate().Hour == 0 && l.User.rate().Hour == 0 {
		faults = append(faults, errors.New("limits.global.hour: neither a user nor all of them are bounded; set one of the two"))
	}
	return faults
}

// sendLimits is the table in the words of the login. It must have its defaults.
func (l Limits) sendLimits() login.SendLimits {
	return login.SendLimits{Between: *l.Between, User: l.User.rate(), Destination: l.Destination.rate(), Global: l.Global.rate()}
}

func (r Rate) rate() login.SendRate { return login.SendRate{Hour: *r.Hour, Day: *r.Day} }
