//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sallyport/e2e/servers"
	"sallyport/login"
	"sallyport/radius"
	"sallyport/radius/rsatest"
	"sallyport/web/admin"
)

// thief is whoever knows somebody's password and wants to register a telephone of their own.
type thief struct {
	*visitor
	caller *radius.Caller
	// station is the Calling-Station-Id: who has one of their own shares no challenge with the others.
	station string
}

// ask sends one request.
func (f *thief) ask(state, text string, action login.Action) *radius.Response {
	f.t.Helper()
	m := radius.Message{Username: f.UID, Password: login.Secret(text), State: state, Action: action, CallingStationID: f.station}
	r, err := f.caller.Exchange(f.t.Context(), m)
	if err != nil {
		f.t.Fatalf("%q, %q: %v", text, action, err)
	}
	return r
}

// attempts are what can be said at a prompt and is no answer, so that it costs no attempt.
func attempts() []radius.Message {
	all := []radius.Message{{Action: "edit-address"}, {Action: "resend"}, {Action: "use-factor"}, {Action: "anything"}, {Password: "b"}, {}}
	for _, name := range []login.Secret{"totp", "email", "sms", "securid", "invitation", "recovery", "bypass"} {
		all = append(all, radius.Message{Password: name, Action: "use-factor"})
	}
	return all
}

// answers are some that cannot be right, each of which may cost an attempt.
func (f *thief) answers() []radius.Message {
	return []radius.Message{
		{Password: login.Secret(f.address("home"))}, {Password: login.Secret(f.address("mobile"))}, {Password: "y"},
	}
}

// assault tries everything at the first prompt, and everything again at what follows. Nothing may let
// the thief in or ask for something to register.
func (f *thief) assault() {
	f.t.Helper()
	first := f.ask("", f.Password, "")
	f.harmless("the password", first)
	if first.State == "" {
		return
	}
	for _, m := range attempts() {
		second := f.ask(first.State, m.Password.Reveal(), m.Action)
		f.harmless(fmt.Sprintf("%+v", m), second)
		for _, n := range attempts() {
			f.harmless(fmt.Sprintf("%+v, %+v", m, n), f.ask(second.State, n.Password.Reveal(), n.Action))
		}
	}
	for _, m := range f.answers() {
		f.harmless(fmt.Sprintf("%+v", m), f.ask(first.State, m.Password.Reveal(), m.Action))
	}
}

// harmless fails when a reply is more than a thief may get.
func (f *thief) harmless(said string, r *radius.Response) {
	f.t.Helper()
	switch step := r.Prompt.Step; {
	case r.Verdict == login.Accept:
		f.t.Fatalf("%s: let in", said)
	case step == login.StepRegisterTOTP, step == login.StepRegisterAddress, step == login.StepConfirmAddress:
		f.t.Fatalf("%s: may register: %+v", said, r.Reply)
	}
}

// registered are the factors that somebody has, as the administrator sees it.
func (v *visitor) registered() (names []string) {
	v.t.Helper()
	var shown admin.UserReply
	if err := json.Unmarshal([]byte(v.administer(v.t, "show", v.UID, "--json")), &shown); err != nil {
		v.t.Fatal(err)
	}
	for _, f := range shown.User.Factors {
		if f.Registered {
			names = append(names, f.Name)
		}
	}
	return names
}

// steal makes a thief of somebody's password, who asks at a client with screens.
func (w *world) steal(t *testing.T, p servers.Person) *thief {
	t.Helper()
	return &thief{w.visitor(t, p, rsatest.ModeReady), w.in(t).dial(), "203.0.113.66"}
}

// unreached fails when something was sent to where only the thief reads.
func (f *thief) unreached() {
	f.t.Helper()
	if mails, err := f.mail.Messages(f.t.Context(), f.address("home")); err != nil || len(mails) > 0 {
		f.t.Errorf("%d mails to the thief, %v", len(mails), err)
	}
	texts, err := f.phone.Texts(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	for _, text := range texts {
		if text.To == f.address("mobile") {
			f.t.Errorf("to the thief: %q", text.Body)
		}
	}
}

// prey is an account whose password was stolen.
type prey struct {
	name, group string
	// acts are an administrator's, {user} being the owner, {friend} somebody else.
	acts []string
	// has are the factors that the owner has, before and after.
	has []string
}

func preys() []prey {
	return []prey{
		{"closed", "closed", nil, nil},
		{"no rule for the group", "nothing", nil, nil},
		{"invited, without an invitation", "invited", nil, nil},
		{"invited, with an invitation that the owner keeps", "invited", []string{"invite {user}"}, nil},
		{"window, none open", "window", nil, nil},
		{"window, open for somebody else and another group", "window", []string{
			"window {friend} --for 1h", "window --group elsewhere --directory corp --for 1h"}, nil},
		{"window, closed again", "window", []string{"window {user} --for 1h", "window {user} --close"}, nil},
		{"directory, mail", "directory-email", nil, nil},
		{"directory, mail or SMS", "directory", nil, nil},
		{"first-login, the account had a factor", "several", []string{"enrol {user} --factor totp", "reset {user} --yes --then nothing"}, nil},
		{"first-login, the account has a factor", "several", []string{"enrol {user} --factor totp"}, []string{"totp"}},
		{"first-login, the factor is to be registered anew", "several", []string{
			"enrol {user} --factor email", "reset {user} --yes --renew"}, []string{"email"}},
		{"securid", "rsa-or-email", nil, nil},
	}
}

// TestStolenPassword: a password alone registers nothing, whatever its thief says and whatever changes
// in between, except where the policy is first-login and the account never had a factor. Then the owner
// is told.
func TestStolenPassword(t *testing.T) {
	t.Parallel()
	preys, changes := preys(), changes()
	owners := visitors("prey", 7, make([]flow, len(preys)))
	for i, c := range preys {
		owners[i].Groups = []string{c.group}
	}
	changing := visitors("changes", 8, make([]flow, len(changes)))
	for i, c := range changes {
		changing[i].Groups = []string{c.group}
	}
	friend := servers.Person{UID: "friend", Password: "password-of-friend", Groups: []string{"window"}}
	w := startWorld(t, worldOptions{people: slices.Concat(owners, changing, []servers.Person{friend}), vpn: "ui = true"})
	for i, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			owner := w.steal(t, changing[i])
			owner.station = "198.51.100.7"
			c.play(w.steal(t, changing[i]), owner)
		})
	}
	for i, c := range preys {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := w.steal(t, owners[i])
			for _, act := range c.acts {
				f.administer(t, strings.Fields(f.fill(strings.ReplaceAll(act, "{friend}", "friend")))...)
			}
			f.assault()
			f.unreached()
			if got := f.registered(); !slices.Equal(got, c.has) {
				t.Errorf("registered are %q, want %q", got, c.has)
			}
		})
	}
}
