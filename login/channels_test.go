package login_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"sallyport/login"
)

// sender is a login.Sender whose messages are kept instead of sent. Its codes are 9 and five digits
// of the key and the number, which is as good as any for a test.
type sender struct {
	name    string
	trouble error

	mu       sync.Mutex
	messages []login.Message
	notices  []login.Notice
	seen     int // messages that a script has counted
}

var _ login.Sender = (*sender)(nil)

func newSender(name string) *sender { return &sender{name: name} }

func (s *sender) Name() string { return s.name }

func (s *sender) Challenge(context.Context, login.User, login.Credential) (login.Prompt, error) {
	return login.Prompt{Step: login.StepOTP, Echo: true}, nil
}

func (s *sender) Verify(context.Context, time.Time, login.User, login.Credential, string) (login.Finding, error) {
	panic("not asked of a sender")
}

func (s *sender) ParseAddress(text string) (login.Address, error) {
	want := map[string]string{"email": "@", "sms": "+"}[s.name]
	if !strings.Contains(text, want) || strings.Contains(text, "bad") || len(text) < 4 {
		return login.Address{}, fmt.Errorf("%w: it has no %s", login.ErrAddress, want)
	}
	text = strings.ToLower(text)
	masked := text[:1] + "•••" + text[len(text)-2:]
	if local, domain, ok := strings.Cut(text, "@"); ok && local != "" {
		masked = local[:1] + "•••@" + domain
	}
	return login.Address{Text: text, Display: text, Masked: masked, Country: "PK", Unsure: strings.HasPrefix(text, "+54")}, nil
}

func (s *sender) DirectoryAddress(u login.User) string {
	return map[string]string{"email": u.Mail, "sms": u.Phone}[s.name]
}

func (s *sender) Code(key []byte, number uint64) (string, error) {
	return fmt.Sprintf("9%05d", (uint64(key[0])<<8+uint64(key[1])+number*7919)%100000), nil
}

func (s *sender) Limits() login.SendLimits { return login.DefaultSendLimits() }

func (s *sender) Send(_ context.Context, m login.Message) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, m)
	return "server1", s.trouble
}

func (s *sender) Tell(_ context.Context, n login.Notice) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notices = append(s.notices, n)
	return "server1", nil
}

// code is the code of the newest message, or of the one before by so many.
func (s *sender) code(before int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.messages[len(s.messages)-1-before].Code.Reveal()
}

// forwarder is a login.Forwarder whose outcomes scripts give in advance.
type forwarder struct {
	mu       sync.Mutex
	outcomes []login.Forwarded
	seen     []login.Forwarding
	// hold is what an answer waits for before it has an outcome; nil means nothing.
	hold chan struct{}
}

var _ login.Forwarder = (*forwarder)(nil)

func (f *forwarder) Name() string { return "securid" }

func (f *forwarder) Challenge(context.Context, login.User, login.Credential) (login.Prompt, error) {
	return login.Prompt{Step: login.StepPasscode}, nil
}

func (f *forwarder) Verify(context.Context, time.Time, login.User, login.Credential, string) (login.Finding, error) {
	panic("not asked of a forwarder")
}

func (f *forwarder) Acceptable(answer string) bool {
	return len(answer) == 14 && !strings.Contains(answer, "-")
}
func (f *forwarder) Canonical(answer string) string { return strings.ReplaceAll(answer, "٦", "6") }

// Reusable: a PIN of letters alone.
func (f *forwarder) Reusable(answer string) bool { return !strings.ContainsAny(answer, "0123456789") }
func (f *forwarder) Within() time.Duration       { return time.Second }

func (f *forwarder) Forward(_ context.Context, a login.Forwarding) login.Forwarded {
	if f.hold != nil {
		<-f.hold
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, a)
	if len(f.outcomes) == 0 {
		return login.Forwarded{Result: login.ForwardRejected, Consumed: true, Server: "rsa1"}
	}
	out := f.outcomes[0]
	f.outcomes = f.outcomes[1:]
	return out
}

// next adds an outcome: "accepts", "rejects", "asks step=… text=…", "is-silent", "is-away" (nothing
// can have been read), "is-wrong" (misconfigured).
func (f *forwarder) next(fields []string, args args) {
	out := login.Forwarded{Server: "rsa1", Consumed: true}
	switch fields[0] {
	case "accepts":
		out.Result = login.ForwardAccepted
		out.Attributes = []login.Attribute{{Type: 25, Value: []byte("class")}, {Vendor: 9, Type: 1, Value: []byte("shell")}}
	case "asks":
		out.Result = login.ForwardChallenged
		out.Dialogue = &login.Dialogue{
			Server: "rsa1", State: []byte(fmt.Sprint("state", len(f.seen))), Step: login.Step(args["step"]),
			Text: login.Secret(strings.ReplaceAll(args["text"], "_", " ")),
		}
	case "is-silent":
		out.Result = login.ForwardUnavailable
	case "is-away":
		out.Result, out.Consumed = login.ForwardUnavailable, false
	case "is-wrong":
		out.Result = login.ForwardMisconfigured
	}
	f.outcomes = append(f.outcomes, out)
}

// taken counts the codes that were sent since it was last asked.
func (w *world) taken() string {
	n := 0
	for _, s := range []*sender{w.mail, w.phone} {
		s.mu.Lock()
		n += len(s.messages) - s.seen
		s.seen = len(s.messages)
		s.mu.Unlock()
	}
	return strconv.Itoa(n)
}

// sentOrIssued returns the code that was sent ("mail", "mail-1" for the one before, "sms"), or issued
// ("bypass", "invitation", "recovery", "recovery2" …).
func (w *world) sentOrIssued(which string) (string, bool) {
	name, before, _ := strings.Cut(which, "-")
	n, _ := strconv.Atoi(before)
	switch name {
	case "mail":
		return w.mail.code(n), true
	case "sms":
		return w.phone.code(n), true
	}
	kind := strings.TrimRight(which, "0123456789")
	if codes := w.issued[kind]; len(codes) > 0 {
		n, _ := strconv.Atoi(strings.TrimPrefix(which, kind))
		return codes[max(n, 1)-1], true
	}
	return "", false
}

// password is the password of a request, with the code appended where the script says so.
func (w *world) password(args args) string {
	password := w.unquote(args["password"])
	if code, ok := args["code"]; ok {
		code = w.code(args["of"], code)
		if args["mode"] == "otp-only" {
			return code
		}
		return password + "," + code
	}
	return password
}

func modes() map[string]login.Mode {
	return map[string]login.Mode{"append": login.ModeAppend, "otp-only": login.ModeOTPOnly}
}

func profiles() map[string]login.Profile {
	return map[string]login.Profile{"asa-sdi": login.ProfileASASDI, "upstream": login.ProfileUpstream}
}

func tagOf(text string) (tag login.Tag) {
	copy(tag[:], text)
	return tag
}

// noticesOf lists what was told to an address.
func (s *sender) noticesOf(address string) []login.NoticeKind {
	s.mu.Lock()
	defer s.mu.Unlock()
	var kinds []login.NoticeKind
	for _, n := range s.notices {
		if n.To.Text == address {
			kinds = append(kinds, n.Kind)
		}
	}
	slices.Sort(kinds)
	return kinds
}
