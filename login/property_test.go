package login_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sallyport/login"
)

// recorder is a ledger that notes what was accepted, and fails as it is told: before a command has had
// its effect, or after.
type recorder struct {
	login.Ledger
	accepted []login.Settlement
	fails    int // 0 never, 1 before, 2 after the effect
}

func (r *recorder) Settle(ctx context.Context, s login.Settlement) (login.Outcome, error) {
	return r.note(s, func() (login.Outcome, error) { return r.Ledger.Settle(ctx, s) })
}

func (r *recorder) Conclude(ctx context.Context, s login.Settlement, c login.Conclusion) (login.Outcome, error) {
	return r.note(s, func() (login.Outcome, error) { return r.Ledger.Conclude(ctx, s, c) })
}

func (r *recorder) Claim(ctx context.Context, s login.Settlement, c login.Claim) (login.Outcome, error) {
	out, err := r.note(s, func() (login.Outcome, error) { return r.Ledger.Claim(ctx, s, c) })
	if out.Pending { // its outcome was lost, and nobody waits for it here
		return login.Outcome{}, login.ErrUnavailable
	}
	return out, err
}

func (r *recorder) Open(ctx context.Context, o login.Opening) (login.Opened, error) {
	if r.fails == 1 {
		return login.Opened{}, login.ErrUnavailable
	}
	opened, err := r.Ledger.Open(ctx, o)
	if r.fails == 2 {
		return login.Opened{}, login.ErrUnavailable
	}
	return opened, err
}

func (r *recorder) note(s login.Settlement, effect func() (login.Outcome, error)) (login.Outcome, error) {
	if r.fails == 1 {
		return login.Outcome{}, login.ErrUnavailable
	}
	out, err := effect()
	if err == nil && out.Code == login.CodeAccepted {
		r.accepted = append(r.accepted, s)
	}
	if r.fails == 2 {
		return login.Outcome{}, login.ErrUnavailable
	}
	return out, err
}

// gambler plays random conversations and knows, apart from the engine, what could be right.
type gambler struct {
	*world
	*rapid.T
	ledger  *recorder
	prompts []prompted
	// used are the answers that let somebody in, by user and answer, with the State that they came under.
	used map[string]string
}

// prompted is a challenge that somebody may answer.
type prompted struct {
	origin login.Origin
	user   string
	reply  login.Reply
}

// No sequence of steps, actions and failures lets anyone in without a second factor that was recorded,
// or an exemption that was; no answer lets anyone in twice.
func TestNoAcceptWithoutARecord(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		g := &gambler{world: w, T: rt, ledger: &recorder{Ledger: w.ledger}, used: map[string]string{}}
		g.engine = w.newEngineOn(g.ledger, login.Limits{})
		g.dir.users["service"].user.Groups = []string{"sales"}
		for n := rapid.IntRange(5, 60).Draw(rt, "length"); n > 0; n-- {
			g.ledger.fails = rapid.SampledFrom([]int{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2}).Draw(rt, "ledger")
			switch rapid.IntRange(0, 9).Draw(rt, "kind") {
			case 0, 1:
				g.begin()
			case 2, 3:
				g.ledger.fails = 0
				g.disturb()
			default:
				g.answer()
			}
		}
	})
}

// rest waits for what is on its way: a login under a concealed password does not.
func (g *gambler) rest() {
	g.drain()
	g.engine = g.newEngineOn(g.ledger, login.Limits{})
}

func (g *gambler) draw(what string, from ...string) string {
	return rapid.SampledFrom(from).Draw(g.T, what)
}

func (g *gambler) origin() login.Origin {
	return login.Origin{
		Client: g.draw("client", "vpn", "vpn", "vpn", "other"), UI: rapid.Bool().Draw(g.T, "ui"),
		Policy:           g.draw("policy", "staff", "closed", "email", "sms", "all", "rsa", "rsa-or-totp", "directory", "invited", "window", "concealed", "groups"),
		CallingStationID: g.draw("station", "", "198.51.100.7"),
	}
}

func (g *gambler) begin() {
	r := login.Request{Origin: g.origin(), Username: g.user(), Password: g.draw("password", "right", "right", "right", "wrong", "")}
	answer := ""
	switch g.draw("mode", "challenge", "challenge", "challenge", "append", "otp-only") {
	case "append":
		answer = g.guess(r.Username)
		r.Mode, r.Password = login.ModeAppend, r.Password+","+answer
	case "otp-only":
		answer = g.guess(r.Username)
		r.Mode, r.Password = login.ModeOTPOnly, answer
	}
	before := len(g.ledger.accepted)
	reply, err := g.engine.Begin(context.Background(), r)
	g.rest()
	g.check(reply, err, "", answer, before)
	g.remember(r.Origin, r.Username, reply)
	if reply.Verdict == login.Accept && r.Mode != login.ModeOTPOnly && !strings.HasPrefix(r.Password, "right") {
		g.Fatalf("%s came in with the password %q", r.Username, r.Password)
	}
}

func (g *gambler) user() string {
	return g.draw("user", "alice", "ALICE", "bob", "carol", "dave", "erin", "service", "nobody")
}

func (g *gambler) remember(o login.Origin, user string, reply login.Reply) {
	if reply.State != "" {
		g.prompts = append(g.prompts, prompted{o, user, reply})
	}
}

// answer answers the last prompt or an earlier one, often as a person would, sometimes not.
func (g *gambler) answer() {
	if len(g.prompts) == 0 {
		return
	}
	at := g.prompts[len(g.prompts)-1]
	if rapid.IntRange(0, 4).Draw(g.T, "old") == 0 {
		at = rapid.SampledFrom(g.prompts).Draw(g.T, "prompt")
	}
	a := login.Answer{Origin: at.origin, State: at.reply.State, Text: g.sensible(at)}
	if rapid.IntRange(0, 2).Draw(g.T, "odd") == 0 {
		a.Text = g.guess(at.user)
		a.Action = login.Action(g.draw("action", "", "", "", "resend", "edit-address", "use-factor", "cancel", "nonsense"))
	}
	if rapid.IntRange(0, 19).Draw(g.T, "elsewhere") == 0 {
		a.Origin = g.origin()
	}
	before := len(g.ledger.accepted)
	reply, err := g.engine.Continue(context.Background(), a)
	g.rest()
	g.check(reply, err, at.reply.State, a.Text, before)
	g.remember(a.Origin, at.user, reply)
}

// sensible is what a person who holds everything would answer.
func (g *gambler) sensible(at prompted) string {
	switch at.reply.Prompt.Step {
	case login.StepChooseFactor:
		return g.draw("choice", "1", "2", "3", "email")
	case login.StepRegisterAddress:
		return g.draw("address", "a@example.org", "+15550001")
	case login.StepConfirmAddress:
		return "y"
	case login.StepPasscode:
		return fmt.Sprintf("sallyp00%06d", rapid.IntRange(0, 9).Draw(g.T, "tokencode"))
	}
	for _, s := range []*sender{g.mail, g.phone} {
		if s.name == at.reply.Factor && len(s.messages) > 0 {
			return s.code(0)
		}
	}
	if codes := g.issued[at.reply.Factor]; len(codes) > 0 {
		return codes[0]
	}
	return g.code(g.keyOf(at.user), "now")
}

// guess is something that a person may type.
func (g *gambler) guess(user string) string {
	switch g.draw("answer", "now", "next", "prev", "mail", "sms", "issued", "passcode", "word", "address", "noise") {
	case "now":
		return g.code(g.keyOf(user), "now")
	case "next":
		return g.code(g.keyOf(user), "next")
	case "prev":
		return g.code(g.keyOf(user), "prev")
	case "mail", "sms":
		s := rapid.SampledFrom([]*sender{g.mail, g.phone}).Draw(g.T, "sender")
		if len(s.messages) == 0 {
			return "900000"
		}
		return rapid.SampledFrom(s.messages).Draw(g.T, "message").Code.Reveal()
	case "issued":
		kind := g.draw("code", login.CredentialRecovery, login.CredentialBypass, login.CredentialInvitation)
		if len(g.issued[kind]) == 0 {
			return "kxwp-3fmd-9tqa"
		}
		return rapid.SampledFrom(g.issued[kind]).Draw(g.T, "which")
	case "passcode":
		return fmt.Sprintf("sallyp00%06d", rapid.IntRange(0, 3).Draw(g.T, "tokencode"))
	case "word":
		return g.draw("typed", "", "r", "b", "y", "n", "1", "2", "totp", "email", "sms", "securid")
	case "address":
		return g.draw("address", "a@example.org", "b@example.org", "+15550001", "bad")
	}
	return rapid.StringN(0, 12, 40).Draw(g.T, "noise")
}

func (g *gambler) keyOf(user string) string {
	user = strings.ToLower(user)
	if g.keys[user] == "" {
		return "alice"
	}
	return user
}

// disturb is what administrators and the world do meanwhile.
func (g *gambler) disturb() {
	user := rapid.SampledFrom([]string{"alice", "bob", "carol", "dave", "erin"}).Draw(g.T, "who")
	ctx, id := context.Background(), "test:"+user
	switch rapid.IntRange(0, 12).Draw(g.T, "disturbance") {
	case 0:
		_ = g.world.ledger.Reset(ctx, id, "") // nothing to remove is no fault here
	case 1:
		_ = g.world.ledger.Unlock(ctx, id, "")
	case 2:
		_ = g.world.ledger.Renew(ctx, id, "totp")
	case 3:
		g.must(g.world.ledger.OpenWindow(ctx, id, g.now.Add(time.Hour)))
	case 4:
		g.issue(user, g.draw("kind", login.CredentialRecovery, login.CredentialBypass, login.CredentialInvitation), "1h", "")
	case 5:
		g.dir.down = !g.dir.down
	case 6:
		g.rsa.next([]string{g.draw("outcome", "accepts", "accepts", "accepts", "rejects", "asks", "is-silent", "is-away", "is-wrong")}, args{"step": "new-pin", "text": "PIN:"})
	case 7:
		g.enrol(user, "email", []byte(user+"@example.org"))
		g.enrol(user, "sms", []byte("+15550009"))
	case 8:
		g.dir.users[user].user.Groups = []string{g.draw("group", "contractors", "cn=mail,dc=corp", "closed", "sales")}
	default:
		g.now = g.now.Add(rapid.SampledFrom([]time.Duration{time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, time.Hour}).Draw(g.T, "wait"))
	}
}

// check holds what is true of every reply.
func (g *gambler) check(reply login.Reply, err error, state, answer string, before int) {
	event := g.events[len(g.events)-1]
	if key := reply.Prompt.SecretKey.Reveal(); key != "" {
		g.keys[event.User] = key
	}
	if err != nil || reply.Verdict != login.Accept {
		return
	}
	if len(g.ledger.accepted) == before {
		g.Fatalf("an Accept without a record: %+v", event)
	}
	if strings.HasPrefix(event.Earned, "exempt(backup)") {
		if event.User != "service" {
			g.Fatalf("%s was exempt", event.User)
		}
		return
	}
	if !g.plausible(event, answer) {
		g.Fatalf("%q let %s in: %+v", answer, event.User, event)
	}
	key := event.UserID + " " + strings.TrimSpace(answer)
	if first, again := g.used[key]; again && first != state && !bypass(event) {
		g.Fatalf("%q let %s in twice: %+v", answer, event.User, event)
	}
	g.used[key] = state
}

func bypass(e login.Event) bool { return strings.Contains(e.Earned, "bypass") }

// plausible reports whether the answer is one that this user's factors, mails, codes or RSA server
// could have made right.
func (g *gambler) plausible(event login.Event, answer string) bool {
	what := strings.TrimPrefix(event.Earned, "password+")
	answer = strings.TrimSpace(answer)
	switch {
	case what == "totp":
		for offset := int64(-4); offset <= 4; offset++ {
			for _, of := range []string{event.User, "first"} {
				if g.keys[of] != "" && g.codeAt(of, offset) == answer {
					return true
				}
			}
		}
	case what == "email", what == "sms":
		for _, s := range []*sender{g.mail, g.phone} {
			for _, m := range s.messages {
				if s.name == what && m.User == event.User && m.Code.Reveal() == answer {
					return true
				}
			}
		}
	case strings.HasPrefix(what, "recovery"), strings.HasPrefix(what, "bypass"):
		kind, _, _ := strings.Cut(what, "(")
		for _, code := range g.issued[kind] {
			if login.NormalizeCode(code) == login.NormalizeCode(answer) {
				return true
			}
		}
	case what == "passcode":
		for _, f := range g.rsa.seen {
			if f.Answer.Reveal() == answer && f.Username == event.User {
				return true
			}
		}
	}
	return false
}
