package radius

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/login"
)

// crowd is a server with several clients, each one address, inside a bubble.
type crowd struct {
	*bench
	mu sync.Mutex
	// answered is how long after its arrival each packet was answered, by client and in order of arrival.
	answered map[string][]time.Duration
	sent     map[netip.AddrPort]time.Time
}

func newCrowd(t *testing.T, clients []string, l *logins) *crowd {
	c := &crowd{answered: make(map[string][]time.Duration), sent: make(map[netip.AddrPort]time.Time)}
	c.bench = newBench(t, l, func(cfg *Config, first *Client) {
		cfg.Now, cfg.Workers, cfg.Queue, cfg.Logger = time.Now, 0, 0, slog.New(slog.DiscardHandler)
		for i, name := range clients[1:] {
			other := *first
			other.Name, other.Addresses = name, []netip.Prefix{netip.PrefixFrom(crowdAddr(i+1), 32)}
			cfg.Clients = append(cfg.Clients, other)
		}
		first.Name, first.Addresses = clients[0], []netip.Prefix{netip.PrefixFrom(crowdAddr(0), 32)}
	})
	c.startWorkers()
	return c
}

func crowdAddr(n int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(n)}) }

// ask lets a packet of the n-th client arrive from a port of its own.
func (c *crowd) ask(n int, port uint16, packet []byte) {
	from := netip.AddrPortFrom(crowdAddr(n), port)
	c.mu.Lock()
	c.sent[from] = time.Now()
	c.mu.Unlock()
	c.receive(datagram{bytes: packet, from: from, socket: c})
}

// send makes the crowd the socket: it notes how long the answer took.
func (c *crowd) send(_ []byte, to netip.AddrPort, _ netip.Addr) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := c.clients.Load().find(to.Addr()).Name
	c.answered[name] = append(c.answered[name], time.Since(c.sent[to]))
	return nil
}

// S9: one client or several at 4,000 a second each, whose logins hang or fail at once, whether new or with a
// State that we have sealed: of a quiet client every login is answered, within a second.
func TestS9AQuietClientBesideAFlood(t *testing.T) {
	const floods, perSecond, seconds = 3, 4000, 2
	for name, tt := range map[string]struct {
		takes time.Duration
		state string
	}{
		"logins that hang":                {takes: 4 * time.Second},
		"answers that hang":               {takes: 4 * time.Second, state: "ours"},
		"logins on a slow directory":      {takes: 300 * time.Millisecond},
		"junk that is refused in no time": {},
	} {
		for busy := 1; busy <= floods; busy += floods - 1 {
			t.Run(fmt.Sprintf("%s/%d", name, busy), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					judge := func(ctx context.Context, client string) (login.Reply, error) {
						takes := tt.takes
						if client == "quiet" {
							takes = 100 * time.Millisecond
						}
						select {
						case <-time.After(takes):
							return login.Reply{Verdict: login.Accept, Message: "Welcome."}, nil
						case <-ctx.Done():
							return login.Reply{}, ctx.Err()
						}
					}
					c := newCrowd(t, []string{"quiet", "a", "b", "c"}, &logins{
						begin:  func(ctx context.Context, r login.Request) (login.Reply, error) { return judge(ctx, r.Client) },
						resume: func(ctx context.Context, a login.Answer) (login.Reply, error) { return judge(ctx, a.Client) },
						vouch:  func(state, _ string) bool { return state == "ours" },
					})
					quiet := 0
					for n := range perSecond * seconds {
						time.Sleep(time.Second / perSecond)
						for flood := 1; flood <= busy; flood++ {
							c.ask(flood, uint16(n), request(t, byte(n), Message{Username: strconv.Itoa(n), Password: "p", State: tt.state}))
						}
						if n%(perSecond/10) == perSecond/20 {
							quiet++
							c.ask(0, uint16(n), request(t, byte(n), aliceMessage()))
						}
					}
					c.finish()
					within := 0
					for _, took := range c.answered["quiet"] {
						if took <= time.Second {
							within++
						}
					}
					if within*100 < quiet*99 {
						t.Errorf("%d of %d logins of the quiet client were answered within a second, %d at all", within, quiet, len(c.answered["quiet"]))
					}
					if drops := c.Stats().Clients["a"].Dropped; tt.takes > 0 && drops[DropQueueFull]+drops[DropExpired]+drops[DropOutage] == 0 {
						t.Errorf("the flood was no flood: %v", drops)
					}
					if drops := c.Stats().Clients["quiet"].Dropped; len(drops) > 0 {
						t.Errorf("of the quiet client were dropped %v", drops)
					}
				})
			})
		}
	}
}

// S9: when there is no room, the client that has most waiting loses its oldest, new logins before answers.
func TestS9WhatHasNoRoomIsOfWhoHasMost(t *testing.T) {
	q := newQueue[*job](4, 8)
	var a, b []*job
	for i := range 6 {
		a = append(a, &job{client: vpn, arrived: time.Unix(int64(i), 0)})
		b = append(b, &job{client: wlan, arrived: time.Unix(int64(i), 0)})
	}
	for i, step := range []struct {
		j         *job
		preferred bool
		gaveWay   *job
	}{
		{a[0], true, nil}, {a[1], false, nil}, {a[2], false, nil}, {a[3], true, nil},
		{b[0], false, a[1]}, // not the answers
		{b[1], false, a[2]},
		{b[2], false, b[0]}, // two each: its own
		{a[4], false, a[4]}, // its own, and only answers wait
		{b[3], true, b[1]},
	} {
		if got := q.push(step.j, step.preferred); got != step.gaveWay {
			t.Errorf("push %d: the wrong job gave way", i)
		}
	}
	for i, want := range []*job{a[0], b[3], a[3], b[2]} {
		if got := q.pop(); got != want {
			t.Errorf("job %d is not the one whose turn it is", i)
		}
	}
}

// S9: accounting too: of a client that waits beside a flood, each record is the next but one.
func TestS9AccountingOfAQuietClientBesideAFlood(t *testing.T) {
	b, k := accountingBench(t, func(cfg *Config, c *Client) {
		other := *c
		other.Name, other.Addresses = "quiet", []netip.Prefix{netip.MustParsePrefix("198.51.100.9/32")}
		cfg.Clients = append(cfg.Clients, other)
	})
	arrive := func(from string, session string) {
		b.accounting.receive(datagram{bytes: start(t, 1, session), from: addrPort(from), socket: b.wire})
	}
	for n := range 2 * accountingQueue {
		arrive("192.0.2.7:40000", strconv.Itoa(n))
	}
	for n := range 20 {
		arrive("198.51.100.9:40000", fmt.Sprint("quiet ", n))
	}
	for range 2 * 20 {
		b.accounting.serve(b.accounting.queue.pop())
	}
	quiet := 0
	for _, r := range k.records {
		if r.Client == "quiet" {
			quiet++
		}
	}
	stats := b.Stats().Accounting
	if quiet != 20 || len(stats["quiet"].Dropped) > 0 || stats["vpn"].Dropped[DropQueueFull] != accountingQueue+20 {
		t.Errorf("%d records of the quiet client; dropped %v of it, %v of the flood", quiet, stats["quiet"].Dropped, stats["vpn"].Dropped)
	}
}

// S9: the workers of one client are never all of them, and a place that is free again wakes who waits.
func TestS9OneClientNeverHasAllWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan bool)
		l := &logins{begin: func(context.Context, login.Request) (login.Reply, error) {
			<-hold
			return login.Reply{Verdict: login.Accept, Message: "Welcome."}, nil
		}}
		c := newCrowd(t, []string{"quiet", "flood"}, l)
		const asked = 1000
		for n := range asked {
			c.ask(1, uint16(n), request(t, byte(n), Message{Username: strconv.Itoa(n), Password: "p"}))
		}
		synctest.Wait()
		if got := c.inFlight.Load(); got != 192 {
			t.Errorf("one client has %d of 256 workers, want 192", got)
		}
		c.ask(0, 1, request(t, 1, aliceMessage()))
		synctest.Wait()
		if got := c.inFlight.Load(); got != 193 {
			t.Errorf("%d in flight, want one of the quiet client", got)
		}
		close(hold)
		c.finish()
		if n := len(c.answered["flood"]); n != asked || len(c.answered["quiet"]) != 1 {
			t.Errorf("%d answers", n)
		}
	})
}
