package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/factors/totp"
	"sallyport/login"
	"sallyport/web/admin"
	"sallyport/web/status"
)

// fakeNode is a daemon's parts behind the admin socket.
type fakeNode struct {
	stored  []login.Enrolment
	acts    []string
	err     error
	clients []admin.Client
	report  status.Report
	windows map[string]time.Time
	members admin.Members
	// snapshots is what backups are made of.
	snapshots admin.Snapshots
}

var adminClock = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)

func newFakeNode() *fakeNode {
	return &fakeNode{
		snapshots: new(fakeBackups),
		windows:   map[string]time.Time{},
		stored: []login.Enrolment{
			{UserID: "corp:a1", Name: "alice", LastFactor: "totp", Credentials: map[string]login.Credential{
				"totp":  {Version: 1, Record: []byte("canary"), Failures: 5, LockedUntil: adminClock.Add(90 * time.Second)},
				"email": {Version: 1, Record: []byte("canary")},
			}},
			{UserID: "corp:b2", Name: "bob", Credentials: map[string]login.Credential{"totp": {Version: 1, Record: []byte("canary"), HardLocked: true, Failures: 50}}},
			{UserID: "corp:c3", Name: "carol"},
		},
		clients: []admin.Client{
			{Name: "vpn", Addresses: []string{"192.0.2.0/24"}, Policy: "staff", MessageAuthenticator: "auto", Configured: true,
				Learned: []admin.Learned{
					{Address: netip.MustParseAddr("192.0.2.1"), Since: adminClock.Add(-time.Hour)},
					{Address: netip.MustParseAddr("192.0.2.2"), Since: adminClock.Add(-3 * 24 * time.Hour)},
				}},
			{Name: "gone", Learned: []admin.Learned{}},
		},
		report: status.Report{Version: "1.2.3", Node: "node1", UptimeSeconds: 3661, Ready: true, Parts: map[string]status.PartReport{
			"radius": {Ready: true}, "cluster": {Ready: true},
		}},
	}
}

func (f *fakeNode) Users(_ context.Context, after string, limit int) (page []login.Enrolment, err error) {
	for _, e := range f.stored {
		if e.UserID > after && len(page) < limit {
			page = append(page, e)
		}
	}
	return page, f.err
}

func (f *fakeNode) Enrolment(_ context.Context, id string) (login.Enrolment, error) {
	for _, e := range f.stored {
		if e.UserID == id {
			return e, f.err
		}
	}
	return login.Enrolment{UserID: id}, f.err
}

func (f *fakeNode) Reset(ctx context.Context, id, factor string) error {
	f.acts = append(f.acts, "reset "+id+" "+factor)
	e, err := f.Enrolment(ctx, id)
	for name, c := range e.Credentials {
		if c.Registered() && (factor == "" || factor == name) {
			return err
		}
	}
	return errors.Join(err, login.ErrNotEnrolled)
}

func (f *fakeNode) Unlock(_ context.Context, id, factor string) error {
	f.acts = append(f.acts, "unlock "+id+" "+factor)
	return f.err
}

func (f *fakeNode) Renew(_ context.Context, id, factor string) error {
	f.acts = append(f.acts, "renew "+id+" "+factor)
	return f.err
}

func (f *fakeNode) Record(_ context.Context, e login.Enrolment, factor string) ([]byte, error) {
	return e.Credentials[factor].Record, f.err
}

func (f *fakeNode) Opened(context.Context, login.ChallengeID) (login.Opened, bool, error) {
	return login.Opened{Sends: []login.Sent{{At: adminClock.Add(-time.Minute), Failed: true}}}, true, f.err
}

func (f *fakeNode) Keys(context.Context) (*login.KeyRing, error) {
	return login.NewKeyRing("test", 1, map[byte][32]byte{1: {1}}, 1, [32]byte{2})
}

func (f *fakeNode) Register(_ context.Context, r admin.Registration) error {
	f.acts = append(f.acts, "register "+r.UserID+" "+r.Factor)
	return f.err
}

func (f *fakeNode) Grant(_ context.Context, g admin.Grant) error {
	f.acts = append(f.acts, fmt.Sprintf("grant %s %s %d for %d, %s", g.UserID, g.Factor, len(g.Codes), g.Codes[0].Uses, g.Note))
	return f.err
}

func (f *fakeNode) OpenWindow(_ context.Context, subject string, until time.Time) error {
	f.windows[subject] = until
	return f.err
}

func (f *fakeNode) Windows(context.Context) (map[string]time.Time, error) { return f.windows, f.err }

// fakePeople is the directory corp.
type fakePeople struct{ node *fakeNode }

func (d fakePeople) Find(ctx context.Context, name string) (login.User, error) {
	for _, e := range d.node.stored {
		if strings.EqualFold(e.Name, name) {
			return login.User{ID: e.UserID, Name: e.Name, Mail: name + "@corp.example"}, nil
		}
	}
	return login.User{}, login.ErrNoUser
}

func (d fakePeople) Lookup(ctx context.Context, id string) (login.User, error) {
	e, err := d.node.Enrolment(ctx, id)
	return login.User{ID: id, Name: e.Name, Mail: e.Name + "@corp.example"}, err
}

// fakeMail is a factor that sends codes.
type fakeMail struct{ login.Sender }

func (fakeMail) Name() string { return "email" }

func (fakeMail) ParseAddress(text string) (login.Address, error) {
	return login.Address{Text: text, Display: text, Masked: "masked"}, nil
}

func (fakeMail) DirectoryAddress(u login.User) string { return u.Mail }

func (f *fakeNode) Clients(context.Context) ([]admin.Client, error) { return f.clients, f.err }

func (f *fakeNode) Forget(_ context.Context, name string) (int, error) {
	f.acts = append(f.acts, "forget "+name)
	return 2, f.err
}

func (f *fakeNode) Members(context.Context) (admin.Members, error) { return f.members, f.err }

func (f *fakeNode) NewToken(_ context.Context, t admin.Token) (string, error) {
	f.acts = append(f.acts, fmt.Sprintf("token %+v", t))
	return "canary-token", f.err
}

func (f *fakeNode) Remove(_ context.Context, node string, force bool) error {
	f.acts = append(f.acts, fmt.Sprintf("remove %s %t", node, force))
	f.members.Nodes = slices.DeleteFunc(f.members.Nodes, func(m admin.Member) bool { return m.Name == node })
	return f.err
}

func (f *fakeNode) AcceptClock(context.Context) (time.Duration, error) {
	if f.err != nil {
		return 0, f.err
	}
	return time.Hour, nil
}

func (f *fakeNode) Transfer(_ context.Context, node string) error {
	f.acts = append(f.acts, fmt.Sprintf("transfer %q", node))
	f.members.Leader = node
	return f.err
}

func (f *fakeNode) Report(context.Context) status.Report { return f.report }

// serveAdmin serves the node on a socket and returns its path.
func serveAdmin(t *testing.T, f *fakeNode) string {
	t.Helper()
	apps, err := totp.New(totp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := admin.New(admin.Config{
		Socket: filepath.Join(t.TempDir(), "admin.sock"), Users: f, Clients: f, Cluster: f, Snapshots: f.snapshots, Status: f,
		Directories: func() map[string]admin.Finder { return map[string]admin.Finder{"corp": fakePeople{f}} },
		Factors:     func() map[string]login.Factor { return map[string]login.Factor{"totp": apps, "email": fakeMail{}} },
		Logger:      slog.New(slog.DiscardHandler), Now: func() time.Time { return adminClock },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return s.Socket()
}

func wantOutcome(t *testing.T, got outcome, code int, stdout string) {
	t.Helper()
	if got.code != code || got.stdout != stdout {
		t.Errorf("exit %d, stdout\n%s\nwant exit %d, stdout\n%s\nstderr %s", got.code, got.stdout, code, stdout, got.stderr)
	}
}

func TestADaemonThatCannotBeAskedHasItsExitCode(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.sock")
	for name, args := range map[string][]string{
		"user": {"list"}, "client": {"list"}, "status": {},
	} {
		for _, v := range []verb{userVerb(), clientVerb(), statusVerb()} {
			if v.name != name {
				continue
			}
			got := runOne(t, v, "", append(args, "--socket", missing)...)
			if got.code != exitUnreachable || !strings.Contains(got.stderr, "cannot be reached on "+missing) {
				t.Errorf("%s: exit %d, %s", name, got.code, got.stderr)
			}
		}
	}
}

func TestALostQuorumIsATemporaryFailure(t *testing.T) {
	f := newFakeNode()
	f.err = login.ErrUnavailable
	got := runOne(t, userVerb(), "", "list", "--socket", serveAdmin(t, f))
	if got.code != exitTryAgain || !strings.Contains(got.stderr, "try again") {
		t.Errorf("exit %d, %s", got.code, got.stderr)
	}
}

func TestTheSocketMayComeFromTheEnvironmentOrTheConfiguration(t *testing.T) {
	socket, folder := serveAdmin(t, newFakeNode()), t.TempDir()
	configured := func(socket string) string {
		file := filepath.Join(folder, filepath.Base(socket)+".toml")
		if err := os.WriteFile(file, fmt.Appendf(nil, "[admin]\nsocket = %q\n[node]\nmaster_key = \"not one\"\n", socket), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for name, variables := range map[string]map[string]string{
		"in a variable":       {"SALLYPORT_SOCKET": socket},
		"in a configuration":  {"SALLYPORT_CONFIG": configured(socket)},
		"the variable counts": {"SALLYPORT_SOCKET": socket, "SALLYPORT_CONFIG": configured("/nowhere/other.sock")},
	} {
		var out strings.Builder
		e := env{stdout: &out, stderr: &out, getenv: func(name string) string { return variables[name] }}
		if err := dispatch(t.Context(), e, "sallyport", []verb{statusVerb()}, []string{"status"}); err != nil {
			t.Errorf("%s: %v: %s", name, err, out.String())
		}
	}
}
