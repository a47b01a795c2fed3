package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/login"
	"sallyport/web/status"
)

// clock is where the daemon's clock stands in these tests.
var clock = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)

// fakeUsers holds enrolments by ID; err is returned by everything when it is set, actErr by the acts
// that open a way back.
type fakeUsers struct {
	mu      sync.Mutex
	stored  map[string]login.Enrolment
	opened  map[login.ChallengeID]login.Opened
	windows map[string]time.Time
	grants  []Grant
	acts    []string
	err     error
	actErr  error
}

func (f *fakeUsers) Users(_ context.Context, after string, limit int) ([]login.Enrolment, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids []string
	for id := range f.stored {
		if id > after {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	var page []login.Enrolment
	for _, id := range ids[:min(limit, len(ids))] {
		page = append(page, f.stored[id])
	}
	return page, f.err
}

func (f *fakeUsers) Enrolment(_ context.Context, id string) (login.Enrolment, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e, ok := f.stored[id]; ok {
		return e, f.err
	}
	return login.Enrolment{UserID: id}, f.err
}

func (f *fakeUsers) Reset(_ context.Context, id, factor string) error {
	return f.act("reset", id, factor, func(c login.Credential) login.Credential { return login.Credential{Factor: c.Factor} })
}

func (f *fakeUsers) Unlock(_ context.Context, id, factor string) error {
	return f.act("unlock", id, factor, func(c login.Credential) login.Credential {
		c.Failures, c.LockedUntil, c.HardLocked = 0, time.Time{}, false
		return c
	})
}

func (f *fakeUsers) Renew(_ context.Context, id, factor string) error {
	return f.act("renew", id, factor, func(c login.Credential) login.Credential {
		c.Renew = true
		return c
	})
}

func (f *fakeUsers) Record(_ context.Context, e login.Enrolment, factor string) ([]byte, error) {
	return e.Credentials[factor].Record, f.err
}

func (f *fakeUsers) Opened(_ context.Context, id login.ChallengeID) (login.Opened, bool, error) {
	o, found := f.opened[id]
	return o, found, f.err
}

func (f *fakeUsers) Keys(context.Context) (*login.KeyRing, error) {
	if f.err != nil {
		return nil, f.err
	}
	return ring()
}

// ring is the key ring of these tests.
func ring() (*login.KeyRing, error) {
	return login.NewKeyRing("test", 1, map[byte][32]byte{1: {1}}, 1, [32]byte{2})
}

func (f *fakeUsers) Register(_ context.Context, r Registration) error {
	f.put(r.UserID, r.Name, r.Factor, login.Credential{Factor: r.Factor, Version: 1, Record: r.Record})
	f.acts = append(f.acts, fmt.Sprintf("register %s %q %s", r.UserID, r.Factor, r.Name))
	return f.err
}

func (f *fakeUsers) Grant(_ context.Context, g Grant) error {
	if f.actErr != nil {
		return f.actErr
	}
	f.put(g.UserID, g.Name, g.Factor, login.Credential{Factor: g.Factor, Codes: g.Codes, Note: g.Note})
	f.grants = append(f.grants, g)
	return f.err
}

func (f *fakeUsers) put(id, name, factor string, c login.Credential) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e, ok := f.stored[id]
	if !ok {
		e = login.Enrolment{UserID: id, Name: name, Credentials: map[string]login.Credential{}}
	}
	e.Credentials[factor] = c
	f.stored[id] = e
}

func (f *fakeUsers) OpenWindow(_ context.Context, subject string, until time.Time) error {
	if f.actErr != nil {
		return f.actErr
	}
	f.windows[subject] = until
	return f.err
}

func (f *fakeUsers) Windows(context.Context) (map[string]time.Time, error) { return f.windows, f.err }

func (f *fakeUsers) act(name, id, factor string, change func(login.Credential) login.Credential) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	f.acts = append(f.acts, fmt.Sprintf("%s %s %q", name, id, factor))
	err := fmt.Errorf("%s: %w", name, login.ErrNotEnrolled)
	f.stored[id] = cloned(f.stored[id]) // what was read before stays as it was
	for n, c := range f.stored[id].Credentials {
		if factor == "" || factor == n {
			if c.Registered() {
				err = nil
			}
			f.stored[id].Credentials[n] = change(c)
		}
	}
	return err
}

func cloned(e login.Enrolment) login.Enrolment {
	e.Credentials = maps.Clone(e.Credentials)
	return e
}

// fakeSender sends codes to addresses in lower case.
type fakeSender struct {
	login.Sender
	held string // by the directory
}

func (fakeSender) Name() string { return "email" }

func (fakeSender) ParseAddress(text string) (login.Address, error) {
	if !strings.Contains(text, "@") {
		return login.Address{}, fmt.Errorf("%w: it has no @", login.ErrAddress)
	}
	text = strings.ToLower(text)
	return login.Address{Text: text, Display: text, Masked: text[:1] + "…"}, nil
}

func (f fakeSender) DirectoryAddress(login.User) string { return f.held }

// fakeRegistrar shows a key.
type fakeRegistrar struct{ login.Registrar }

func (fakeRegistrar) NewRecord(context.Context, login.User) ([]byte, error) {
	return []byte("canary-record"), nil
}

func (fakeRegistrar) Registration(_ context.Context, u login.User, _ []byte) (login.Prompt, error) {
	return login.Prompt{SecretKey: "KEY", OTPAuthURI: login.Secret("otpauth://totp/" + u.Name)}, nil
}

// fakeForwarder registers nobody.
type fakeForwarder struct{ login.Factor }

// told is a notice.
type told struct {
	user, factor, by string
	kind             login.NoticeKind
	before           bool // the factor was registered before
}

// fakeDirectory knows people by the names that mean them.
type fakeDirectory struct {
	names map[string]login.User
	err   error // a refusal goes with the user, anything else without
}

func (f *fakeDirectory) Find(_ context.Context, name string) (login.User, error) {
	return f.answer(f.names[strings.ToLower(name)])
}

func (f *fakeDirectory) Lookup(_ context.Context, id string) (login.User, error) {
	for _, u := range f.names {
		if u.ID == id {
			return f.answer(u)
		}
	}
	return f.answer(login.User{})
}

func (f *fakeDirectory) answer(u login.User) (login.User, error) {
	switch {
	case f.err != nil && login.RefusalCode(f.err) == "", errors.Is(f.err, login.ErrSeveral):
		return login.User{}, f.err
	case u.ID == "":
		return u, login.ErrNoUser
	}
	return u, f.err
}

type fakeClients struct {
	clients []Client
	err     error
}

func (f *fakeClients) Clients(context.Context) ([]Client, error) { return f.clients, f.err }

func (f *fakeClients) Forget(_ context.Context, name string) (int, error) {
	for i, c := range f.clients {
		if c.Name == name {
			f.clients[i].Learned = nil
			return len(c.Learned), f.err
		}
	}
	return 0, f.err
}

// fakeCluster has two nodes and does what it is told.
type fakeCluster struct {
	acts []string
	err  error
}

func (f *fakeCluster) Members(context.Context) (Members, error) {
	return Members{ClusterID: "test", Leader: "node1", Quorum: 2, Nodes: []Member{
		{Name: "node1", Role: RoleLeader, Up: true}, {Name: "node2", Role: RoleVoter, LastContactMS: 4000},
	}}, f.err
}

func (f *fakeCluster) NewToken(_ context.Context, t Token) (string, error) {
	f.acts = append(f.acts, fmt.Sprintf("token %+v", t))
	return "canary-token", f.err
}

func (f *fakeCluster) Remove(_ context.Context, node string, force bool) error {
	f.acts = append(f.acts, fmt.Sprintf("remove %s %t", node, force))
	return f.err
}

func (f *fakeCluster) Transfer(_ context.Context, node string) error {
	f.acts = append(f.acts, fmt.Sprintf("transfer %q", node))
	return f.err
}

func (f *fakeCluster) AcceptClock(context.Context) (time.Duration, error) {
	f.acts = append(f.acts, "accept clock")
	return time.Hour, f.err
}

type fakeStatus struct{}

func (fakeStatus) Report(context.Context) status.Report {
	return status.Report{Version: "1.2.3", Node: "node1", Ready: true,
		Parts: map[string]status.PartReport{"cluster": {Ready: true}}}
}

// daemon is a server on a socket of its own with fakes behind it.
type daemon struct {
	*Caller
	server    *Server
	users     *fakeUsers
	dirs      map[string]*fakeDirectory
	clients   *fakeClients
	cluster   *fakeCluster
	snapshots *fakeSnapshots
	factors   map[string]login.Factor
	told      []told
	log       *logBuffer
}

// logBuffer is a log that may be read while it is written.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// startDaemon knows alice in two spellings, whose email was reset before, bob, and carol whom the directory knows no more.
func startDaemon(t *testing.T) *daemon {
	t.Helper()
	alice := login.User{ID: "corp:a1", Name: "alice"}
	d := &daemon{
		users: &fakeUsers{windows: map[string]time.Time{}, stored: map[string]login.Enrolment{
			"corp:a1": {UserID: "corp:a1", Name: "alice", LastFactor: "totp", Credentials: map[string]login.Credential{
				"totp": {Factor: "totp", Version: 1, Record: []byte("canary-record"), Memo: []byte("canary-memo"),
					Failures: 5, LockedUntil: clock.Add(time.Minute)},
				"email": {Factor: "email", Version: 2, LockedUntil: clock.Add(-time.Minute)},
			}},
			"corp:c3": {UserID: "corp:c3", Name: "Carol", Credentials: map[string]login.Credential{
				"totp": {Factor: "totp", Version: 1, Record: []byte("canary-record"), HardLocked: true},
			}},
		}},
		dirs: map[string]*fakeDirectory{
			"corp": {names: map[string]login.User{
				"alice": alice, `example\alice`: alice, "bob": {ID: "corp:b2", Name: "bob"},
			}},
			"guests": {names: map[string]login.User{}},
		},
		clients:   &fakeClients{clients: []Client{{Name: "vpn", Configured: true, Learned: []Learned{{}, {}}}, {Name: "cx"}}},
		cluster:   new(fakeCluster),
		snapshots: new(fakeSnapshots),
		log:       new(logBuffer),
	}
	d.factors = map[string]login.Factor{"totp": fakeRegistrar{}, "email": fakeSender{}, "securid": fakeForwarder{}}
	s, err := New(Config{
		Socket: filepath.Join(t.TempDir(), "run", "admin.sock"),
		Users:  d.users, Clients: d.clients, Cluster: d.cluster, Snapshots: d.snapshots, Status: fakeStatus{},
		Directories: func() map[string]Finder {
			all := make(map[string]Finder)
			for name, dir := range d.dirs {
				all[name] = dir
			}
			return all
		},
		Factors: func() map[string]login.Factor { return d.factors },
		Tell: func(_ context.Context, u login.User, before login.Enrolment, kind login.NoticeKind, factor, by string) {
			d.told = append(d.told, told{u.Name, factor, by, kind, before.Credentials[factor].Registered()})
		},
		Logger: slog.New(slog.NewTextHandler(d.log, nil)),
		Now:    func() time.Time { return clock },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	d.server, d.Caller = s, NewCaller(s.Socket())
	t.Cleanup(func() {
		d.Caller.http.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return d
}
