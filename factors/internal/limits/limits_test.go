package limits_test

import (
	"errors"
	"testing"
	"time"

	"sallyport/factors/internal/limits"
	"sallyport/login"
)

// rate sets both numbers.
func rate(hour, day uint32) limits.Rate { return limits.Rate{Hour: &hour, Day: &day} }

func TestNothingSaidIsTheDefault(t *testing.T) {
	if got := (limits.Table{}).SendLimits(); got != login.DefaultSendLimits() {
		t.Errorf("%+v", got)
	}
	if got := (limits.WithCountry{}).SendLimits(); got != login.DefaultSendLimits() {
		t.Errorf("with countries: %+v", got)
	}
}

func TestEachNumberKeepsItsDefault(t *testing.T) {
	two, seven, none := uint32(2), uint32(7), time.Duration(0)
	table := limits.WithCountry{
		Table: limits.Table{
			Between: &none, User: limits.Rate{Hour: &two}, Destination: limits.Rate{Day: &seven}, Global: rate(0, 0),
		},
		Country: limits.Rate{Hour: &seven},
	}
	want := login.DefaultSendLimits()
	want.Between, want.User.Hour, want.Destination.Day, want.Global, want.Country.Hour = 0, 2, 7, login.SendRate{}, 7
	if got := table.SendLimits(); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if err := errors.Join(table.Validate()...); err != nil {
		t.Error(err)
	}
}

func TestFaultsAreNamed(t *testing.T) {
	for want, table := range map[string]limits.WithCountry{
		"limits.between: must be between 0s and 1h0m0s":                                 {Table: limits.Table{Between: new(time.Hour + 1)}},
		"limits.user.hour: 11 is more than the 10 of a day; set day as well":            {Table: limits.Table{User: limits.Rate{Hour: new(uint32(11))}}},
		"limits.destination.hour: 5 is more than the 4 of a day; set day as well":       {Table: limits.Table{Destination: limits.Rate{Day: new(uint32(4))}}},
		"limits.global.hour: 3 is more than the 2 of a day; set day as well":            {Table: limits.Table{Global: rate(3, 2)}},
		"limits.country.hour: 3 is more than the 2 of a day; set day as well":           {Country: rate(3, 2)},
		"limits.global: neither a user nor all of them are bounded; set one of the two": {Table: limits.Table{User: rate(0, 0), Global: rate(0, 0)}},
	} {
		if err := errors.Join(table.Validate()...); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
