package people

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

// TimeStep is the TOTP time step X (RFC 6238 §4.1) of everyone.
const TimeStep = 30 * time.Second

// ErrExhausted means that the user whose turn it is has used the code of the current time step: the
// range is too small for the rate.
var ErrExhausted = errors.New("the range of users is too small: each has used this time step's code")

// Config says who is in the range.
type Config struct {
	// First is the number of the first user, Count how many there are.
	First, Count int
	// User and Password are fmt patterns of one number, such as "user%06d". A Password without a
	// verb is everyone's.
	User, Password string
	// Keys gives the TOTP keys.
	Keys Keys
}

// Range is a range of users, walked through in a circle. It is safe for concurrent use.
type Range struct {
	people []person
	next   atomic.Uint64
}

type person struct {
	user, password string
	key            string       // base32; empty when not known
	used           atomic.Int64 // the newest time step claimed
}

// New makes a range. It returns an error when a pattern or the range makes no sense.
func New(cfg Config) (*Range, error) {
	if cfg.First < 0 || cfg.Count < 1 {
		return nil, fmt.Errorf("%d users from number %d: at least one user, from 0 or more", cfg.Count, cfg.First)
	}
	r := &Range{people: make([]person, cfg.Count)}
	for i := range r.people {
		p, n := &r.people[i], cfg.First+i
		var err error
		if p.user, err = expand(cfg.User, n); err != nil {
			return nil, fmt.Errorf("user pattern: %w", err)
		}
		if p.password, err = expand(cfg.Password, n); err != nil {
			return nil, fmt.Errorf("password pattern: %w", err)
		}
		p.key = cfg.Keys.key(p.user)
	}
	return r, nil
}

// Len is the number of users.
func (r *Range) Len() int { return len(r.people) }

// Step is the time step of an instant.
func Step(now time.Time) int64 { return now.Unix() / int64(TimeStep/time.Second) }

// Visit is one login of one user, with a time step claimed for it. It is not safe for concurrent use.
type Visit struct {
	// Index is the user's place in the range, from 0.
	Index int

	who  *person
	step int64
}

// Next takes the next user of the circle and claims the current time step, or returns [ErrExhausted]
// when that user has used it.
func (r *Range) Next(now time.Time) (Visit, error) {
	i := int((r.next.Add(1) - 1) % uint64(len(r.people)))
	v := Visit{Index: i, who: &r.people[i], step: Step(now)}
	for {
		used := v.who.used.Load()
		if used >= v.step {
			return Visit{}, ErrExhausted
		}
		if v.who.used.CompareAndSwap(used, v.step) {
			return v, nil
		}
	}
}

// User is the name that the person types first.
func (v Visit) User() string { return v.who.user }

// Password is the person's password in the directory.
func (v Visit) Password() string { return v.who.password }

// Key is the user's TOTP key in base32, or empty when it is not known.
func (v Visit) Key() string { return v.who.key }

// SetKey makes key, in base32, the user's TOTP key. Each user is visited by one login at a time while
// keys are set.
func (v Visit) SetKey(key string) { v.who.key = key }

// Code returns the code of the current time step, or of the one that was claimed when another login
// of the same user has claimed the current one meanwhile. It returns an error when the user's key is
// not known or not base32.
func (v *Visit) Code(now time.Time) (string, error) {
	if v.who.key == "" {
		return "", errors.New("the user's key is not known")
	}
	if step := Step(now); step > v.step && v.who.used.CompareAndSwap(v.step, step) {
		v.step = step
	}
	return hotp.GenerateCodeCustom(v.who.key, uint64(v.step), hotp.ValidateOpts{Digits: otp.DigitsSix})
}

// Known calls f for every user whose key is known, in the order of the range.
func (r *Range) Known(f func(user, key string) error) error {
	for i := range r.people {
		if p := &r.people[i]; p.key != "" {
			if err := f(p.user, p.key); err != nil {
				return err
			}
		}
	}
	return nil
}
