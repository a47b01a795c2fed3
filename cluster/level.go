package cluster

import (
	"errors"
	"fmt"
	"sync/atomic"

	"sallyport/cluster/state"
)

// outgrown keeps a state that has a higher feature level than this program knows as it was: nothing more
// is applied, and no snapshot is taken, so that a newer program finds everything. The zero value is a
// state that is known.
type outgrown struct {
	err atomic.Pointer[ConfigError]
	// tell is called once, when it happens; nil is nobody.
	tell func(error)
}

// error is why nothing is applied, nil while all is well.
func (o *outgrown) error() error {
	if err := o.err.Load(); err != nil {
		return err
	}
	return nil
}

// restored looks at the outcome of a restore.
func (o *outgrown) restored(err error) error {
	var level *state.LevelError
	if !errors.As(err, &level) {
		return err
	}
	o.happen(level)
	return o.error()
}

// applied looks at the state after an entry.
func (o *outgrown) applied(v state.View) {
	if level := v.Level(); level > state.Level {
		o.happen(&state.LevelError{Have: level, Know: state.Level})
	}
}

func (o *outgrown) happen(level *state.LevelError) {
	err := &ConfigError{fmt.Errorf("this sallyport is too old for its data: %w", level)}
	if o.err.CompareAndSwap(nil, err) && o.tell != nil {
		o.tell(err)
	}
}
