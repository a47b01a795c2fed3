package login_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/cluster"
	"sallyport/cluster/ledgertest"
	"sallyport/factors/totp"
	"sallyport/login"
)

// world is one engine with a clock that scripts move, a directory that they change, mail, telephone
// and an RSA server that they watch, and the state machine of package cluster without Raft.
type world struct {
	t        testing.TB
	where    string
	now      time.Time
	log      time.Duration // by how much the ledger's time is ahead of now
	dir      *directory
	real     login.Directory // in place of dir; nil where scripts change the people
	mail     *sender
	phone    *sender
	rsa      *forwarder
	ledger   ledgertest.Ledger
	outbox   *login.Outbox
	throttle *login.Throttle
	engine   *login.Engine
	// distrusted says that the wall clock was set, so that no code is judged by it.
	distrusted bool
	replicas   *replicated // nil where there is one node
	mu         sync.Mutex  // events, where requests come at once
	events     []login.Event

	states []string
	keys   map[string]string   // TOTP keys by user
	shown  []string            // the keys that registrations showed
	newKey bool                // whether the last of them had not been shown before
	issued map[string][]string // one-time codes by kind
	reply  login.Reply
	err    error
	told   strings.Builder // the lines of a script, and what was replied
}

const aliceKey = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

func newWorld(t testing.TB) *world {
	return newWorldOn(t, func(now func() time.Time) ledgertest.Ledger { return cluster.NewMemory(now) })
}

func newWorldOn(t testing.TB, open func(now func() time.Time) ledgertest.Ledger) *world {
	w := &world{
		t: t, now: time.Unix(1_800_000_000, 0),
		dir:  &directory{users: map[string]*account{}},
		mail: newSender("email"), phone: newSender("sms"), rsa: &forwarder{},
		outbox: login.NewOutbox(nil, func() time.Time { return time.Unix(0, 0) }),
		keys:   map[string]string{"alice": aliceKey, "first": aliceKey}, issued: map[string][]string{},
	}
	for _, name := range []string{"alice", "bob", "carol", "dave", "erin", "service"} {
		w.dir.users[name] = &account{password: "right", user: login.User{ID: "test:" + name, Name: name}}
	}
	w.dir.users["carol"].user.Mail, w.dir.users["carol"].user.Phone = "carol@corp.example", "+15550001"
	w.ledger = open(func() time.Time { return w.now.Add(w.log) })
	record, err := totp.ParseKey(aliceKey)
	if err != nil {
		t.Fatal(err)
	}
	w.enrol("alice", "totp", record)
	w.engine = w.newEngine(login.Limits{})
	return w
}

func (w *world) enrol(user, factor string, record []byte) {
	w.t.Helper()
	w.must(w.ledger.Register(context.Background(), cluster.Registration{UserID: "test:" + user, Name: user, Factor: factor, Record: record}))
}

func (w *world) newEngine(limits login.Limits) *login.Engine {
	return w.newEngineOn(w.ledger, limits)
}

func (w *world) newEngineOn(ledger login.Ledger, limits login.Limits) *login.Engine {
	factor, err := totp.New(totp.Config{Issuer: "Test"})
	if err != nil {
		w.t.Fatal(err)
	}
	people := login.Directory(w.dir)
	if w.real != nil {
		people = w.real
	}
	engine, err := login.New(login.Config{
		Policies:    w.policies(),
		Directories: map[string]login.Directory{"test": people},
		Factors:     map[string]login.Factor{"totp": factor, "email": w.mail, "sms": w.phone, "securid": w.rsa},
		Ledger:      ledger,
		Limits:      limits,
		Now:         func() time.Time { return w.now },
		CodeTime: func() (time.Time, error) {
			if w.distrusted {
				return time.Time{}, fmt.Errorf("%w: the clock was set", login.ErrUnavailable)
			}
			return w.now, nil
		},
		Audit: func(e login.Event) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.events = append(w.events, e)
		},
		// Notices go out in the background, where the clock that scripts move must not be read.
		Outbox:   w.outbox,
		Throttle: w.throttle,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return engine
}

// policies are those that scripts name: one for each way to register, and one for each factor.
func (w *world) policies() map[string]login.Policy {
	all := map[string]login.Policy{}
	add := func(name string, way login.Registration, factors ...string) login.Policy {
		p := login.Policy{Name: name, Directory: "test", Factors: factors, Registration: way}
		all[name] = p
		return p
	}
	add("staff", login.RegistrationFirstLogin, "totp")
	add("closed", login.RegistrationClosed, "totp")
	add("email", login.RegistrationFirstLogin, "email")
	add("sms", login.RegistrationFirstLogin, "sms")
	add("all", login.RegistrationFirstLogin, "totp", "email", "sms")
	add("rsa", "", "securid")
	add("rsa-or-totp", login.RegistrationFirstLogin, "totp", "securid")
	add("directory", login.RegistrationDirectory, "totp", "email")
	add("invited", login.RegistrationInvited, "totp")
	add("window", login.RegistrationWindow, "totp")
	for _, way := range ways {
		add("way-"+string(way), way, "totp", "email", "sms")
		if way != login.RegistrationDirectory {
			add("way-"+string(way)+"-totp", way, "totp")
		}
	}
	p := add("one-sentence", "", "securid")
	p.OneRSAMessage = true
	all[p.Name] = p
	p = add("concealed", login.RegistrationFirstLogin, "totp", "email")
	p.ConcealPassword = true
	all[p.Name] = p
	p = add("concealed-app", login.RegistrationFirstLogin, "totp")
	p.ConcealPassword = true
	all[p.Name] = p
	p = add("groups", login.RegistrationFirstLogin, "totp")
	p.Groups = []login.GroupRule{
		{Groups: []string{"contractors"}, Deny: true},
		{Groups: []string{"cn=mail,dc=corp"}, Factors: []string{"email"}},
		{Groups: []string{"closed"}, Registration: login.RegistrationClosed},
		{Groups: []string{"Sales, EMEA", "cn=R\\+D,ou=groups,dc=corp"}, Deny: true},
	}
	p.Exemptions = []login.Exemption{{
		Rule: "backup", Users: []string{"Service"}, Clients: []string{"vpn"}, Reason: "nightly backup", Until: w.now.Add(time.Hour),
	}}
	all[p.Name] = p
	return all
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("%s: %v", w.where, err)
	}
}

// administer does what an administrator does, or what happens to the surroundings.
func (w *world) administer(verb string, fields []string, args args) {
	w.t.Helper()
	ctx := context.Background()
	user := "test:" + fields[0]
	duration := func(text string) time.Duration {
		d, err := time.ParseDuration(text)
		w.must(err)
		return d
	}
	switch verb {
	case "enrol":
		for _, factor := range []string{"email", "sms"} {
			if address, ok := args[factor]; ok {
				w.enrol(fields[0], factor, []byte(address))
			}
		}
	case "groups":
		w.dir.users[fields[0]].user.Groups = fields[1:]
	case "window":
		subject := user
		if group, ok := strings.CutPrefix(fields[0], "group:"); ok {
			subject = login.GroupSubject("test", group)
		}
		w.must(w.ledger.OpenWindow(ctx, subject, w.now.Add(duration(fields[1]))))
	case "renew":
		w.must(w.ledger.Renew(ctx, user, args["factor"]))
	case "issue":
		w.issue(fields[0], args["kind"], args.or("for", "24h"), args.or("note", ""))
	case "mail":
		w.mail.trouble = map[string]error{"up": nil, "down": errors.New("451 try later")}[fields[0]]
	case "rsa":
		w.rsa.next(fields, args)
	default:
		w.t.Fatalf("%s: no such verb", w.where)
	}
}

// issue gives a user one-time codes: ten for recovery, else one, for bypass with two uses.
func (w *world) issue(user, kind, life, note string) {
	w.t.Helper()
	ring, err := w.ledger.Keys(context.Background())
	w.must(err)
	d, err := time.ParseDuration(life)
	w.must(err)
	grant := cluster.CodeGrant{UserID: "test:" + user, Name: user, Factor: kind, Note: note}
	count := map[string]int{login.CredentialRecovery: login.RecoveryCodes}[kind]
	w.issued[kind] = nil
	for range max(count, 1) {
		code := login.NewCode().Reveal()
		c := login.OneTimeCode{Tag: ring.CodeTag(kind, grant.UserID, login.NormalizeCode(code)), Uses: 1, Until: w.now.Add(d)}
		if kind == login.CredentialBypass {
			c.Uses = 2
		}
		grant.Codes = append(grant.Codes, c)
		w.issued[kind] = append(w.issued[kind], code)
	}
	w.must(w.ledger.Grant(context.Background(), grant))
}
