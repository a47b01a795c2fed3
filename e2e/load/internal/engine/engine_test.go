package engine

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"sallyport/e2e/load/internal/people"
	"sallyport/e2e/load/internal/radiustest"
)

func unmarked() {}

func config(f *radiustest.Server, change func(*Config)) Config {
	cfg := Config{
		Servers: []netip.AddrPort{f.Addr()}, Secret: []byte(radiustest.Secret), NASIdentifier: "load", Ports: 4,
		Timeout: 2 * time.Second, Tries: 3, Strict: true, Now: time.Now,
	}
	if change != nil {
		change(&cfg)
	}
	return cfg
}

// users makes a range of user0000 and on.
func users(t *testing.T, count int, password string, keys people.Keys) *people.Range {
	t.Helper()
	r, err := people.New(people.Config{Count: count, User: "user%04d", Password: password, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func newEngine(t *testing.T, f *radiustest.Server, r *people.Range, change func(*Config)) *Engine {
	t.Helper()
	cfg := config(f, change)
	cfg.People = r
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestClosedLoopLogsEveryoneInOnce(t *testing.T) {
	f := radiustest.Start(t, nil)
	e := newEngine(t, f, users(t, 300, "password", people.Keys{Shared: radiustest.Key}), nil)
	marks := 0
	got, err := e.Closed(context.Background(), 16, Plan{Duration: 20 * time.Second, Mark: func() { marks++ }})
	if err != nil {
		t.Fatal(err)
	}
	// A time step may end in the middle, and everyone's second code be used.
	if n := got.Tally.Accepted; !got.Exhausted || n < 300 || n != got.Tally.Started || got.Tally.Rejected+got.Tally.Lost != 0 {
		t.Errorf("exhausted %v, %d accepted of %d, rejected %v, %d lost",
			got.Exhausted, n, got.Tally.Started, got.Tally.Reasons, got.Tally.Lost)
	}
	f.Stop()
	for userAndCode, n := range f.Codes {
		if n != 1 {
			t.Errorf("%s was sent %d times", userAndCode, n)
		}
	}
	if len(f.Ports) != 4 {
		t.Errorf("%d source ports, want 4", len(f.Ports))
	}
	if got.Tally.Login.Count() != got.Tally.Accepted || got.Tally.Login.Max() < got.Tally.Code.Max() || marks != 2 {
		t.Errorf("%d logins timed, login %v, code %v, %d marks", got.Tally.Login.Count(), got.Tally.Login.Max(), got.Tally.Code.Max(), marks)
	}
}

func TestTheLoginsOfAPortGoToOneOfTheServers(t *testing.T) {
	f, g := radiustest.Start(t, nil), radiustest.Start(t, nil)
	e := newEngine(t, f, users(t, 200, "password", people.Keys{Shared: radiustest.Key}), func(c *Config) {
		c.Servers = append(c.Servers, g.Addr())
	})
	got, err := e.Closed(t.Context(), 16, Plan{Duration: 20 * time.Second, Mark: unmarked})
	if err != nil {
		t.Fatal(err)
	}
	f.Stop()
	g.Stop()
	if got.Tally.Accepted < 200 || got.Tally.Rejected != 0 || len(f.Ports) != 2 || len(g.Ports) != 2 {
		t.Errorf("%d accepted, rejected %v; %d and %d source ports", got.Tally.Accepted, got.Tally.Reasons, len(f.Ports), len(g.Ports))
	}
}

func TestALostDatagramIsSentAgainOctetForOctet(t *testing.T) {
	f := radiustest.Start(t, func(f *radiustest.Server) { f.Drop = func(n int) bool { return n == 1 } })
	e := newEngine(t, f, users(t, 20, "password", people.Keys{Shared: radiustest.Key}), func(c *Config) { c.Timeout = 30 * time.Millisecond })
	got, err := e.Closed(context.Background(), 20, Plan{Mark: unmarked})
	if err != nil {
		t.Fatal(err)
	}
	if got.Tally.Accepted < 20 || got.Tally.Lost != 0 {
		t.Errorf("%d accepted, %d lost", got.Tally.Accepted, got.Tally.Lost)
	}
	if got.Tally.Retransmissions < 40 || f.Times(1) != 0 {
		t.Errorf("%d retransmissions, %d datagrams were seen once only", got.Tally.Retransmissions, f.Times(1))
	}
	if got.Tally.Login.Quantile(0.01) < 50*time.Millisecond {
		t.Errorf("a login that waited twice took %v", got.Tally.Login.Quantile(0.01))
	}
}

func TestSilenceIsALostLogin(t *testing.T) {
	f := radiustest.Start(t, func(f *radiustest.Server) { f.Drop = func(int) bool { return true } })
	e := newEngine(t, f, users(t, 5, "password", people.Keys{Shared: radiustest.Key}), func(c *Config) { c.Timeout, c.Tries = 10*time.Millisecond, 2 })
	got, err := e.Closed(context.Background(), 5, Plan{Mark: unmarked})
	if err != nil {
		t.Fatal(err)
	}
	if got.Tally.Accepted != 0 || got.Tally.Lost != got.Tally.Started || got.Tally.Lost < 5 || got.Tally.Retransmissions != got.Tally.Lost {
		t.Errorf("started %d, lost %d, retransmissions %d", got.Tally.Started, got.Tally.Lost, got.Tally.Retransmissions)
	}
	if f.Times(2) != int(got.Tally.Lost) {
		t.Errorf("%d datagrams were sent twice, want %d", f.Times(2), got.Tally.Lost)
	}
}

func TestNobodyListeningIsCounted(t *testing.T) {
	f := radiustest.Start(t, nil)
	f.Stop()
	e := newEngine(t, f, users(t, 5, "password", people.Keys{Shared: radiustest.Key}), func(c *Config) {
		c.Timeout, c.Tries, c.Ports = 10*time.Millisecond, 2, 1
	})
	got, err := e.Closed(context.Background(), 1, Plan{Mark: unmarked})
	if err != nil || got.Tally.SendErrors == 0 || got.Tally.Lost < 5 {
		t.Errorf("%v: %d send errors, %d lost", err, got.Tally.SendErrors, got.Tally.Lost)
	}
}

func TestRefusalsAreCountedByTheirWords(t *testing.T) {
	for name, test := range map[string]struct {
		password, key string
		respond       func(request, reply *radius.Packet) *radius.Packet
		want          string
	}{
		"wrong password": {"not it", radiustest.Key, nil, "password: Access-Reject: Wrong password."},
		"wrong code":     {"password", "AAAAAAAAAAAAAAAA", nil, "code: Access-Reject: Wrong code."},
		"no key":         {"password", "", nil, "no code: the user's key is unknown or not base32"},
		"no second step": {"password", radiustest.Key, func(request, _ *radius.Packet) *radius.Packet {
			return radiustest.Reply(request, radius.CodeAccessAccept, "", "")
		}, "password: Access-Accept without a challenge"},
		"no State": {"password", radiustest.Key, func(request, _ *radius.Packet) *radius.Packet {
			return radiustest.Reply(request, radius.CodeAccessChallenge, radiustest.Prompt, "")
		}, "password: a challenge without State"},
		"asked again": {"password", radiustest.Key, func(request, r *radius.Packet) *radius.Packet {
			if r.Code == radius.CodeAccessAccept {
				return radiustest.Reply(request, radius.CodeAccessChallenge, "Again: ", "state")
			}
			return r
		}, "code: Access-Challenge again: Again: "},
	} {
		t.Run(name, func(t *testing.T) {
			f := radiustest.Start(t, func(f *radiustest.Server) {
				if test.respond != nil {
					f.Respond = test.respond
				}
			})
			e := newEngine(t, f, users(t, 3, test.password, people.Keys{Shared: test.key}), nil)
			got, err := e.Closed(context.Background(), 3, Plan{Mark: unmarked})
			if err != nil {
				t.Fatal(err)
			}
			if got.Tally.Rejected != got.Tally.Started || got.Tally.Rejected < 3 || got.Tally.Reasons[test.want] != got.Tally.Rejected {
				t.Errorf("%d started, reasons %v, want %q", got.Tally.Started, got.Tally.Reasons, test.want)
			}
		})
	}
}

func TestRepliesThatDoNotVerifyAreAsIfNeverCome(t *testing.T) {
	forged := map[string]bool{}
	f := radiustest.Start(t, func(f *radiustest.Server) {
		f.Respond = func(request, r *radius.Packet) *radius.Packet {
			if key := string(request.Authenticator[:]); !forged[key] {
				forged[key] = true
				r.Secret = []byte("another secret")
			}
			return r
		}
	})
	e := newEngine(t, f, users(t, 3, "password", people.Keys{Shared: radiustest.Key}), func(c *Config) { c.Timeout = 20 * time.Millisecond })
	got, err := e.Closed(context.Background(), 3, Plan{Mark: unmarked})
	if err != nil || got.Tally.Accepted < 3 || got.Tally.Bad < 6 || got.Tally.Accepted != got.Tally.Started {
		t.Errorf("%v: %d accepted of %d, %d bad replies", err, got.Tally.Accepted, got.Tally.Started, got.Tally.Bad)
	}
}

func TestOpenLoopChargesTheServerForItsStalls(t *testing.T) {
	const stall = 300 * time.Millisecond
	stalled := false
	f := radiustest.Start(t, func(f *radiustest.Server) {
		f.Respond = func(_, r *radius.Packet) *radius.Packet {
			if !stalled {
				stalled = true
				<-time.After(stall)
			}
			return r
		}
	})
	e := newEngine(t, f, users(t, 1000, "password", people.Keys{Shared: radiustest.Key}), nil)
	got, err := e.Open(context.Background(), Arrivals{Rate: 200, Constant: true}, Plan{Duration: 600 * time.Millisecond, Mark: unmarked})
	if err != nil {
		t.Fatal(err)
	}
	// 200/s for 0.6 s; a slow machine may start fewer, never more than meant.
	if n := got.Tally.Started; n > 121 || n < 60 || got.Tally.Accepted != n {
		t.Errorf("%d started, %d accepted, want about 120", n, got.Tally.Accepted)
	}
	// Half of the logins were meant to start while the server stalled, 150 ms before its end on average.
	if p75 := got.Tally.Login.Quantile(0.75); p75 < stall/4 {
		t.Errorf("p75 = %v: the stall of %v was not charged", p75, stall)
	}
}

func TestRegistrationKeepsTheKeysShown(t *testing.T) {
	const inFours = "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"
	f := radiustest.Start(t, func(f *radiustest.Server) {
		f.Respond = func(request, r *radius.Packet) *radius.Packet {
			user := rfc2865.UserName_GetString(request)
			if r.Code != radius.CodeAccessChallenge || user == "user0002" {
				return r
			}
			if user == "user0003" {
				hidden, err := radius.NewTunnelPassword([]byte(inFours), []byte{0x80, 1}, []byte(radiustest.Secret), request.Authenticator[:])
				if err != nil {
					t.Error(err)
				}
				value, err := radius.NewVendorSpecific(32473, append([]byte{4, byte(2 + len(hidden))}, hidden...))
				if err != nil {
					t.Error(err)
				}
				r.Add(rfc2865.VendorSpecific_Type, value)
				return r
			}
			return radiustest.Reply(request, r.Code, "Add "+inFours+" to your app, then type its code: ", "state of "+user)
		}
	})
	r := users(t, 4, "password", people.Keys{File: map[string]string{"user0001": "KNOWNKEYKNOWNKEY"}})
	e := newEngine(t, f, r, nil)
	got, err := e.Register(context.Background(), 8, unmarked)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]string{}
	r.Known(func(user, key string) error { known[user] = key; return nil })
	if len(known) != 3 || known["user0000"] != radiustest.Key || known["user0003"] != radiustest.Key || known["user0001"] != "KNOWNKEYKNOWNKEY" {
		t.Errorf("keys %v", known)
	}
	if got.Tally.Accepted != 2 || got.Tally.Reasons["registered already: the challenge shows no key"] != 1 || got.Exhausted {
		t.Errorf("%d accepted, %v", got.Tally.Accepted, got.Tally.Reasons)
	}
}

func TestConfigurationsThatCannotWorkAreRefused(t *testing.T) {
	f := radiustest.Start(t, nil)
	for name, change := range map[string]func(*Config){
		"no ports":   func(c *Config) { c.Ports = 0 },
		"no tries":   func(c *Config) { c.Tries = 0 },
		"no timeout": func(c *Config) { c.Timeout = 0 },
		"no secret":  func(c *Config) { c.Secret = nil },
	} {
		if _, err := New(config(f, change)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	r := users(t, 1, "password", people.Keys{})
	if _, err := newEngine(t, f, r, nil).Closed(context.Background(), 4*identifiers+1, Plan{Mark: unmarked}); err == nil {
		t.Error("more logins in flight than Identifiers were taken")
	}
	if _, err := newEngine(t, f, r, nil).Open(context.Background(), Arrivals{}, Plan{Mark: unmarked}); err == nil {
		t.Error("a rate of zero was taken")
	}
}

func TestAnInterruptEndsTheRun(t *testing.T) {
	f := radiustest.Start(t, func(f *radiustest.Server) { f.Drop = func(int) bool { return true } })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	e := newEngine(t, f, users(t, 1, "password", people.Keys{Shared: radiustest.Key}), nil)
	got, err := e.Closed(ctx, 1, Plan{Mark: unmarked})
	if err != nil || got.Tally.Started != 1 || got.Tally.Accepted != 0 {
		t.Errorf("%v, %d started, %d accepted", err, got.Tally.Started, got.Tally.Accepted)
	}
}
