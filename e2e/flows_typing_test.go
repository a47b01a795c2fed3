//go:build e2e

package e2e

import (
	"context"
	"strings"
	"time"

	"sallyport/e2e/servers"
)

// byTyping is an entrance with one prompt at a time, which asks for the password in its own words. Where
// a password is refused, some ask for it again.
func byTyping(d door, hello string, again bool) entrance {
	return func(v *visitor, login []turn) want {
		v.t.Helper()
		if login[len(login)-1].leave {
			login = login[:len(login)-1]
		}
		answers := make([]servers.Answer, len(login), len(login)+1)
		for i, e := range login {
			answers[i] = func(prompt string) string {
				if i > 0 {
					v.checkPrompt(login[i-1], prompt)
				}
				return v.answer(i, e)
			}
		}
		ctx, cancel := context.WithTimeout(v.t.Context(), 60*time.Second)
		defer cancel()
		got, err := d.Talk(ctx, v.UID, append(answers, nil)...)
		if err != nil {
			v.t.Fatal(err)
		}
		last := login[len(login)-1]
		v.checkEnd(last, got, len(login), hello, again && len(login) == 1)
		return last.want
	}
}

// checkPrompt compares what is shown at a single prompt.
func (v *visitor) checkPrompt(e turn, prompt string) {
	v.t.Helper()
	w := inherit(e.want, v.before)
	v.shown = prompt
	if w.verdict != "challenge" {
		v.t.Fatalf("%s: was asked for more: %q", e.line, prompt)
	}
	if w.step == "register-totp" {
		v.learn(e, w, typedKey(v.t, prompt))
	}
	v.asked(w)
	// What is shown for typing is ASCII.
	if text := strings.ReplaceAll(v.fill(w.text), "•", "*"); text == "" || !strings.HasPrefix(prompt, text) {
		v.t.Fatalf("%s: shows %q, want %q", e.line, prompt, text)
	}
}

// checkEnd compares how a login by typing ended, after so many answers; again means that a refused
// password is asked for once more.
func (v *visitor) checkEnd(last turn, got servers.Dialogue, answers int, hello string, again bool) {
	v.t.Helper()
	verdict, prompts := last.want.verdict, answers
	if verdict == "challenge" || again && verdict == "reject" {
		prompts++ // at which the person interrupts the client
	}
	if len(got.Prompts) != prompts || got.Accepted != (verdict == "accept") || !strings.HasPrefix(got.Prompts[0], hello) {
		v.t.Fatalf("%s: accepted: %v, prompts %q, end %q", last.line, got.Accepted, got.Prompts, got.End)
	}
	if verdict == "challenge" {
		v.checkPrompt(last, got.Asked())
	}
}
