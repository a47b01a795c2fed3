package main

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
}

var adminClock = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)

func newFakeNode() *fakeNode {
	return &fakeNode{
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

func (f *fakeNode) Clients(context.Context) ([]admin.Client, error) { return f.clients, f.err }

func (f *fakeNode) Forget(_ context.Context, name string) (int, error) {
	f.acts = append(f.acts, "forget "+name)
	return 2, f.err
}

func (f *fakeNode) Report(context.Context) status.Report { return f.report }

// serveAdmin serves the node on a socket and returns its path.
func serveAdmin(t *testing.T, f *fakeNode) string {
	t.Helper()
	s, err := admin.New(admin.Config{
		Socket: filepath.Join(t.TempDir(), "admin.sock"), Users: f, Clients: f, Status: f,
		Directories: func() map[string]admin.Finder { return nil },
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

func TestTheSocketMayComeFromTheEnvironment(t *testing.T) {
	socket := serveAdmin(t, newFakeNode())
	var out strings.Builder
	e := env{stdout: &out, stderr: &out, getenv: func(name string) string {
		return map[string]string{"SALLYPORT_SOCKET": socket}[name]
	}}
	if err := dispatch(t.Context(), e, "sallyport", []verb{statusVerb()}, []string{"status"}); err != nil {
		t.Errorf("%v: %s", err, out.String())
	}
}
