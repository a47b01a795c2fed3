package email

import (
	"context"
	"sync"
)

// ServerCheck is what a trial of one server told.
type ServerCheck struct {
	// Server is its URL with the port.
	Server string
	// TLS is the version agreed on ("TLS 1.3"), Mechanism that of AUTH; "" for none.
	TLS, Mechanism string
	// Err is nil when the server would be handed a message now. It quotes no secret, and no
	// address.
	Err error
}

// Check tries every server as far as AUTH, all at once, and sends nothing. The answers have the order
// of the configuration. Nothing is learned from it for later messages.
func (f *Factor) Check(ctx context.Context) []ServerCheck {
	checks := make([]ServerCheck, len(f.servers))
	var wg sync.WaitGroup
	for i, s := range f.servers {
		wg.Go(func() { checks[i] = s.check(ctx) })
	}
	wg.Wait()
	return checks
}

func (s *server) check(ctx context.Context) ServerCheck {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	c := ServerCheck{Server: s.String()}
	on, failed := s.open(ctx)
	if failed != nil {
		c.Err = failed
		return c
	}
	defer on.close()
	c.TLS, c.Mechanism = on.version, on.mechanism
	return c
}
