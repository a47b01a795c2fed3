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

// Two people play the same conversation at a policy that conceals passwords, one with the right
// password and one with a wrong one, neither with a right code: they cannot tell who is who.
func TestConcealedPasswordsShowInNoReply(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		user := rapid.SampledFrom([]string{"alice", "carol"}).Draw(rt, "user")
		failing := rapid.Bool().Draw(rt, "mail is down")
		right, wrong := concealing(t, failing), concealing(t, failing)
		for n := rapid.IntRange(1, 60).Draw(rt, "length"); n > 0; n-- {
			wait := rapid.SampledFrom([]time.Duration{0, 0, 0, time.Second, 20 * time.Second, 40 * time.Second, 61 * time.Second, 6 * time.Minute}).Draw(rt, "wait")
			right.now, wrong.now = right.now.Add(wait), wrong.now.Add(wait)
			if len(right.states) == 0 || rapid.IntRange(0, 3).Draw(rt, "begin") == 0 {
				station := fmt.Sprint(rapid.IntRange(0, 2).Draw(rt, "station"))
				right.open(user, "right", station)
				wrong.open(user, "wrong", station)
			} else {
				text := rapid.SampledFrom([]string{"", "r", "b", "000000", "000001", "000002", "totp", "y", "1", "kxwp-3fmd-9tqa", "the password"}).Draw(rt, "text")
				action := login.Action(rapid.SampledFrom([]string{"", "", "", "resend", "edit-address", "use-factor"}).Draw(rt, "action"))
				at := rapid.IntRange(0, len(right.states)-1).Draw(rt, "state")
				right.respond(user, at, strings.Replace(text, "the password", "right", 1), action)
				wrong.respond(user, at, strings.Replace(text, "the password", "wrong", 1), action)
			}
			if a, b := shown(right.reply), shown(wrong.reply); a != b || (right.err == nil) != (wrong.err == nil) {
				rt.Fatalf("the right password shows:\n%s %v\n%s %v", a, right.err, b, wrong.err)
			}
		}
	})
}

// Who has no factor, or is nobody, meets one that is derived from the name, however it is spelled.
func TestADecoyIsTheSameForEverySpelling(t *testing.T) {
	w := concealing(t, false)
	for _, same := range [][]string{
		{"bob right", "bob wrong", "BOB wrong", `CORP\bob wrong`, "bob@corp.example wrong"},
		{"ghost wrong", "GHOST wrong", `CORP\ghost right`, "ghost@corp.example wrong"},
		{"carol right", "carol wrong", "CAROL wrong", `CORP\carol wrong`},
	} {
		var first string
		for n, try := range same {
			user, password, _ := strings.Cut(try, " ")
			w.now = w.now.Add(time.Hour)
			w.open(user, password, fmt.Sprint(n))
			w.reply.State, w.reply.Trace = "", ""
			if got := fmt.Sprintf("%+v", w.reply); first == "" {
				first = got
			} else if got != first {
				t.Errorf("%s shows\n%s, not\n%s", try, got, first)
			}
		}
	}
}

// concealing is a world with a throttle that nobody reaches, and codes that nobody guesses.
func concealing(t *testing.T, failing bool) *world {
	w := newWorld(t)
	w.enrol("carol", "email", []byte("carol@example.org"))
	if failing {
		w.mail.trouble = errDown
	}
	w.throttle = login.NewThrottle(1000, time.Second, func() time.Time { return w.now })
	w.engine = w.newEngine(login.Limits{})
	return w
}

func (w *world) open(user, password, station string) {
	origin := login.Origin{Client: "vpn", Policy: "concealed", CallingStationID: station}
	w.reply, w.err = w.engine.Begin(context.Background(), login.Request{Origin: origin, Username: user, Password: password})
	w.note()
	w.drain()
}

func (w *world) respond(user string, at int, text string, action login.Action) {
	origin := login.Origin{Client: "vpn", Policy: "concealed"}
	w.reply, w.err = w.engine.Continue(context.Background(), login.Answer{Origin: origin, Username: user, State: w.states[at], Text: text, Action: action})
	w.note()
	w.drain()
}

// drain waits for what is on its way, since a concealed login does not.
func (w *world) drain() {
	w.must(w.outbox.Close(context.Background()))
	w.outbox = login.NewOutbox(nil, func() time.Time { return time.Unix(0, 0) })
	w.engine = w.newEngine(login.Limits{})
}

// shown is all of a reply that somebody may see. The masked address depends on the cluster's key, and
// the worlds are two.
func shown(r login.Reply) string {
	r.State, r.Trace = "", ""
	if masked := r.Prompt.MaskedAddress; masked != "" {
		r.Message = strings.ReplaceAll(r.Message, strings.ReplaceAll(masked, "•", "*"), "MASKED")
		r.Prompt.MaskedAddress = "masked"
	}
	return fmt.Sprintf("%+v", r)
}
