package email

import (
	"context"
	"errors"
	"slices"

	"sallyport/factors/internal/reach"
	"sallyport/login"
)

// deliver hands a message to the first server that takes it, and goes on trying what may pass until
// ctx ends. It returns the server that decided; the error is a [login.SendError].
func (f *Factor) deliver(ctx context.Context, e envelope) (string, error) {
	left := slices.Clone(f.servers)
	var last *login.SendError
	for pauses := (reach.Pauses{}); ; {
		for _, s := range inOrder(left) {
			failed := s.submit(ctx, e)
			if failed == nil {
				return s.String(), nil
			}
			if ctx.Err() != nil && last != nil && errors.Is(failed, errStuck) {
				return last.Server, last // what was said before tells more than the end of our patience
			}
			last = &login.SendError{Server: s.String(), Permanent: failed.kind == refused, Err: failed}
			switch failed.kind {
			case refused:
				return last.Server, last
			case faulty: // asking again would only use up attempts to log in
				left = slices.DeleteFunc(left, func(other *server) bool { return other == s })
			}
		}
		last.Permanent = len(left) == 0
		if last.Permanent || !pauses.Wait(ctx, 0) {
			return last.Server, last
		}
	}
}

// inOrder returns the servers in the order in which to try them: those that failed of late come last.
func inOrder(servers []*server) []*server {
	var order, resting []*server
	for _, s := range servers {
		if s.upFront() {
			order = append(order, s)
		} else {
			resting = append(resting, s)
		}
	}
	return append(order, resting...)
}
