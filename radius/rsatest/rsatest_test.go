package rsatest_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/login"
	"sallyport/radius"
	"sallyport/radius/rsatest"
)

// site is a manager under a clock set by hand, with one server and a client of it.
type site struct {
	*rsatest.Manager
	clock  *clock
	server *rsatest.Server
	caller *radius.Caller
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// wait lets the tokencode change.
func (s *site) wait() {
	s.clock.mu.Lock()
	defer s.clock.mu.Unlock()
	s.clock.now = s.clock.now.Add(rsatest.TokenInterval)
}

func newSite(t *testing.T, cfg rsatest.Config) *site {
	t.Helper()
	s := &site{clock: &clock{now: time.Unix(1_800_000_000, 0)}}
	cfg.Now = s.clock.Now
	s.Manager = rsatest.New(cfg)
	s.server = s.start(t)
	s.caller = dial(t, s.server, rsatest.Secret)
	return s
}

func (s *site) start(t *testing.T) *rsatest.Server {
	t.Helper()
	server, err := s.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func dial(t *testing.T, s *rsatest.Server, secret login.Secret) *radius.Caller {
	t.Helper()
	c, err := radius.Dial(radius.CallerConfig{
		Server: s.Addr(), Secret: secret, Timing: radius.Timing{Initial: 50 * time.Millisecond, Transmissions: 4, Total: 2 * time.Second},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// ask sends one answer and returns the reply; nil means that none came.
func (s *site) ask(t *testing.T, name, answer, state string) *radius.Response {
	t.Helper()
	r, err := s.caller.Exchange(t.Context(), radius.Message{Username: name, Password: login.Secret(answer), State: state})
	if err != nil {
		return nil
	}
	return r
}

// want fails unless the reply has this verdict and, of a challenge, this prompt.
func want(t *testing.T, r *radius.Response, verdict login.Verdict, prompt string) string {
	t.Helper()
	if r == nil || r.Verdict != verdict || verdict == login.Challenge && r.Message != prompt {
		t.Fatalf("got %+v, want %s %q", r, verdict, prompt)
	}
	if verdict == login.Challenge && r.Prompt.Echo {
		t.Error("Prompt is not 0")
	}
	return r.State
}

func TestPasscodeIsGoodOnce(t *testing.T) {
	s := newSite(t, rsatest.Config{})
	s.AddUser("erin", "PinPin12", "seed", rsatest.ModeReady)
	passcode := "PinPin12" + s.Tokencode("erin")
	r := s.ask(t, "erin", passcode, "")
	want(t, r, login.Accept, "")
	if class := r.Packet.Get(25); string(class) != rsatest.Class {
		t.Errorf("Class %q", class)
	}
	want(t, s.ask(t, "erin", passcode, ""), login.Reject, "")
	s.wait()
	for _, wrong := range []string{s.Tokencode("erin"), "pinpin12" + s.Tokencode("erin"), "PinPin12000000", ""} {
		want(t, s.ask(t, "erin", wrong, ""), login.Reject, "")
	}
	want(t, s.ask(t, "nobody", "PinPin12"+s.Tokencode("erin"), ""), login.Reject, "")
	if n := s.server.Seen(passcode); n != 2 {
		t.Errorf("seen %d times", n)
	}
}

func TestWrongPasscodesLeadToNextTokencodeModeAndLockout(t *testing.T) {
	s := newSite(t, rsatest.Config{LockoutAfter: 6})
	s.AddUser("erin", "1234", "seed", rsatest.ModeReady)
	for range 3 {
		want(t, s.ask(t, "erin", "1234000000", ""), login.Reject, "")
	}
	state := want(t, s.ask(t, "erin", "1234"+s.Tokencode("erin"), ""), login.Challenge, rsatest.PromptNextTokencode)
	want(t, s.ask(t, "erin", "000000", state), login.Reject, "") // one chance
	s.wait()
	want(t, s.ask(t, "erin", s.Tokencode("erin"), state), login.Reject, "")
	state = want(t, s.ask(t, "erin", "1234"+s.Tokencode("erin"), ""), login.Challenge, rsatest.PromptNextTokencode)
	s.wait()
	want(t, s.ask(t, "erin", s.Tokencode("erin"), state), login.Accept, "")
	s.wait()
	want(t, s.ask(t, "erin", "1234"+s.Tokencode("erin"), ""), login.Accept, "")
	for range 6 {
		want(t, s.ask(t, "erin", "1234000000", ""), login.Reject, "")
	}
	s.wait()
	if want(t, s.ask(t, "erin", "1234"+s.Tokencode("erin"), ""), login.Reject, ""); !s.Locked("erin") {
		t.Error("not locked out")
	}
}

func TestNewPINIsChosenAndRepeated(t *testing.T) {
	s := newSite(t, rsatest.Config{StateForm: rsatest.StateSBR})
	s.AddUser("erin", "", "seed", rsatest.ModeNewPIN)
	state := want(t, s.ask(t, "erin", s.Tokencode("erin"), ""), login.Challenge, rsatest.PromptNewPIN)
	if state != "SBR-CH 1|1\x00" {
		t.Errorf("State %q", state)
	}
	state = want(t, s.ask(t, "erin", "no", state), login.Challenge, rsatest.PromptNewPIN)
	state = want(t, s.ask(t, "erin", "NewPin1", state), login.Challenge, rsatest.PromptConfirmPIN)
	state = want(t, s.ask(t, "erin", "NewPin2", state), login.Challenge, rsatest.PromptNewPIN)
	state = want(t, s.ask(t, "erin", "NewPin1", state), login.Challenge, rsatest.PromptConfirmPIN)
	want(t, s.ask(t, "frank", "NewPin1", state), login.Reject, "") // a State of someone else
	s.wait()
	state = want(t, s.ask(t, "erin", s.Tokencode("erin"), ""), login.Challenge, rsatest.PromptNewPIN)
	state = want(t, s.ask(t, "erin", "NewPin1", state), login.Challenge, rsatest.PromptConfirmPIN)
	state = want(t, s.ask(t, "erin", "NewPin1", state), login.Challenge, rsatest.PromptAccepted)
	s.wait()
	want(t, s.ask(t, "erin", "NewPin1"+s.Tokencode("erin"), state), login.Accept, "")
	if s.PIN("erin") != "NewPin1" {
		t.Errorf("PIN %q", s.PIN("erin"))
	}
}

func TestNewPINOfOneLengthOnly(t *testing.T) {
	const prompt = "Enter a new PIN having 8 alphanumeric characters:"
	s := newSite(t, rsatest.Config{MinPIN: 8})
	s.AddUser("erin", "", "seed", rsatest.ModeNewPIN)
	state := want(t, s.ask(t, "erin", s.Tokencode("erin"), ""), login.Challenge, prompt)
	for _, wrong := range []string{"NewPin1", "NewPin123"} {
		state = want(t, s.ask(t, "erin", wrong, state), login.Challenge, prompt)
	}
	want(t, s.ask(t, "erin", "NewPin12", state), login.Challenge, rsatest.PromptConfirmPIN)
}

func TestSystemPINIsShownAndAccepted(t *testing.T) {
	s := newSite(t, rsatest.Config{})
	s.AddUser("erin", "", "seed", rsatest.ModeSystemPIN)
	state := want(t, s.ask(t, "erin", s.Tokencode("erin"), ""), login.Challenge, rsatest.PromptSystemPIN)
	if !strings.HasPrefix(state, "RSA|") || !strings.HasSuffix(state, "|SECURID_SYSTEMPIN") || len(state) > 110 {
		t.Errorf("State %q", state)
	}
	r := s.ask(t, "erin", "y", state)
	_, pin, _ := strings.Cut(r.Message, "Your new PIN is: ")
	pin, _, _ = strings.Cut(pin, "\r\n")
	state = want(t, s.ask(t, "erin", "y", r.State), login.Challenge, rsatest.PromptAccepted)
	s.wait()
	want(t, s.ask(t, "erin", pin+s.Tokencode("erin"), state), login.Accept, "")

	s.AddUser("frank", "", "other seed", rsatest.ModeSystemPIN)
	state = want(t, s.ask(t, "frank", s.Tokencode("frank"), ""), login.Challenge, rsatest.PromptSystemPIN)
	want(t, s.ask(t, "frank", "n", state), login.Reject, "")
}

func TestReplicaSharesTokensButNoDialogues(t *testing.T) {
	s := newSite(t, rsatest.Config{})
	s.AddUser("erin", "", "seed", rsatest.ModeNewPIN)
	s.AddUser("frank", "1234", "other seed", rsatest.ModeReady)
	state := want(t, s.ask(t, "erin", s.Tokencode("erin"), ""), login.Challenge, rsatest.PromptNewPIN)
	want(t, s.ask(t, "frank", "1234"+s.Tokencode("frank"), ""), login.Accept, "")
	primary := s.caller
	s.caller = dial(t, s.start(t), rsatest.Secret)
	want(t, s.ask(t, "erin", "NewPin1", state), login.Reject, "")
	want(t, s.ask(t, "frank", "1234"+s.Tokencode("frank"), ""), login.Reject, "")
	s.caller = primary
	want(t, s.ask(t, "erin", "NewPin1", state), login.Challenge, rsatest.PromptConfirmPIN)
}

func TestLostReplyIsRepeatedAndSilenceJudgesNothing(t *testing.T) {
	s := newSite(t, rsatest.Config{})
	s.AddUser("erin", "1234", "seed", rsatest.ModeReady)
	s.server.LoseReplies(2)
	passcode := "1234" + s.Tokencode("erin")
	r := s.ask(t, "erin", passcode, "")
	if want(t, r, login.Accept, ""); r.Sent < 3 || s.server.Seen(passcode) != 1 {
		t.Errorf("sent %d times, judged %d times", r.Sent, s.server.Seen(passcode))
	}
	s.wait()
	s.server.Silence(true)
	passcode = "1234" + s.Tokencode("erin")
	if r := s.ask(t, "erin", passcode, ""); r != nil || s.server.Seen(passcode) != 0 {
		t.Errorf("a silent server answered %+v", r)
	}
	if _, err := s.caller.Exchange(t.Context(), radius.Message{Status: true}); err == nil {
		t.Error("a silent server answered Status-Server")
	}
	s.server.Silence(false)
	want(t, s.ask(t, "erin", passcode, ""), login.Accept, "")
}
