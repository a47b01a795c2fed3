package engine

import (
	"sync/atomic"
	"time"

	"sallyport/e2e/load/internal/people"
)

// nextInCircle walks through the range for ever, until somebody's time step is used up.
func (e *Engine) nextInCircle(now time.Time) (people.Visit, bool) {
	v, err := e.cfg.People.Next(now)
	if err != nil {
		e.exhausted.Store(true)
		e.nobodyLeft()
		return people.Visit{}, false
	}
	return v, true
}

// nextUnknown returns a source that gives everyone once, except those whose key is known.
func (e *Engine) nextUnknown() func(time.Time) (people.Visit, bool) {
	var turn atomic.Int64
	return func(now time.Time) (people.Visit, bool) {
		for turn.Add(1) <= int64(e.cfg.People.Len()) {
			if v, err := e.cfg.People.Next(now); err == nil && v.Key() == "" {
				return v, true
			}
		}
		e.nobodyLeft()
		return people.Visit{}, false
	}
}

func (e *Engine) nobodyLeft() { e.leave.Do(func() { close(e.left) }) }
