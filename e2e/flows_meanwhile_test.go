//go:build e2e

package e2e

import (
	"sallyport/login"
	"sallyport/radius"
)

// must fails unless a reply has this verdict and code.
func (f *thief) must(r *radius.Response, verdict login.Verdict, code login.Code) *radius.Response {
	f.t.Helper()
	if r.Verdict != verdict || r.Code != code {
		f.t.Fatalf("got %s, %s, %+v; want %s, %s", r.Verdict, r.Code, r.Prompt, verdict, code)
	}
	return r
}

// beginKey begins the registration of an app and takes its key.
func (f *thief) beginKey() (state string) {
	f.t.Helper()
	r := f.must(f.ask("", f.Password, ""), login.Challenge, login.CodePrompt)
	f.key, f.step, f.before = r.Prompt.SecretKey.Reveal(), 0, want{fields: map[string]string{"factor": "totp"}}
	if f.key == "" {
		f.t.Fatalf("no key: %+v", r.Prompt)
	}
	return r.State
}

// change is something that happens while a thief registers with a stolen password.
type change struct {
	name, group string
	play        func(f, owner *thief)
}

func changes() []change {
	return []change{
		{"first-login, the thief is first: the owner is told", "totp", thiefIsFirst},
		{"the owner registers first", "totp", ownerIsFirst},
		{"an administrator enrols the owner", "email", ownerIsEnrolled},
		{"one invitation for two", "invited", oneInvitation},
		{"an earlier address is not confirmed by its State", "email", earlierAddress},
		{"the window closes before the code", "window-email", windowCloses},
		{"the State of somebody else", "email", stateOfAnother},
	}
}

// thiefIsFirst is what first-login allows, and why doctor says so: the positive of all the others.
func thiefIsFirst(f, owner *thief) {
	state := f.beginKey()
	if r := f.must(f.ask(state, f.value("code"), ""), login.Accept, login.CodeAccepted); !r.Registered {
		f.t.Errorf("%+v", r.Reply)
	}
	f.told(f.Mail, "A second step was registered for your login to Sallyport: authenticator app.")
	if r := owner.must(owner.ask("", owner.Password, ""), login.Challenge, login.CodePrompt); r.Prompt.Step != login.StepOTP {
		f.t.Errorf("the owner is asked for %s", r.Prompt.Step)
	}
}

func ownerIsFirst(f, owner *thief) {
	state, mine := f.beginKey(), owner.beginKey()
	owner.must(owner.ask(mine, owner.value("code"), ""), login.Accept, login.CodeAccepted)
	f.must(f.ask(state, f.value("code"), ""), login.Reject, login.CodeStateInvalid)
	r := owner.must(owner.ask("", owner.Password, ""), login.Challenge, login.CodePrompt)
	r = f.must(f.ask(r.State, f.value("code"), ""), login.Challenge, login.CodeOTPInvalid)
	owner.must(owner.ask(r.State, owner.value("code"), ""), login.Accept, login.CodeAccepted)
}

func ownerIsEnrolled(f, _ *thief) {
	r := f.must(f.ask("", f.Password, ""), login.Challenge, login.CodePrompt)
	r = f.must(f.ask(r.State, f.address("home"), ""), login.Challenge, login.CodePrompt)
	f.administer(f.t, "enrol", f.UID, "--factor", "email")
	f.must(f.ask(r.State, "y", ""), login.Reject, login.CodeStateInvalid)
	f.unreached()
}

// oneInvitation lets two begin with it; whoever is first with a right code has it.
func oneInvitation(f, owner *thief) {
	f.administered(f.administer(f.t, "invite", f.UID))
	invitation := f.issued[0]
	state := func(who *thief) string {
		r := who.must(who.ask("", who.Password, ""), login.Challenge, login.CodePrompt)
		r = who.must(who.ask(r.State, invitation, ""), login.Challenge, login.CodePrompt)
		who.key, who.before = r.Prompt.SecretKey.Reveal(), want{fields: map[string]string{"factor": "totp"}}
		return r.State
	}
	theirs, mine := state(f), state(owner)
	owner.must(owner.ask(mine, owner.value("code"), ""), login.Accept, login.CodeAccepted)
	if r := f.ask(theirs, f.value("code"), ""); r.Verdict != login.Reject {
		f.t.Errorf("%+v", r.Reply)
	}
	f.administer(f.t, "reset", f.UID, "--yes", "--then", "nothing")
	f.must(f.ask("", f.Password, ""), login.Reject, login.CodeFactorNotConfigured)
}

// earlierAddress answers yes to a question that another address has taken the place of: nothing is sent
// to either.
func earlierAddress(f, _ *thief) {
	r := f.must(f.ask("", f.Password, ""), login.Challenge, login.CodePrompt)
	first := f.must(f.ask(r.State, f.address("home"), ""), login.Challenge, login.CodePrompt)
	f.must(f.ask(r.State, f.Mail, ""), login.Challenge, login.CodePrompt)
	again := f.ask(first.State, "y", "")
	if again.Prompt.Step == login.StepOTP || again.Verdict == login.Accept {
		f.t.Errorf("%+v", again.Reply)
	}
	f.unreached()
}

func windowCloses(f, _ *thief) {
	f.administer(f.t, "window", f.UID, "--for", "1h")
	r := f.must(f.ask("", f.Password, ""), login.Challenge, login.CodePrompt)
	r = f.must(f.ask(r.State, f.address("home"), ""), login.Challenge, login.CodePrompt)
	r = f.must(f.ask(r.State, "y", ""), login.Challenge, login.CodePrompt)
	f.receive(f.address("home"))
	f.administer(f.t, "window", f.UID, "--close")
	f.must(f.ask(r.State, f.value("code"), ""), login.Reject, login.CodeNotPermitted)
	if got := f.registered(); len(got) > 0 {
		f.t.Errorf("registered are %q", got)
	}
}

// stateOfAnother brings the State of one person's registration under another's name.
func stateOfAnother(f, _ *thief) {
	r := f.must(f.ask("", f.Password, ""), login.Challenge, login.CodePrompt)
	f.UID = "changes00"
	f.must(f.ask(r.State, f.address("home"), ""), login.Reject, login.CodeStateInvalid)
	f.unreached()
}
