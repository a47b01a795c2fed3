// Package limits reads the limits table of a factor that sends: what it bounds, its defaults, and
// what is wrong with it. That the bounds hold is the ledger's.
package limits

import (
	"errors"
	"fmt"
	"time"

	"sallyport/login"
)

// Table is a limits table. What is absent keeps its default ([login.DefaultSendLimits]), each number
// by itself; 0 is no bound.
type Table struct {
	// Between is the least time between two messages to one user, at most an hour.
	Between *time.Duration `toml:"between"`
	// User, Destination and Global bound what one user is sent, what one address is sent, and
	// everything.
	User        Rate `toml:"user"`
	Destination Rate `toml:"destination"`
	Global      Rate `toml:"global"`
}

// WithCountry is a limits table that bounds what is sent to one country as well.
type WithCountry struct {
	Table
	Country Rate `toml:"country"`
}

// Rate is how much may be sent in any hour and in any day.
type Rate struct {
	Hour *uint32 `toml:"hour"`
	Day  *uint32 `toml:"day"`
}

// maxBetween keeps a typing error from closing the factor.
const maxBetween = time.Hour

// WithDefaults returns the table with its defaults.
func (t Table) WithDefaults() Table {
	d := login.DefaultSendLimits()
	if t.Between == nil {
		t.Between = &d.Between
	}
	t.User = t.User.withDefaults(d.User)
	t.Destination = t.Destination.withDefaults(d.Destination)
	t.Global = t.Global.withDefaults(d.Global)
	return t
}

// WithDefaults returns the table with its defaults.
func (t WithCountry) WithDefaults() WithCountry {
	return WithCountry{t.Table.WithDefaults(), t.Country.withDefaults(login.DefaultSendLimits().Country)}
}

// Validate returns what is wrong with the table once it has its defaults, each fault with its key, as
// it stands in the factor's table, and a colon in front.
func (t Table) Validate() (faults []error) {
	l := t.SendLimits()
	if l.Between < 0 || l.Between > maxBetween {
		faults = append(faults, fmt.Errorf("limits.between: must be between 0s and %s", maxBetween))
	}
	faults = append(faults, validate("user", l.User)...)
	faults = append(faults, validate("destination", l.Destination)...)
	faults = append(faults, validate("global", l.Global)...)
	if l.Global == (login.SendRate{}) && l.User == (login.SendRate{}) {
		faults = append(faults, errors.New("limits.global: neither a user nor all of them are bounded; set one of the two"))
	}
	return faults
}

// Validate returns what is wrong with the table, likewise.
func (t WithCountry) Validate() []error {
	return append(t.Table.Validate(), validate("country", t.SendLimits().Country)...)
}

func validate(key string, r login.SendRate) []error {
	if r.Day == 0 || r.Hour <= r.Day {
		return nil
	}
	return []error{fmt.Errorf("limits.%s.hour: %d is more than the %d of a day; set day as well", key, r.Hour, r.Day)}
}

// SendLimits is the table with its defaults in the words of the login.
func (t Table) SendLimits() login.SendLimits {
	t = t.WithDefaults()
	return login.SendLimits{Between: *t.Between, User: t.User.rate(), Destination: t.Destination.rate(), Global: t.Global.rate()}
}

// SendLimits is the table with its defaults in the words of the login.
func (t WithCountry) SendLimits() login.SendLimits {
	t = t.WithDefaults()
	l := t.Table.SendLimits()
	l.Country = t.Country.rate()
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

// rate is the rate in the words of the login. It must have its defaults.
func (r Rate) rate() login.SendRate { return login.SendRate{Hour: *r.Hour, Day: *r.Day} }
