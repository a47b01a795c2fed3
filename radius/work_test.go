package radius

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"sallyport/login"
)

func TestPanicCostsOneRequest(t *testing.T) {
	var log bytes.Buffer
	var asked int
	l := accepting(&asked)
	calm := l.begin
	l.begin = func(ctx context.Context, r login.Request) (login.Reply, error) {
		if r.Username == "mallory" {
			panic("cannot handle " + r.Password)
		}
		return calm(ctx, r)
	}
	b := newBench(t, l, func(c *Config, _ *Client) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	bad := request(t, 1, Message{Username: "mallory", Password: "canary-password"})
	replies := b.exchange(bad, request(t, 2, aliceMessage()))
	if len(replies) != 1 || asked != 1 {
		t.Errorf("asked %d times, %d replies", asked, len(replies))
	}
	b.wantDrops(t, DropPanic, 1)
	if entries, _ := b.duplicates.size(); entries != 1 {
		t.Errorf("%d entries in the cache, want the answered one", entries)
	}
	if got := log.String(); !strings.Contains(got, "work_test.go") || strings.Contains(got, "canary-password") {
		t.Errorf("the log has no stack, or the password: %s", got)
	}
}

func TestPanicOfTheReaderCostsOnePacket(t *testing.T) {
	var asked int
	l := accepting(&asked)
	l.vouch = func(string, string) bool { panic("vouch") }
	b := newBench(t, l, nil)
	b.exchange(request(t, 1, Message{State: "s"}), request(t, 2, aliceMessage()))
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	b.wantDrops(t, DropPanic, 1)
}

// delayed runs one request through a server with workers and the default delay, inside a bubble,
// and returns how long after its arrival the reply left.
func delayed(t *testing.T, l Logins) time.Duration {
	b := newBench(t, l, func(c *Config, _ *Client) { c.RejectDelay, c.Now = 0, time.Now })
	b.startWorkers()
	start := time.Now()
	b.put(request(t, 1, aliceMessage()))
	b.finish()
	if len(b.wire.at) != 1 {
		t.Fatalf("%d replies", len(b.wire.at))
	}
	return b.wire.at[0].Sub(start)
}

func TestRejectLeavesAfterItsDelay(t *testing.T) {
	for _, work := range []time.Duration{0, 300 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			l := &logins{begin: func(context.Context, login.Request) (login.Reply, error) {
				time.Sleep(work)
				return login.Reply{Message: "No."}, nil
			}}
			if took := delayed(t, l); took != time.Second {
				t.Errorf("after %v of work the Reject left after %v, want 1s", work, took)
			}
		})
	}
}

func TestAcceptLeavesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked int
		if took := delayed(t, accepting(&asked)); took != 0 {
			t.Errorf("the Accept left after %v", took)
		}
	})
}

// A thousand Rejects that wait for their time leave the two workers free.
func TestDelayedRejectsHoldNoWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked int
		b := newBench(t, &logins{begin: replying(&asked, login.Reply{Message: "No."})}, func(c *Config, _ *Client) {
			c.RejectDelay, c.Now, c.Workers, c.Queue = 0, time.Now, 1, 2000
		})
		b.startWorkers()
		for n := range 1000 {
			from := addrPort("192.0.2.7:1")
			b.receive(datagram{bytes: request(t, byte(n), aliceMessage()), from: netAddr(from, uint16(n)), socket: b.wire})
		}
		synctest.Wait()
		if st := b.Stats(); asked != 1000 || st.Delayed != 1000 || st.Queued != 0 || st.InFlight != 0 {
			t.Errorf("asked %d times, %+v", asked, st)
		}
		b.finish()
		if got := len(b.wire.replies()); got != 1000 {
			t.Errorf("%d replies", got)
		}
	})
}

func TestOutage(t *testing.T) {
	for rule, want := range map[Outage]int{OutageSilent: 0, OutageReject: 1} {
		calls := 0
		var log bytes.Buffer
		b := newBench(t, &logins{begin: outage(&calls)}, func(cfg *Config, c *Client) {
			c.OnOutage, cfg.Logger = rule, slog.New(slog.NewTextHandler(&log, nil))
		})
		packet := request(t, 1, aliceMessage())
		replies := b.exchange(packet)
		if len(replies) != want {
			t.Fatalf("rule %d: %d replies, want %d", rule, len(replies), want)
		}
		if got := log.String(); !strings.Contains(got, "trace=0123456789abcdef") || !strings.Contains(got, errDirectoryGone.Error()) {
			t.Errorf("rule %d: the log does not lead to the login, or lacks the cause: %s", rule, got)
		}
		if want == 0 {
			b.wantDrops(t, DropOutage, 1)
		} else if r := open(t, packet, replies[0]); r.Verdict != login.Reject || r.Message == "" {
			t.Errorf("the reply is %v %q", r.Verdict, r.Message)
		}
	}
}

// A login that was shed is nobody's fault to repair.
func TestShedLoginIsNoOutage(t *testing.T) {
	var log bytes.Buffer
	full := &logins{begin: func(context.Context, login.Request) (login.Reply, error) {
		return login.Reply{}, &login.UnavailableError{Code: login.CodeRateLimited, Err: login.ErrFull, Trace: "0123456789abcdef"}
	}}
	b := newBench(t, full, func(cfg *Config, c *Client) { cfg.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	if replies := b.exchange(request(t, 1, aliceMessage())); len(replies) != 0 {
		t.Fatalf("%d replies", len(replies))
	}
	b.wantDrops(t, DropShed, 1)
	if got := log.String(); !strings.Contains(got, "level=WARN") || strings.Contains(got, "level=ERROR") {
		t.Errorf("logged: %s", got)
	}
}

// A login that cannot end in time would be reported as an outage of a back end that is well.
func TestJobWithHardlyAnyTimeLeftIsExpired(t *testing.T) {
	for left, want := range map[time.Duration]int{leastTime: 1, leastTime - 1: 0} {
		calls := 0
		b := newBench(t, accepting(&calls), nil)
		b.put(request(t, 1, aliceMessage()))
		b.clock.advance(b.cfg.Deadline - left)
		if b.serveAll(); calls != want {
			t.Errorf("with %v left Logins were asked %d times, want %d", left, calls, want)
		}
		if want == 0 {
			b.wantDrops(t, DropExpired, 1)
		}
	}
}

func TestLoginGetsTheRestOfTheDeadline(t *testing.T) {
	var left time.Duration
	b := newBench(t, &logins{begin: func(ctx context.Context, _ login.Request) (login.Reply, error) {
		at, _ := ctx.Deadline()
		left = time.Until(at)
		return login.Reply{}, ctx.Err()
	}}, nil)
	b.put(request(t, 1, aliceMessage()))
	b.clock.advance(3 * time.Second)
	b.serveAll()
	if left <= 0 || left > time.Second {
		t.Errorf("%v were left, want at most the 1s of 4 that remained", left)
	}
}

func TestStatusServer(t *testing.T) {
	serving := errDirectoryGone
	b := newBench(t, &logins{}, func(c *Config, _ *Client) {
		c.CanServe = func(client Client) error {
			if client.Name != "vpn" {
				return nil
			}
			return serving
		}
	})
	probe := request(t, 1, Message{Status: true, NASIdentifier: "checker"})
	if replies := b.exchange(probe); len(replies) != 0 {
		t.Error("Status-Server was answered while the client cannot be served")
	}
	b.wantDrops(t, DropNotServing, 1)
	serving = nil
	replies := b.exchange(probe, probe)
	if len(replies) != 2 {
		t.Fatalf("%d replies to two probes: each is answered anew", len(replies))
	}
	if r := open(t, probe, replies[0]); r.Verdict != login.Accept || len(r.Packet.Attributes) != 1 {
		t.Errorf("the answer is %v with %d attributes", r.Verdict, len(r.Packet.Attributes))
	}
	if entries, _ := b.duplicates.size(); entries != 0 || len(b.learner.todo) != 0 || b.vpn().Statuses != 2 {
		t.Errorf("%d cached, %d learned, counted %+v", entries, len(b.learner.todo), b.vpn())
	}
}

// A monitor must not starve logins: its probes wait their turn, and only so many are asked about.
func TestStatusServerGoesBehindLogins(t *testing.T) {
	var order []string
	l := &logins{
		begin: func(context.Context, login.Request) (login.Reply, error) {
			order = append(order, "login")
			return login.Reply{}, nil
		},
		vouch: func(string, string) bool { return true },
	}
	b := newBench(t, l, func(c *Config, _ *Client) {
		c.CanServe = func(Client) error { order = append(order, "status"); return nil }
	})
	probe := handmade(t, codec.CodeStatusServer, 2, unsignedMA(), avp(rfc2865.State_Type, "vouched for"))
	b.exchange(request(t, 1, aliceMessage()), probe)
	if want := []string{"login", "status"}; !slices.Equal(order, want) {
		t.Errorf("served %v, want %v", order, want)
	}
}

func TestStatusServerIsLimitedForEachClient(t *testing.T) {
	asked := 0
	b := newBench(t, &logins{}, func(c *Config, _ *Client) {
		c.CanServe = func(Client) error { asked++; return nil }
	})
	probe := func(port uint16) {
		b.receive(datagram{bytes: request(t, 1, Message{Status: true}), from: netAddr(testFrom, port), socket: b.wire})
		b.serveAll()
	}
	for range statusBurst + 5 {
		probe(1)
	}
	if asked != statusBurst {
		t.Errorf("asked %d times from one port, want %d", asked, statusBurst)
	}
	b.wantDrops(t, DropStatusLimit, 5)
	for port := range uint16(200) {
		probe(2 + port)
	}
	if asked != allStatusBurst {
		t.Errorf("asked %d times from all ports, want %d", asked, allStatusBurst)
	}
	b.clock.advance(time.Second)
	if probe(1); asked != allStatusBurst+1 {
		t.Errorf("asked %d times, a second later", asked)
	}
}

func TestUnsignedStatusServerIsDropped(t *testing.T) {
	b := newBench(t, &logins{}, func(_ *Config, c *Client) { c.MessageAuthenticator = RuleOptional })
	b.exchange(handmade(t, 12, 1))
	b.wantDrops(t, DropUnsigned, 1)
}

func TestOutageIsNamedForUIClients(t *testing.T) {
	for _, code := range []login.Code{login.CodeDirectoryUnavail, login.CodeClusterUnavailable, login.CodeRateLimited} {
		err := &login.UnavailableError{Code: code, Err: errDirectoryGone}
		l := &logins{begin: func(context.Context, login.Request) (login.Reply, error) { return login.Reply{}, err }}
		b := newBench(t, l, func(_ *Config, c *Client) { c.OnOutage, c.UI = OutageReject, true })
		packet := request(t, 1, aliceMessage())
		r := open(t, packet, b.exchange(packet)[0])
		if want := login.Outage(err); r.Verdict != login.Reject || r.Code != code || r.Message != want.Message {
			t.Errorf("%s: %v %s %q, want %q", code, r.Verdict, r.Code, r.Message, want.Message)
		}
	}
}

// Whatever happens to a packet, nothing secret of it reaches the log.
func TestLogHoldsNoSecrets(t *testing.T) {
	canaries := []string{"canary-password", "canary-state", "canary-key", "canary-uri", testSecret.Reveal()}
	reply := login.Reply{
		Verdict: login.Challenge, Message: "Code: ", State: "canary-state",
		Prompt: login.Prompt{SecretKey: "canary-key", OTPAuthURI: "canary-uri"},
	}
	for name, begin := range map[string]func(context.Context, login.Request) (login.Reply, error){
		"challenge": func(context.Context, login.Request) (login.Reply, error) { return reply, nil },
		"outage":    func(context.Context, login.Request) (login.Reply, error) { return reply, errDirectoryGone },
		"panic":     func(_ context.Context, r login.Request) (login.Reply, error) { panic(r) },
		"unusable": func(context.Context, login.Request) (login.Reply, error) {
			long := reply
			long.Factor = strings.Repeat("f", 300)
			return long, nil
		},
	} {
		var log bytes.Buffer
		b := newBench(t, &logins{begin: begin, resume: func(_ context.Context, a login.Answer) (login.Reply, error) { panic(a) }},
			func(c *Config, cl *Client) {
				c.Logger, cl.UI = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), true
			})
		first := request(t, 1, Message{Username: "alice", Password: "canary-password"})
		b.exchange(first, first, first[:30], request(t, 2, Message{State: "canary-state", Password: "canary-password"}))
		forged := slices.Clone(first)
		forged[25]++
		b.exchange(forged)
		text := log.String() + fmt.Sprintf("%+v", b.clients.Load().find(testFrom.Addr()).Client)
		for _, canary := range canaries {
			if strings.Contains(text, canary) {
				t.Errorf("%s: the log holds %q: %s", name, canary, text)
			}
		}
		if !strings.Contains(text, string(DropBadSignature)) {
			t.Errorf("%s: the log lacks the forged packet: %s", name, text)
		}
	}
}
