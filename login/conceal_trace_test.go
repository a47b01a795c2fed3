package login_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/cluster"
	"sallyport/cluster/ledgertest"
	"sallyport/directory/directorytest"
	"sallyport/directory/ldap"
	"sallyport/factors/totp"
	"sallyport/login"
)

// counted is a ledger that writes down what costs more than a look into this node's memory.
type counted struct {
	ledgertest.Ledger
	calls *[]string
}

func (c counted) note(call string) { *c.calls = append(*c.calls, call) }

func (c counted) Refresh(ctx context.Context) error {
	c.note("refresh")
	return c.Ledger.Refresh(ctx)
}

func (c counted) Open(ctx context.Context, o login.Opening) (login.Opened, error) {
	c.note("commit")
	return c.Ledger.Open(ctx, o)
}

func (c counted) SendFailed(ctx context.Context, f login.SendFailure) error {
	c.note("commit")
	return c.Ledger.SendFailed(ctx, f)
}

func (c counted) Settle(ctx context.Context, s login.Settlement) (login.Outcome, error) {
	c.note("commit")
	return c.Ledger.Settle(ctx, s)
}

func (c counted) Cancel(ctx context.Context, x login.Cancellation) error {
	c.note("commit")
	return c.Ledger.Cancel(ctx, x)
}

// concealedSite is a world whose people are in a real directory, and that counts what each request costs.
type concealedSite struct {
	*world
	server *directorytest.Server
	binds  atomic.Int64 // as anybody but the service account, which binds once a connection
	calls  []string
}

func newConcealedSite(t *testing.T, change func(*ldap.Config)) *concealedSite {
	t.Helper()
	s := &concealedSite{server: directorytest.StartServer(t, nil, nil)}
	s.server.OnBind = func(dn, _ string) (directorytest.Answer, bool) {
		if dn != directorytest.ServiceDN {
			s.binds.Add(1)
		}
		return directorytest.Answer{}, false
	}
	s.world = newWorldOn(t, func(now func() time.Time) ledgertest.Ledger { return counted{cluster.NewMemory(now), &s.calls} })
	cfg := ldap.Config{
		URLs: []string{"ldap://" + s.server.Address}, BaseDN: directorytest.BaseDN, BindDN: directorytest.ServiceDN, BindPassword: directorytest.ServicePassword,
		GroupFilter: "(member={dn})", Domains: []string{"example.test"},
	}
	if change != nil {
		change(&cfg)
	}
	d, err := ldap.New("test", cfg, slog.New(slog.DiscardHandler), func() time.Time { return s.now })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	s.real = d
	s.throttle = login.NewThrottle(1000, time.Second, func() time.Time { return s.now })
	s.engine = s.newEngine(login.Limits{})
	return s
}

// cost is what a request asked of the directory's server and of the ledger.
func (s *concealedSite) cost(request func() (login.Reply, error)) (string, login.Reply) {
	s.t.Helper()
	binds, searches := s.binds.Load(), s.server.Searches()
	s.calls = nil
	reply, err := request()
	if err != nil {
		s.t.Fatal(err)
	}
	s.must(s.outbox.Close(context.Background()))
	s.outbox = login.NewOutbox(nil, func() time.Time { return time.Unix(0, 0) })
	s.engine = s.newEngine(login.Limits{})
	return fmt.Sprintf("%d binds, %d searches, %s", s.binds.Load()-binds, s.server.Searches()-searches, strings.Join(s.calls, " ")), reply
}

// TestS5ConcealedLoginsCostTheSame: each step of a login asks the same of the directory's server and of the ledger,
// whether the password was right or wrong and whether there is such a person, whatever was asked before.
func TestS5ConcealedLoginsCostTheSame(t *testing.T) {
	for name, change := range map[string]func(*ldap.Config){
		"service account": nil,
		"no memory":       func(c *ldap.Config) { none := ldap.Duration(0); c.EntryCache = &none },
		"bind template":   func(c *ldap.Config) { c.BindTemplate = "uid={username},ou=people," + directorytest.BaseDN },
	} {
		t.Run(name, func(t *testing.T) {
			s := newConcealedSite(t, change)
			people := map[string]directorytest.Person{}
			for _, p := range directorytest.People() {
				people[p.Name] = p
			}
			key, err := totp.ParseKey(aliceKey)
			s.must(err)
			// alice and bob have an app, dora (disabled) too; whoever is nobody meets what is derived from the name.
			for _, user := range []string{directorytest.Alice, directorytest.Bob, directorytest.Dora} {
				s.enrol(people[user].ID, totp.Name, key)
			}
			type step struct {
				text   string
				action login.Action
				after  time.Duration
			}
			steps := []step{{text: ""}, {text: "000000"}, {text: "", action: login.ActionResend}, {text: "000001", after: 90 * time.Second}, {text: "x", action: login.ActionCancel}}
			cases := []struct{ user, password string }{
				{directorytest.Alice, people[directorytest.Alice].Password}, {directorytest.Alice, "wrong"}, {"ghost", "wrong"},
				{directorytest.Dora, people[directorytest.Dora].Password}, {directorytest.Dora, "wrong"}, {directorytest.Bob, "wrong"},
				{"ghost@example.test", "wrong"},
			}
			for _, mode := range []login.Mode{login.ModeChallenge, login.ModeAppend, login.ModeOTPOnly} {
				var want []string
				for _, warm := range []bool{false, true} {
					for _, c := range cases {
						if mode == login.ModeOTPOnly && c.password != "wrong" {
							continue // there is none
						}
						origin := login.Origin{Client: "vpn", Policy: "concealed-app", Mode: mode, CallingStationID: fmt.Sprint(warm, c.user)}
						if warm { // the entry was read a moment ago
							if _, err := s.real.Find(t.Context(), c.user); login.RefusalCode(err) == "" && err != nil {
								t.Fatal(err)
							}
						} else {
							s.now = s.now.Add(time.Hour)
						}
						password := c.password
						switch mode {
						case login.ModeAppend:
							password += ",000000"
						case login.ModeOTPOnly:
							password = "000000"
						}
						cost, reply := s.cost(func() (login.Reply, error) {
							return s.engine.Begin(t.Context(), login.Request{Origin: origin, Username: c.user, Password: password})
						})
						costs := []string{cost}
						if mode == login.ModeChallenge {
							if reply.Verdict != login.Challenge {
								t.Fatalf("%s %s: %v %s", c.user, c.password, reply.Verdict, reply.Code)
							}
							for _, x := range steps {
								s.now = s.now.Add(x.after)
								cost, next := s.cost(func() (login.Reply, error) {
									return s.engine.Continue(t.Context(), login.Answer{Origin: origin, Username: c.user, State: reply.State, Text: x.text, Action: x.action})
								})
								costs = append(costs, cost)
								if next.State != "" {
									reply.State = next.State
								}
							}
						} else {
							// What a Reject in one request costs besides the directory is behind the reject delay.
							costs[0], _, _ = strings.Cut(costs[0], "searches")
						}
						if want == nil {
							want = costs
							continue
						}
						for i := range costs {
							if costs[i] != want[i] {
								t.Errorf("mode %v, %s with %q (warm %v), step %d: %s\nthe first login had %s", mode, c.user, c.password, warm, i, costs[i], want[i])
							}
						}
					}
				}
			}
		})
	}
}
