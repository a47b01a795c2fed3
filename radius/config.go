package radius

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"sallyport/login"
)

// Config is what a [Server] needs to know.
type Config struct {
	// Listen are the addresses to serve, as "192.0.2.1:1812", "0.0.0.0:1812" or "[::]:1812". The
	// last two are all addresses of their family; replies leave from the address that was asked.
	// Port 0 takes a free one.
	Listen  []string
	Clients []Client
	// Accounting is about Accounting-Requests, from the same clients with the same secrets.
	Accounting Accounting
	// Workers is how many logins are asked at once, Queue how many packets may wait for a worker.
	// Zero means 256 and 4096. One client has at most three quarters of the workers.
	Workers, Queue int
	// Deadline is how long after its arrival the answer to a packet is of use. A packet that has
	// waited until less than 100 ms are left is dropped, and a login is given no more time than this.
	// Zero means 4 seconds: most clients wait 3 to 5.
	Deadline time.Duration
	// RejectDelay is how long after the request an Access-Reject leaves at the earliest, so that
	// all refusals take the same time. Zero means 1 second, negative none.
	RejectDelay time.Duration
	// CacheFor is how long replies are kept for duplicates (RFC 5080 §2.2.2: 5 to 30 seconds). Zero
	// means 30 seconds. The cache takes at most 64 MiB; when it is full, the oldest reply goes early. A
	// packet that was answered is not judged again for an hour, whether its reply is kept or not.
	CacheFor time.Duration
	// VendorID is the vendor of the Sallyport attributes. Zero means 32473.
	VendorID uint32
	// Logger takes the log; nil means none.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Tag makes the keyed hash that names a packet whichever node it reaches; nil means none.
	Tag func(parts ...[]byte) login.Tag
	// CanServe returns why this node cannot serve the client now. Status-Server is answered only
	// while it returns nil. Nil means that it always can.
	CanServe func(client Client) error
	// Refused receives one event for each Access-Request that was refused without asking [Logins],
	// because it can be no login. It is called before the reply is sent, by many workers at once. Nil
	// means that nobody listens.
	Refused func(login.Event)
}

// Defaults of [Config].
const (
	defaultWorkers     = 256
	defaultQueue       = 4096
	defaultDeadline    = 4 * time.Second
	defaultRejectDelay = time.Second
	defaultCacheFor    = 30 * time.Second
	// DefaultVendorID is reserved for documentation (RFC 5612).
	DefaultVendorID = 32473
)

func (c Config) withDefaults() Config {
	c.Workers = orDefault(c.Workers, defaultWorkers)
	c.Queue = orDefault(c.Queue, defaultQueue)
	c.Deadline = orDefault(c.Deadline, defaultDeadline)
	c.RejectDelay = orDefault(c.RejectDelay, defaultRejectDelay)
	c.CacheFor = orDefault(c.CacheFor, defaultCacheFor)
	c.VendorID = orDefault(c.VendorID, DefaultVendorID)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Tag == nil {
		c.Tag = func(...[]byte) login.Tag { return login.Tag{} }
	}
	if c.CanServe == nil {
		c.CanServe = func(Client) error { return nil }
	}
	if c.Refused == nil {
		c.Refused = func(login.Event) {}
	}
	if c.Accounting.Record == nil {
		c.Accounting.Record = func(context.Context, AccountingRecord) error {
			return errors.New("nothing records accounting")
		}
	}
	return c
}

func orDefault[T comparable](v, standard T) T {
	var zero T
	if v == zero {
		return standard
	}
	return v
}

// Validate reports every fault, joined. Those of Listen begin with its key of the configuration and a
// colon; those of the clients with the client's name.
func (c Config) Validate() error {
	c = c.withDefaults()
	addrs, listenErr := parseListen("listen", c.Listen)
	_, clientsErr := newTable(c.Clients, &tally{}, c.VendorID)
	err := errors.Join(listenErr, c.Accounting.validate(addrs), clientsErr)
	if c.Workers < 0 || c.Queue < 0 || c.CacheFor < 0 {
		err = errors.Join(err, errors.New("radius: workers, queue and cache time cannot be negative"))
	}
	if c.Deadline < leastTime {
		err = errors.Join(err, fmt.Errorf("radius: a deadline of %v is too short for any login: use at least %v", c.Deadline, leastTime))
	}
	return err
}
