package login_test

import (
	"errors"
	"testing"

	"sallyport/login"
)

// lonely is a world of nodes that lag, in which erin has logged in with a passcode before, and node 0 is
// cut off from all others.
type lonely struct{ *world }

func newLonely(t *testing.T) lonely {
	w := lonely{newReplicatedWorld(t)}
	w.rsa.next([]string{"accepts"}, nil)
	w.at(1)
	w.begin("erin", "rsa", login.ModeChallenge, "right")
	w.answer("rsa", "sallyp00000000")
	w.wants("accept", login.CodeAccepted)
	w.replicas.spread()
	w.replicas.all.Node(0).Cut(true)
	w.at(0)
	return w
}

// at sends what follows to a node.
func (w lonely) at(node int) { w.engine = w.replicas.engines[node] }

func (w lonely) begin(user, policy string, mode login.Mode, password string) {
	origin := login.Origin{Client: "vpn", Policy: policy, Mode: mode}
	w.reply, w.err = w.engine.Begin(w.t.Context(), login.Request{Origin: origin, Username: user, Password: password})
	w.note()
}

func (w lonely) answer(policy, text string) {
	origin := login.Origin{Client: "vpn", Policy: policy}
	w.reply, w.err = w.engine.Continue(w.t.Context(), login.Answer{Origin: origin, State: w.state(""), Text: text})
}

// wants checks the last reply: accept, challenge, reject, or silent with the code that the audit has.
func (w lonely) wants(verdict string, code login.Code) {
	w.t.Helper()
	got := w.reply.Verdict.String()
	if w.err != nil {
		got = "silent"
	}
	event := w.events[len(w.events)-1]
	if got != verdict || event.Code != code {
		w.t.Errorf("%s %s (%s) %v, want %s %s", got, event.Code, event.Reason, w.err, verdict, code)
	}
}

func (w lonely) judgedAlone(want bool) {
	w.t.Helper()
	if got := w.events[len(w.events)-1].WithoutQuorum; got != want {
		w.t.Errorf("without quorum: %v in the audit, want %v", got, want)
	}
}

func (w lonely) forwarded(want int) {
	w.t.Helper()
	if got := len(w.rsa.seen) - 1; got != want { // newLonely's is one
		w.t.Errorf("%d passcodes were forwarded, want %d", got, want)
	}
}

func TestPasscodeGoesOnWithoutQuorum(t *testing.T) {
	w := newLonely(t)
	w.rsa.next([]string{"accepts"}, nil)
	w.begin("erin", "rsa", login.ModeChallenge, "right")
	w.wants("challenge", login.CodePrompt)
	w.answer("rsa", "sallyp00111111")
	w.wants("accept", login.CodeAccepted)
	w.judgedAlone(true)
	w.answer("rsa", "sallyp00111111") // the Accept was lost
	w.wants("accept", login.CodeAccepted)
	w.forwarded(1)
	w.begin("erin", "rsa", login.ModeChallenge, "right")
	w.answer("rsa", "sallyp00111111") // used, here
	w.wants("challenge", login.CodeOTPReplayed)
	w.answer("rsa", "sallyp00000000") // used, while there was a quorum
	w.wants("challenge", login.CodeOTPReplayed)
	w.forwarded(1)
	w.rsa.next([]string{"accepts"}, nil)
	w.begin("erin", "rsa", login.ModeAppend, "right,sallyp00222222")
	w.wants("accept", login.CodeAccepted)
	w.judgedAlone(true)
	w.begin("erin", "rsa", login.ModeChallenge, "wrong") // the directory's word needs no quorum
	w.wants("reject", login.CodePasswordInvalid)
}

func TestNothingThatNeedsSingleUseGoesOnWithoutQuorum(t *testing.T) {
	for name, act := range map[string]func(lonely){
		"a code":                   func(w lonely) { w.begin("alice", "staff", login.ModeChallenge, "right") },
		"the factor used last":     func(w lonely) { w.begin("alice", "rsa-or-totp", login.ModeChallenge, "right") },
		"a code in one request":    func(w lonely) { w.begin("alice", "rsa-or-totp", login.ModeAppend, "right,"+w.code("alice", "now")) },
		"a word in one request":    func(w lonely) { w.begin("carol", "all", login.ModeAppend, "right,email") },
		"a registration":           func(w lonely) { w.begin("bob", "staff", login.ModeChallenge, "right") },
		"an exemption":             func(w lonely) { w.begin("service", "groups", login.ModeChallenge, "right") },
		"somebody never seen":      func(w lonely) { w.begin("dave", "rsa", login.ModeChallenge, "right") },
		"a concealed password":     func(w lonely) { w.begin("alice", "concealed", login.ModeChallenge, "right") },
		"a one-time code":          func(w lonely) { w.instead(login.CredentialBypass) },
		"a recovery code":          func(w lonely) { w.instead(login.CredentialRecovery) },
		"a change to another":      func(w lonely) { w.change() },
		"an answer that was asked": func(w lonely) { w.asked(w.code("alice", "now")) },
		"asking once more":         func(w lonely) { w.asked("") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newLonely(t)
			act(w)
			w.wants("silent", login.CodeClusterUnavailable)
			w.judgedAlone(false)
			w.forwarded(0)
		})
	}
}

// instead answers a passcode's prompt with a code that stands in for it.
func (w lonely) instead(kind string) {
	w.replicas.all.Node(0).Cut(false)
	w.issue("erin", kind, "1h", "")
	w.enrol("erin", "totp", []byte("known"))
	w.replicas.spread()
	w.replicas.all.Node(0).Cut(true)
	w.begin("erin", "rsa", login.ModeChallenge, "right")
	w.wants("challenge", login.CodePrompt)
	w.answer("rsa", w.issued[kind][0])
}

// change asks for another factor than the passcode.
func (w lonely) change() {
	w.replicas.all.Node(0).Cut(false)
	w.enrol("erin", "totp", []byte("known"))
	w.replicas.spread()
	w.replicas.all.Node(0).Cut(true)
	w.begin("erin", "rsa-or-totp", login.ModeChallenge, "right")
	w.wants("challenge", login.CodePrompt)
	w.answer("rsa-or-totp", "totp")
}

// asked answers a prompt for a code that was shown while there was a quorum.
func (w lonely) asked(text string) {
	w.at(1)
	w.begin("alice", "rsa-or-totp", login.ModeChallenge, "right")
	w.wants("challenge", login.CodePrompt)
	w.at(0)
	w.answer("rsa-or-totp", text)
}

func TestDialogueWithoutQuorumStaysOnItsNode(t *testing.T) {
	w := newLonely(t)
	w.replicas.all.Node(1).Cut(true)
	w.rsa.next([]string{"asks"}, args{"step": "new-pin", "text": "PIN:"})
	w.rsa.next([]string{"accepts"}, nil)
	w.begin("erin", "rsa", login.ModeChallenge, "right")
	w.answer("rsa", "sallyp00111111")
	w.wants("challenge", login.CodePrompt)
	w.note()
	w.at(1)
	w.answer("rsa", "12345678")
	w.wants("silent", login.CodeClusterUnavailable)
	w.at(2) // which has a quorum, and never heard of it
	w.answer("rsa", "12345678")
	w.wants("silent", login.CodeClusterUnavailable)
	w.at(0)
	w.answer("rsa", "12345678")
	w.wants("accept", login.CodeAccepted)
	w.judgedAlone(true)
	w.forwarded(2)
}

func TestDialogueEndsWhereItBeganWhenTheQuorumIsBack(t *testing.T) {
	w := newLonely(t)
	w.rsa.next([]string{"asks"}, args{"step": "new-pin", "text": "PIN:"})
	w.rsa.next([]string{"accepts"}, nil)
	w.begin("erin", "rsa", login.ModeChallenge, "right")
	w.answer("rsa", "sallyp00111111")
	first := w.states[len(w.states)-1]
	w.note()
	w.replicas.all.Node(0).Cut(false)
	w.at(1)
	w.answer("rsa", "12345678")
	w.wants("silent", login.CodeClusterUnavailable)
	w.at(0)
	w.answer("rsa", "12345678")
	w.wants("accept", login.CodeAccepted)
	w.judgedAlone(true)
	w.answer("rsa", "12345678") // the Accept was lost
	w.wants("accept", login.CodeAccepted)
	w.states = append(w.states, first)
	w.answer("rsa", "sallyp00111111") // the very first answer again: nobody forwards it twice
	w.wants("reject", login.CodeStateInvalid)
	w.forwarded(2)
}

// What the cluster has decided of the user meanwhile counts.
func TestDialogueWithoutQuorumEndsWithAReset(t *testing.T) {
	w := newLonely(t)
	w.rsa.next([]string{"asks"}, args{"step": "new-pin", "text": "PIN:"})
	w.begin("erin", "rsa", login.ModeChallenge, "right")
	w.answer("rsa", "sallyp00111111")
	w.note()
	if err := w.ledger.Reset(t.Context(), "test:erin", ""); !errors.Is(err, login.ErrNotEnrolled) {
		t.Fatal(err)
	}
	w.replicas.all.Node(0).Cut(false)
	w.answer("rsa", "12345678")
	w.wants("reject", login.CodeStateInvalid)
	w.forwarded(1)
}

// A passcode that was forwarded alone is not forwarded again when its packet comes with the quorum back.
func TestPasscodeForwardedAloneIsForwardedOnce(t *testing.T) {
	w := newLonely(t)
	w.rsa.next([]string{"accepts"}, nil)
	w.begin("erin", "rsa", login.ModeChallenge, "right")
	w.answer("rsa", "sallyp00111111")
	w.replicas.all.Node(0).Cut(false)
	w.answer("rsa", "sallyp00111111")
	w.wants("accept", login.CodeAccepted)
	w.forwarded(1)
}

// noSolo is a ledger that lets nothing go on without a quorum.
type noSolo struct{ login.Ledger }

func (noSolo) Solo() (login.Ledger, bool) { return nil, false }

func TestNothingGoesOnWhereTheLedgerDoesNotAllowIt(t *testing.T) {
	w := newLonely(t)
	w.engine = w.newEngineOn(noSolo{w.replicas.all.Node(0)}, login.Limits{})
	w.begin("erin", "rsa", login.ModeChallenge, "right")
	w.wants("silent", login.CodeClusterUnavailable)
	w.begin("erin", "rsa", login.ModeAppend, "right,sallyp00111111")
	w.wants("silent", login.CodeClusterUnavailable)
	w.forwarded(0)
}
