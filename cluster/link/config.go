package link

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

const (
	defaultFrame    = 64 << 20
	defaultSnapshot = 16 << 30
)

// Config says how a node's port works. Listen, Identity and Admit are required; a zero value elsewhere
// means the default.
type Config struct {
	// Listen is the TCP address, as in [net.Listen].
	Listen string
	// Identity is what this node shows to others, and whose authority it trusts.
	Identity Identity
	// Admit returns nil when the peer is a member now, and says why not otherwise. It is asked at every
	// handshake in both directions, on many goroutines at once, and by [Link.Recheck]. It is never
	// asked about callers of class [Join], which are unknown.
	Admit func(Class, Peer) error
	// Frame is how many octets of raft may arrive at once before they are answered, or as an answer: a
	// message; 64 MiB by default. Snapshot is the same for a message that brings a snapshot; 16 GiB by
	// default. A connection on which more arrive is cut.
	Frame, Snapshot int64
	// Logger gets what an administrator may want to know. Nil discards it.
	Logger *slog.Logger
	// Now is the time by which certificates are judged; nil means time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	if c.Frame == 0 {
		c.Frame = defaultFrame
	}
	if c.Snapshot == 0 {
		c.Snapshot = defaultSnapshot
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Validate returns every fault of the configuration at once.
func (c Config) Validate() error {
	var faults []error
	if c.Listen == "" {
		faults = append(faults, errors.New("cluster port: no address; set listen under [cluster]"))
	}
	if c.Admit == nil {
		faults = append(faults, errors.New("cluster port: nothing says who is a member"))
	}
	if c.Frame < 0 || c.Snapshot < 0 {
		faults = append(faults, fmt.Errorf("cluster port: a bound is negative: %d, %d", c.Frame, c.Snapshot))
	}
	return errors.Join(append(faults, c.Identity.Check())...)
}
