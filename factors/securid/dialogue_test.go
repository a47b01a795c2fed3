package securid_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/factors/securid"
	"sallyport/login"
	"sallyport/radius"
	"sallyport/radius/rsatest"
)

// The factor, the RADIUS client for upstream servers and the stand-in for Authentication Manager, over
// UDP.

// rsa is a primary and a replica, and the factor that forwards to them.
type rsa struct {
	*rsatest.Manager
	t                *testing.T
	primary, replica *rsatest.Server
	factor           *securid.Factor
	log              *bytes.Buffer

	mu  sync.Mutex
	now time.Time
}

func (r *rsa) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

// wait lets the tokencode change.
func (r *rsa) wait() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(rsatest.TokenInterval)
}

func newRSA(t *testing.T, form rsatest.StateForm) *rsa {
	t.Helper()
	return newRSAWith(t, rsatest.Config{StateForm: form})
}

func newRSAWith(t *testing.T, cfg rsatest.Config) *rsa {
	t.Helper()
	r := &rsa{t: t, now: time.Unix(1_800_000_000, 0), log: &bytes.Buffer{}}
	cfg.Now = r.clock
	r.Manager = rsatest.New(cfg)
	r.primary, r.replica = r.start("127.0.0.1:0"), r.start("127.0.0.1:0")
	servers := []string{r.primary.Addr(), r.replica.Addr()}
	u, err := radius.NewUpstream(radius.UpstreamConfig{
		Servers: servers, Secret: rsatest.Secret, Attributes: []string{"Filter-Id"}, ProbeEvery: 20 * time.Millisecond,
		Timing: radius.Timing{Initial: 60 * time.Millisecond, Total: 700 * time.Millisecond},
		Logger: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := u.Close(); err != nil {
			t.Error(err)
		}
	})
	r.factor, err = securid.New(securid.Config{Servers: servers, Secret: rsatest.Secret}, u)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rsa) start(addr string) *rsatest.Server {
	r.t.Helper()
	s, err := r.Start(addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { stop(r.t, s) })
	return s
}

func stop(t *testing.T, s *rsatest.Server) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// forward sends one of erin's answers, within a dialogue unless that is nil.
func (r *rsa) forward(answer string, d *login.Dialogue) login.Forwarded {
	return r.factor.Forward(r.t.Context(), login.Forwarding{Username: "erin", Answer: login.Secret(answer), Client: "vpn", Dialogue: d})
}

// asks fails unless the outcome is a question of this step, and returns its dialogue.
func asks(t *testing.T, out login.Forwarded, step login.Step, text string) *login.Dialogue {
	t.Helper()
	if out.Result != login.ForwardChallenged || out.Dialogue.Step != step || !strings.Contains(out.Dialogue.Text.Reveal(), text) || out.Dialogue.Echo {
		t.Fatalf("got %+v, want %s %q", out, step, text)
	}
	return out.Dialogue
}

func accepted(t *testing.T, out login.Forwarded) {
	t.Helper()
	if out.Result != login.ForwardAccepted || len(out.Attributes) != 2 || string(out.Attributes[0].Value) != rsatest.Class {
		t.Fatalf("got %+v, want an Accept with Class and Filter-Id", out)
	}
}

// chosenPIN goes through New PIN mode with a PIN of erin's choice, up to the new passcode. at is called
// before each answer.
func (r *rsa) chosenPIN(at func(step int)) *login.Dialogue {
	r.t.Helper()
	r.AddUser("erin", "", "seed", rsatest.ModeNewPIN)
	at(0)
	d := asks(r.t, r.forward(r.Tokencode("erin"), nil), login.StepNewPIN, rsatest.PromptNewPIN)
	at(1)
	d = asks(r.t, r.forward("NewPin12", d), login.StepConfirmPIN, rsatest.PromptConfirmPIN)
	at(2)
	d = asks(r.t, r.forward("NewPin12", d), login.StepPasscode, rsatest.PromptAccepted)
	r.wait()
	return d
}

func TestDialogues(t *testing.T) {
	nowhere := func(int) {}
	for name, form := range map[string]rsatest.StateForm{"RSA": rsatest.StateRSA, "SBR": rsatest.StateSBR} {
		t.Run(name+" new PIN, chosen", func(t *testing.T) {
			r := newRSA(t, form)
			d := r.chosenPIN(nowhere)
			accepted(t, r.forward("NewPin12"+r.Tokencode("erin"), d))
		})
		t.Run(name+" new PIN, made by the server", func(t *testing.T) {
			r := newRSA(t, form)
			r.AddUser("erin", "", "seed", rsatest.ModeSystemPIN)
			d := asks(t, r.forward(r.Tokencode("erin"), nil), login.StepNewPIN, rsatest.PromptSystemPIN)
			d = asks(t, r.forward("y", d), login.StepNewPIN, "Your new PIN is: ")
			_, pin, _ := strings.Cut(d.Text.Reveal(), "Your new PIN is: ")
			pin, _, _ = strings.Cut(pin, "\r\n")
			d = asks(t, r.forward("y", d), login.StepPasscode, rsatest.PromptAccepted)
			r.wait()
			accepted(t, r.forward(pin+r.Tokencode("erin"), d))
			if r.PIN("erin") != pin {
				t.Errorf("the PIN is %q, shown was %q", r.PIN("erin"), pin)
			}
		})
		t.Run(name+" next tokencode", func(t *testing.T) {
			r := newRSA(t, form)
			r.AddUser("erin", "PinPin12", "seed", rsatest.ModeNextTokencode)
			d := asks(t, r.forward("PinPin12"+r.Tokencode("erin"), nil), login.StepNextTokencode, rsatest.PromptNextTokencode)
			r.wait()
			accepted(t, r.forward(r.Tokencode("erin"), d))
		})
	}
}

// TestR10EnterForASystemPIN: the empty answer goes to the server where it asks for one, and nowhere else.
func TestR10EnterForASystemPIN(t *testing.T) {
	r := newRSAWith(t, rsatest.Config{EnterMakesPIN: true})
	r.AddUser("erin", "", "seed", rsatest.ModeNewPIN)
	d := asks(t, r.forward(r.Tokencode("erin"), nil), login.StepNewPIN, "or press Enter for a system-generated PIN:")
	d = asks(t, r.forward("", d), login.StepNewPIN, "Your new PIN is: ")
	_, pin, _ := strings.Cut(d.Text.Reveal(), "Your new PIN is: ")
	pin, _, _ = strings.Cut(pin, "\r\n")
	if out := r.forward("", d); out.Result != login.ForwardRejected || out.Consumed {
		t.Errorf("an empty answer to another question: %+v", out)
	}
	d = asks(t, r.forward("y", d), login.StepPasscode, rsatest.PromptAccepted)
	r.wait()
	accepted(t, r.forward(pin+r.Tokencode("erin"), d))
}

func TestDialogueEndsWhenItsServerDies(t *testing.T) {
	for step := range 3 {
		r := newRSA(t, rsatest.StateRSA)
		r.AddUser("erin", "", "seed", rsatest.ModeNewPIN)
		var d *login.Dialogue
		answers := []string{r.Tokencode("erin"), "NewPin12", "NewPin12"}
		for _, answer := range answers[:step] {
			d = r.forward(answer, d).Dialogue
		}
		stop(t, r.primary)
		out := r.forward(answers[step], d)
		if step == 0 { // nothing has been read by the primary: the replica begins the dialogue
			if out.Result != login.ForwardChallenged || out.Server != r.replica.Addr() {
				t.Errorf("first passcode: %+v", out)
			}
			continue
		}
		if out.Result != login.ForwardUnavailable || out.Consumed || out.Server != r.primary.Addr() {
			t.Errorf("step %d: %+v", step, out)
		}
		if r.replica.Seen(answers[step]) != 0 {
			t.Errorf("step %d: the replica got an answer of the primary's dialogue", step)
		}
	}
}

func TestLostRepliesReachTheServerOnce(t *testing.T) {
	r := newRSA(t, rsatest.StateRSA)
	r.AddUser("erin", "PinPin12", "seed", rsatest.ModeReady)
	for lost := range 3 {
		passcode := "PinPin12" + r.Tokencode("erin")
		r.primary.LoseReplies(lost)
		accepted(t, r.forward(passcode, nil))
		if n := r.primary.Seen(passcode) + r.replica.Seen(passcode); n != 1 {
			t.Errorf("%d replies lost: the passcode was judged %d times", lost, n)
		}
		r.wait()
	}
}

func TestPasscodeWhoseReplyNeverCameGoesNowhereElse(t *testing.T) {
	r := newRSA(t, rsatest.StateRSA)
	r.AddUser("erin", "PinPin12", "seed", rsatest.ModeReady)
	passcode := "PinPin12" + r.Tokencode("erin")
	r.primary.LoseReplies(10)
	if out := r.forward(passcode, nil); out.Result != login.ForwardUnavailable || !out.Consumed {
		t.Errorf("got %+v", out)
	}
	if r.primary.Seen(passcode) != 1 || r.replica.Seen(passcode) != 0 {
		t.Errorf("judged %d and %d times", r.primary.Seen(passcode), r.replica.Seen(passcode))
	}
}

func TestRefusalAndReuse(t *testing.T) {
	r := newRSA(t, rsatest.StateRSA)
	r.AddUser("erin", "PinPin12", "seed", rsatest.ModeReady)
	passcode := "PinPin12" + r.Tokencode("erin")
	accepted(t, r.forward(passcode, nil))
	for _, again := range []string{passcode, "PinPin12000000"} {
		if out := r.forward(again, nil); out.Result != login.ForwardRejected || !out.Consumed {
			t.Errorf("%q: %+v", again, out)
		}
	}
}

func TestNoSecretIsLogged(t *testing.T) {
	r := newRSA(t, rsatest.StateRSA)
	r.AddUser("erin", "", "seed", rsatest.ModeSystemPIN)
	code := r.Tokencode("erin")
	d := asks(t, r.forward(code, nil), login.StepNewPIN, rsatest.PromptSystemPIN)
	d = asks(t, r.forward("y", d), login.StepNewPIN, "Your new PIN is: ")
	stop(t, r.primary)
	out := r.forward("y", d)
	for _, text := range []string{r.log.String(), out.Reason, d.Text.String()} {
		for _, secret := range []string{code, r.PIN("erin"), "Your new PIN", string(d.State), rsatest.Secret.Reveal()} {
			if secret != "" && strings.Contains(text, secret) {
				t.Errorf("%q is in %q", secret, text)
			}
		}
	}
	if !strings.Contains(r.log.String(), "upstream server is down") {
		t.Errorf("the log does not tell of the dead server: %q", r.log.String())
	}
}
