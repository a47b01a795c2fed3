//go:build e2e

package e2e

import (
	"fmt"
	"testing"

	"sallyport/radius/rsatest"
)

// question is one question of a dialogue, and what erin answers.
type question struct {
	step   string
	answer func(vault) string
}

func choosesPIN(vault) string { return "NewPin12" }

// newPIN is the dialogue of someone without a PIN: the tokencode, the PIN twice, and both of them.
var newPIN = []question{
	{"passcode", func(v vault) string { return v.passcode(0) }},
	{"new-pin", choosesPIN},
	{"confirm-pin", choosesPIN},
	{"passcode", func(v vault) string { return v.passcode(1) }},
}

// nextTokencode is the dialogue of someone who was wrong too often.
var nextTokencode = []question{
	{"passcode", func(v vault) string { return v.passcode(0) }},
	{"next-tokencode", func(v vault) string { return v.code(1) }},
}

// replicas are two servers of a vault behind a Sallyport. holder is the one that is asked first.
type replicas struct {
	vault
	*site
	holder, other *rsatest.Server
}

func startReplicas(t *testing.T, mode rsatest.Mode) *replicas {
	t.Helper()
	v := openVault(mode)
	a, b := v.open(t, "127.0.0.1:0"), v.open(t, "127.0.0.1:0")
	config := forwardsTo(v.secret, a.Addr(), b.Addr()) + "timeout = \"1s\"\n[login]\nreject_delay = \"10ms\"\n"
	return &replicas{v, startTokenSite(t, config, erin), a, b}
}

// fail ends the holder, or lets it fall silent.
func (r *replicas) fail(killed bool) {
	r.t.Helper()
	if !killed {
		r.holder.Silence(true)
	} else if err := r.holder.Close(); err != nil {
		r.t.Error(err)
	}
}

// TestServerFailsAmidADialogue kills or silences the RSA server at each step of each dialogue. Nobody
// else ever sees an answer that this server may have read; the person is told, and another login goes
// to the replica.
func TestServerFailsAmidADialogue(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]struct {
		mode      rsatest.Mode
		questions []question
	}{"new PIN": {rsatest.ModeNewPIN, newPIN}, "next tokencode": {rsatest.ModeNextTokencode, nextTokencode}} {
		for _, killed := range []bool{true, false} {
			for at := range d.questions {
				if at == 0 && killed {
					continue // nothing was read: see TestPasscodeThatNobodyReadGoesToTheReplica
				}
				t.Run(fmt.Sprintf("%s, question %d, killed %t", name, at+1, killed), func(t *testing.T) {
					t.Parallel()
					r := startReplicas(t, d.mode)
					r.failsAt(d.questions, at, killed)
				})
			}
		}
	}
}

// failsAt plays a dialogue up to one of its questions, at which the server fails.
func (r *replicas) failsAt(questions []question, at int, killed bool) {
	r.t.Helper()
	state := r.passcodePrompt(erin)
	var answers []string
	for n, q := range questions[:at+1] {
		answers = append(answers, q.answer(r.vault))
		if n < at {
			reply := r.want(r.ask(erin.UID, answers[n], state), "Access-Challenge", "prompt", questions[n+1].step)
			state = reply.Get("State")
		}
	}
	r.fail(killed)
	r.says(r.want(r.ask(erin.UID, answers[at], state), "Access-Reject", "securid_unavailable", ""), sentenceUnavailable)
	for n, answer := range answers {
		if seen := r.other.Seen(answer); seen != 0 {
			r.t.Errorf("the other server has seen answer %d %d times", n+1, seen)
		}
	}

	// The next login is the replica's, with the next tokencode.
	fresh := r.passcode(1)
	reply := r.ask(erin.UID, fresh, r.passcodePrompt(erin))
	if r.other.Seen(fresh) != 1 || reply.Get("Sallyport-Code") == "securid_unavailable" {
		r.t.Errorf("the next login did not go to the replica: %+v", reply)
	}
}

// While nobody can have read a passcode, it goes to the next server.
func TestPasscodeThatNobodyReadGoesToTheReplica(t *testing.T) {
	t.Parallel()
	r := startReplicas(t, rsatest.ModeReady)
	r.fail(true)
	passcode := r.passcode(0)
	r.want(r.ask(erin.UID, passcode, r.passcodePrompt(erin)), "Access-Accept", "accepted", "")
	if first, second := r.holder.Seen(passcode), r.other.Seen(passcode); first != 0 || second != 1 {
		t.Errorf("seen %d and %d times, want 0 and 1", first, second)
	}
	if line := r.audit(map[string]any{"username": erin.UID, "code": "accepted"}); line["securid_server"] != r.other.Addr() {
		t.Errorf("the audit names the server %v, want %s", line["securid_server"], r.other.Addr())
	}

	// With none left the person is told, and the passcode is still good: nobody has read it.
	first := r.holder.Addr()
	r.holder = r.other
	r.fail(true)
	passcode = r.passcode(1)
	r.says(r.want(r.ask(erin.UID, passcode, r.passcodePrompt(erin)), "Access-Reject", "securid_unavailable", ""), sentenceUnavailable)
	again := r.open(t, first)
	r.want(r.ask(erin.UID, passcode, r.passcodePrompt(erin)), "Access-Accept", "accepted", "")
	if n := again.Seen(passcode); n != 1 {
		t.Errorf("seen %d times, want once", n)
	}
}
