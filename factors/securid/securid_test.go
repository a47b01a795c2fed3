package securid

import (
	"context"
	"strings"
	"testing"
	"time"

	"sallyport/login"
)

// upstream is an Upstream that keeps what it was given.
type upstream struct {
	got   []login.Forwarding
	reply login.Forwarded
}

func (u *upstream) Forward(_ context.Context, f login.Forwarding) login.Forwarded {
	u.got = append(u.got, f)
	return u.reply
}

func (u *upstream) Within() time.Duration { return 4 * time.Second }

func valid() Config {
	return Config{Servers: []string{"192.0.2.7:1812"}, Secret: "a-shared-secret-of-some-length"}
}

func newFactor(t *testing.T, u Upstream, change func(*Config)) *Factor {
	t.Helper()
	c := valid()
	if change != nil {
		change(&c)
	}
	f, err := New(c, u)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFirstAnswerHasAConfiguredForm(t *testing.T) {
	const (
		usual = "pin+tokencode tokencode"
		small = "pin+tokencode"
		pin   = "pin"
		all   = "any"
	)
	for _, tt := range []struct {
		forms, answer string
		want          bool
	}{
		{usual, "PinPin12123456", true},
		{usual, "12345678123456\r\n", true},
		{usual, "123456", true},
		{usual, "١٢٣٤٥٦", true},
		{usual, "PinPin12۱۲۳۴۵۶", true},
		{usual, "PinPin1123456", false},
		{usual, "PinPin1212345x", false},
		{usual, "Pin-in12123456", false},
		{usual, "PinPin12 123456", true},
		{usual, "PinPin12123456 ", true},
		{usual, "Pin Pin12123456", false},
		{usual, "Pin\u200bPin12\u2011123\u00a0456\u200b", true},
		{usual, "\ufeff１２３ ４５６", true},
		{usual, "123456x", false},
		{usual, "PïnPin12123456", false},
		{usual, "PinPin12١٢٣٤٥", false},
		{usual, "", false},
		{usual, "\n", false},
		{usual, "y", false},
		{small, "123456", false},
		{pin, "PinPin12", true},
		{pin, "PinPin1", false},
		{pin, "PinPin12123456", false},
		{all, "a fixed passcode!", true},
		{all, "", false},
		{all, "a\x00b", false},
		{all, "\xff\xfe", false},
		{all, strings.Repeat("x", 64), true},
		{all, strings.Repeat("x", 65), false},
		{all, strings.Repeat("€", 50), false},
	} {
		f := newFactor(t, &upstream{}, func(c *Config) { c.Forms = strings.Fields(tt.forms) })
		if got := f.Acceptable(tt.answer); got != tt.want {
			t.Errorf("%s: %q is acceptable: %v, want %v", tt.forms, tt.answer, got, tt.want)
		}
	}
	long := newFactor(t, &upstream{}, func(c *Config) { c.PINLength, c.TokencodeLength = 4, 8 })
	if !long.Acceptable("abcd12345678") || long.Acceptable("PinPin12123456") {
		t.Error("the configured lengths are not heeded")
	}
}

// TestR3WhichAnswersAreReusable: a PIN alone, or what the site says; what holds a tokencode never.
func TestR3WhichAnswersAreReusable(t *testing.T) {
	none := []string{}
	for _, tt := range []struct {
		forms    string
		reusable []string
		answer   string
		want     bool
	}{
		{"pin+tokencode tokencode", nil, "PinPin12123456", false},
		{"pin+tokencode tokencode", nil, "123456", false},
		{"pin+tokencode tokencode pin", nil, "PinPin12", true},
		{"pin+tokencode tokencode pin", nil, "Pin\u200bPin12 ", true},
		{"pin+tokencode tokencode pin", nil, "12345678", true},
		{"pin+tokencode tokencode pin", nil, "123456", false},
		{"pin+tokencode tokencode pin", nil, "PinPin12123456", false},
		{"pin+tokencode tokencode pin", none, "PinPin12", false},
		{"pin", nil, "PinPin12", true},
		{"any", nil, "a fixed passcode", false},
		{"any", []string{"any"}, "a fixed passcode", true},
		{"any", []string{"any"}, "PinPin12123456", false},
		{"any", []string{"any"}, "123456", false},
		{"pin any", nil, "PinPin12", true},
		{"pin any", nil, "a fixed passcode", false},
	} {
		f := newFactor(t, &upstream{}, func(c *Config) { c.Forms, c.ReusableForms = strings.Fields(tt.forms), tt.reusable })
		if got := f.Reusable(tt.answer); got != tt.want {
			t.Errorf("%s, reusable %q: %q: %v, want %v", tt.forms, tt.reusable, tt.answer, got, tt.want)
		}
	}
	eight := newFactor(t, &upstream{}, func(c *Config) { c.Forms, c.TokencodeLength = []string{"pin", "tokencode"}, 8 })
	if eight.Reusable("12345678") || !eight.Reusable("PinPin12") {
		t.Error("what may be a tokencode is reusable, or a PIN is not")
	}
	for form, why := range map[string]string{"pin+tokencode": "holds a tokencode", "tokencode": "holds a tokencode", "pin": "none of forms", "nonsense": "none of forms"} {
		c := valid()
		if c.ReusableForms = []string{form}; c.Validate() == nil || !strings.Contains(c.Validate().Error(), "reusable_forms: \""+form+"\" ") || !strings.Contains(c.Validate().Error(), why) {
			t.Errorf("%s: %v", form, c.Validate())
		}
	}
}

func TestWhatIsForwardedIsWhatWasTyped(t *testing.T) {
	u := &upstream{reply: login.Forwarded{Result: login.ForwardAccepted, Consumed: true}}
	f := newFactor(t, u, nil)
	dialogue := &login.Dialogue{Server: "192.0.2.7:1812", State: []byte("s")}
	for _, tt := range []struct {
		dialogue    *login.Dialogue
		typed, want string
	}{
		{nil, "PinPin12123456\r\n", "PinPin12123456"},
		{nil, "PinPin12١٢٣٤٥٦", "PinPin12123456"},
		{dialogue, " New Pin! \n", " New Pin! "},
		{nil, "Pin\u200bPin12\u2011１２३ 456\u200b", "PinPin12123456"},
		{dialogue, "y", "y"},
		{dialogue, "New\u200bPin-\u0661", "NewPin-1"},
		{&login.Dialogue{Step: login.StepNextTokencode}, "123\u2060 456", "123456"},
	} {
		u.got = nil
		out := f.Forward(t.Context(), login.Forwarding{Username: "alice", Answer: login.Secret(tt.typed), Dialogue: tt.dialogue})
		if out.Result != login.ForwardAccepted || len(u.got) != 1 || u.got[0].Answer.Reveal() != tt.want {
			t.Errorf("%q: %+v, forwarded %+v", tt.typed, out, u.got)
		}
	}
	u.got = nil
	for _, tt := range []login.Forwarding{{Answer: "short"}, {Answer: "", Dialogue: dialogue}, {Answer: "a\x00", Dialogue: dialogue}} {
		if out := f.Forward(t.Context(), tt); out.Result != login.ForwardRejected || out.Consumed || out.Reason == "" || len(u.got) != 0 {
			t.Errorf("%q: %+v, forwarded %+v", tt.Answer.Reveal(), out, u.got)
		}
	}
}

func TestUserIsNamedAsTheServerWants(t *testing.T) {
	for _, tt := range []struct {
		username, strip, name, want string
	}{
		{"", "", "alice", "alice"},
		{"", "", `CORP\alice`, `CORP\alice`},
		{"", "", "alice@corp.example", "alice@corp.example"},
		{"upn-local", "", "alice@corp.example", "alice"},
		{"upn-local", "", "alice@home@corp.example", "alice@home"},
		{"upn-local", "", "@corp.example", "@corp.example"},
		{"", "CORP corp.example", `corp\alice`, "alice"},
		{"", "CORP corp.example", "alice@CORP.example", "alice"},
		{"", "CORP corp.example", "alice@other.example", "alice@other.example"},
		{"", "CORP", `CORP\`, `CORP\`},
	} {
		u := &upstream{}
		f := newFactor(t, u, func(c *Config) { c.Username, c.DomainStrip = tt.username, strings.Fields(tt.strip) })
		f.Forward(t.Context(), login.Forwarding{Username: tt.name, Answer: "123456"})
		if got := u.got[0].Username; got != tt.want {
			t.Errorf("%+v: sent as %q", tt, got)
		}
	}
}

func TestChallengeIsRecognised(t *testing.T) {
	for _, tt := range []struct {
		state, text string
		want        login.Step
	}{
		{"RSA|a|b|SECURID_NEWPIN", "anything", login.StepNewPIN},
		{"RSA|a|b|SECURID_NEWPIN_CONFIRM", "anything", login.StepConfirmPIN},
		{"SBR-CH 3|1\x00", "Enter a new PIN having from 4 to 8 alphanumeric characters:", login.StepNewPIN},
		{"SBR-CH 4|1\x00", "Please re-enter new PIN:", login.StepConfirmPIN},
		{"SBR-CH 5|1\x00", "PIN Accepted.\r\nWait for the token code to change,\r\nthen enter the new passcode:", login.StepPasscode},
		{"SBR-CH 6|1\x00", "Wait for the tokencode to change, then enter the new tokencode :", login.StepNextTokencode},
		{"s", "\r\nPlease Enter the Next Code from Your Token:", login.StepNextTokencode},
		{"s", "Are you prepared to accept a system-generated PIN [y/n]?", login.StepNewPIN},
		{"s", "Your new PIN is: 1234", login.StepNewPIN},
		{"s", "Bitte warten", login.StepPasscode},
		{"s", "", login.StepPasscode},
	} {
		d := login.Dialogue{Server: "192.0.2.7:1812", State: []byte(tt.state), Text: login.Secret(tt.text), Step: login.StepPasscode}
		u := &upstream{reply: login.Forwarded{Result: login.ForwardChallenged, Dialogue: &d, Consumed: true}}
		out := newFactor(t, u, nil).Forward(t.Context(), login.Forwarding{Username: "alice", Answer: "123456"})
		if out.Dialogue.Step != tt.want || out.Dialogue.Text.Reveal() != tt.text || string(out.Dialogue.State) != tt.state {
			t.Errorf("%q %q: %+v", tt.state, tt.text, out.Dialogue)
		}
	}
	own := newFactor(t, &upstream{}, func(c *Config) { c.Steps.NewPIN = []string{"neue PIN"} })
	if got := own.cfg.Steps.recognise(&login.Dialogue{Text: "Bitte eine Neue PIN:"}); got != login.StepNewPIN {
		t.Errorf("an own pattern: %s", got)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"servers: missing":      func(c *Config) { c.Servers = nil },
		"servers: ":             func(c *Config) { c.Servers = []string{"192.0.2.7"} },
		"twice":                 func(c *Config) { c.Servers = append(c.Servers, c.Servers...) },
		"secret: missing":       func(c *Config) { c.Secret = "" },
		"secret: the shared":    func(c *Config) { c.Secret = "short" },
		"pin_length: ":          func(c *Config) { c.PINLength = 9 },
		"tokencode_length: ":    func(c *Config) { c.TokencodeLength = 7 },
		"forms: ":               func(c *Config) { c.Forms = []string{"tokencode+pin"} },
		"username: ":            func(c *Config) { c.Username = "upn" },
		"message_authenticator": func(c *Config) { c.MessageAuthenticator = "yes" },
		"timeout: ":             func(c *Config) { c.Timeout = time.Minute },
		"nas_address: ":         func(c *Config) { c.NASAddress = "here" },
		"nas_identifier: ":      func(c *Config) { c.NASIdentifier = strings.Repeat("x", 254) },
		"domain_strip: ":        func(c *Config) { c.DomainStrip = []string{`CORP\`} },
		"steps.confirm_pin: ":   func(c *Config) { c.Steps.ConfirmPIN = []string{"state:"} },
	} {
		c := valid()
		change(&c)
		_, err := New(c, &upstream{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "short") {
			t.Errorf("%q: %v", want, err)
		}
	}
	if _, err := New(valid(), nil); err == nil {
		t.Error("taken without an upstream")
	}
	if err := valid().Validate(); err != nil {
		t.Error(err)
	}
}

func TestEffectiveIsWhole(t *testing.T) {
	c, ok := valid().Effective().(Config)
	if !ok || c.PINLength != 8 || c.TokencodeLength != 6 || c.Timeout != DefaultTimeout || len(c.Forms) != 2 || c.Username != "name" || len(c.Steps.NewPIN) == 0 {
		t.Errorf("got %+v", c)
	}
}

func TestFactorAsksWithoutEchoAndJudgesNothing(t *testing.T) {
	f := newFactor(t, &upstream{}, nil)
	p, err := f.Challenge(t.Context(), login.User{}, login.Credential{})
	if err != nil || p.Step != login.StepPasscode || p.Echo {
		t.Errorf("%+v, %v", p, err)
	}
	if found, err := f.Verify(t.Context(), time.Now(), login.User{}, login.Credential{}, "123456"); err == nil || found.Number != 0 {
		t.Errorf("%+v, %v", found, err)
	}
	if f.Name() != "securid" || f.Within() != 4*time.Second {
		t.Errorf("%s, %v", f.Name(), f.Within())
	}
}
