//go:build e2e

package e2e

import (
	"sync"
	"syscall"
	"testing"
	"time"

	"sallyport/e2e/servers"
	"sallyport/factors/securid"
	"sallyport/login"
	"sallyport/radius"
	"sallyport/radius/rsatest"
)

// forwarder is the SecurID factor in front of these servers, and the client that it forwards by.
type forwarder struct {
	*securid.Factor
	upstream *radius.Upstream
}

func forwardTo(t *testing.T, addrs ...string) forwarder {
	t.Helper()
	const secret login.Secret = servers.ClientSecret
	u, err := radius.NewUpstream(radius.UpstreamConfig{Servers: addrs, Secret: secret, Attributes: []string{"Filter-Id"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := u.Close(); err != nil {
			t.Error(err)
		}
	})
	f, err := securid.New(securid.Config{Servers: addrs, Secret: secret}, u)
	if err != nil {
		t.Fatal(err)
	}
	return forwarder{f, u}
}

func (f forwarder) ask(t *testing.T, user, answer string, d *login.Dialogue) login.Forwarded {
	t.Helper()
	began := time.Now()
	out := f.Forward(t.Context(), login.Forwarding{Username: user, Answer: login.Secret(answer), Dialogue: d, Client: "vpn"})
	if took := time.Since(began); took > f.Within()+time.Second {
		t.Errorf("took %v, longer than Within says: %v", took, f.Within())
	}
	return out
}

// stopServer makes a server that reads nothing and whose port is open.
func stopServer(t *testing.T, s *servers.FreeRADIUS) {
	t.Helper()
	if err := s.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill) // it cannot end in order
}

// wantRow fails unless the forwarding and the probe both tell this row of the table.
func (f forwarder) wantRow(t *testing.T, server string, result login.ForwardResult, consumed bool, row radius.ProbeRow) {
	t.Helper()
	var probe sync.WaitGroup
	probe.Go(func() {
		if p := f.upstream.Probe(t.Context(), server); p.Row != row {
			t.Errorf("probe: %+v, want %s", p, row)
		}
	})
	defer probe.Wait()
	out := f.ask(t, servers.UpstreamUser, servers.UpstreamPasscode, nil)
	if out.Result != result || out.Consumed != consumed || result >= login.ForwardMisconfigured && out.Reason == "" {
		t.Errorf("forwarded: %+v", out)
	}
}

func TestUpstreamFailureTable(t *testing.T) {
	t.Parallel()
	t.Run("it answers", func(t *testing.T) {
		t.Parallel()
		s := servers.StartFreeRADIUSUpstream(t, servers.UpstreamOptions{})
		f := forwardTo(t, s.Radius)
		f.wantRow(t, s.Radius, login.ForwardAccepted, true, radius.RowReady)
		out := f.ask(t, servers.UpstreamUser, servers.UpstreamPasscode, nil)
		if len(out.Attributes) != 2 || string(out.Attributes[0].Value) != "staff" || out.Attributes[1].Type != 11 {
			t.Errorf("attributes %+v", out.Attributes)
		}
		for _, user := range []string{servers.UpstreamUser, "nobody"} {
			if out := f.ask(t, user, "PinPin12000000", nil); out.Result != login.ForwardRejected || !out.Consumed {
				t.Errorf("%s with a wrong passcode: %+v", user, out)
			}
		}
		out = f.ask(t, servers.UpstreamAsked, servers.UpstreamPasscode, nil)
		if out.Result != login.ForwardChallenged || out.Dialogue.Step != login.StepNextTokencode || out.Dialogue.Text.Reveal() != servers.UpstreamPrompt {
			t.Fatalf("challenge: %+v", out)
		}
		if end := f.ask(t, servers.UpstreamAsked, servers.UpstreamNextCode, out.Dialogue); end.Result != login.ForwardAccepted {
			t.Errorf("next tokencode: %+v", end)
		}
		out = f.ask(t, servers.UpstreamAsked, servers.UpstreamPasscode, nil)
		if end := f.ask(t, servers.UpstreamAsked, "000000", out.Dialogue); end.Result != login.ForwardRejected {
			t.Errorf("wrong next tokencode: %+v", end)
		}
	})
	t.Run("wrong secret", func(t *testing.T) {
		t.Parallel()
		s := servers.StartFreeRADIUSUpstream(t, servers.UpstreamOptions{Secret: "another-shared-secret-entirely"})
		forwardTo(t, s.Radius).wantRow(t, s.Radius, login.ForwardMisconfigured, true, radius.RowWrongSecret)
	})
	t.Run("wrong secret and Message-Authenticator required", func(t *testing.T) {
		t.Parallel()
		s := servers.StartFreeRADIUSUpstream(t, servers.UpstreamOptions{Secret: "another-shared-secret-entirely", RequireMessageAuthenticator: true})
		forwardTo(t, s.Radius).wantRow(t, s.Radius, login.ForwardUnavailable, true, radius.RowSilent)
	})
	t.Run("Message-Authenticator required", func(t *testing.T) {
		t.Parallel()
		s := servers.StartFreeRADIUSUpstream(t, servers.UpstreamOptions{RequireMessageAuthenticator: true})
		forwardTo(t, s.Radius).wantRow(t, s.Radius, login.ForwardAccepted, true, radius.RowSignedOnly)
	})
	t.Run("our address is not configured there", func(t *testing.T) {
		t.Parallel()
		s := servers.StartFreeRADIUSUpstream(t, servers.UpstreamOptions{Client: "127.9.9.9"})
		forwardTo(t, s.Radius).wantRow(t, s.Radius, login.ForwardUnavailable, true, radius.RowSilent)
	})
	t.Run("nothing listens", func(t *testing.T) {
		t.Parallel()
		s := servers.StartFreeRADIUSUpstream(t, servers.UpstreamOptions{})
		s.Stop()
		forwardTo(t, s.Radius).wantRow(t, s.Radius, login.ForwardUnavailable, false, radius.RowNothingListens)
	})
	t.Run("silent", func(t *testing.T) {
		t.Parallel()
		s := servers.StartFreeRADIUSUpstream(t, servers.UpstreamOptions{})
		stopServer(t, s)
		forwardTo(t, s.Radius).wantRow(t, s.Radius, login.ForwardUnavailable, true, radius.RowSilent)
	})
}

func TestUpstreamFailsOverToAReplica(t *testing.T) {
	t.Parallel()
	primary := servers.StartFreeRADIUSUpstream(t, servers.UpstreamOptions{})
	replica := servers.StartFreeRADIUSUpstream(t, servers.UpstreamOptions{})
	f := forwardTo(t, primary.Radius, replica.Radius)
	primary.Kill()
	if out := f.ask(t, servers.UpstreamUser, servers.UpstreamPasscode, nil); out.Result != login.ForwardAccepted || out.Server != replica.Radius {
		t.Errorf("primary killed: %+v", out)
	}
	stopServer(t, replica)
	if out := f.ask(t, servers.UpstreamUser, servers.UpstreamPasscode, nil); out.Result != login.ForwardUnavailable || !out.Consumed || out.Server != replica.Radius {
		t.Errorf("replica stopped: %+v", out)
	}
}

func TestStandInTalksToRadclient(t *testing.T) {
	t.Parallel()
	m := rsatest.New(rsatest.Config{})
	m.AddUser("erin", "", "seed", rsatest.ModeNewPIN)
	s, err := m.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	rc := servers.StartRadclient(t, servers.RadclientOptions{Server: s.Addr(), Secret: rsatest.Secret.Reveal()})
	state := ""
	for _, step := range []struct{ answer, prompt string }{
		{m.Tokencode("erin"), rsatest.PromptNewPIN}, {"NewPin12", rsatest.PromptConfirmPIN}, {"NewPin12", rsatest.PromptAccepted},
	} {
		r, err := rc.Login(t.Context(), "erin", step.answer, state)
		if err != nil || r.Code != "Access-Challenge" || r.Get("Reply-Message") != step.prompt || r.Get("Prompt") != "No-Echo" {
			t.Fatalf("%+v, %v; want %q", r, err, step.prompt)
		}
		state = r.Get("State")
	}
	passcode := "NewPin12" + m.TokencodeAt("erin", time.Now().Add(rsatest.TokenInterval))
	r, err := rc.Login(t.Context(), "erin", passcode, state)
	if err != nil || r.Code != "Access-Accept" || r.Get("Class") == "" {
		t.Errorf("%+v, %v", r, err)
	}
}
