//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"sallyport/e2e/servers"
)

// entrance plays one login, and returns what came last.
type entrance func(v *visitor, login []turn) want

// bySteps is the entrance of a client with screens of its own: it reads the attributes.
func bySteps(v *visitor, login []turn) (last want) {
	state := ""
	for i, e := range login {
		text, action := v.answer(i, e)
		var more []servers.Attribute
		if e.action != "" {
			text = v.fill(e.text)
			more = append(more, servers.Attribute{Name: "Sallyport-Action", Value: action})
		}
		r := v.from(v.t, uiAddress, v.UID, text, state, more...)
		if r.Attributes[0].Name != "Message-Authenticator" {
			v.t.Errorf("%s: Message-Authenticator is not the first attribute", e.line)
		}
		last = inherit(e.want, v.before)
		v.checkReply(e, last, r)
		state = r.Get("State")
	}
	return last
}

// answer does what comes before the answer of a turn, and returns that.
func (v *visitor) answer(i int, e turn) (typed, action string) {
	v.t.Helper()
	for _, a := range e.before {
		v.do(a)
	}
	typed = v.fill(e.typed)
	if i > 0 {
		v.typed = typed
	}
	return typed, e.action
}

// inherit fills in what a script leaves out because it has not changed.
func inherit(w, before want) want {
	fields := map[string]string{"left": "3", "factor": before.fields["factor"], "choices": before.fields["choices"]}
	if w.verdict == "challenge" && w.step == before.step {
		fields["masked"] = before.fields["masked"]
	}
	for key, value := range w.fields {
		fields[key] = value
	}
	w.fields = fields
	return w
}

// attributesOf are the attributes that a client with screens must get.
func (v *visitor) attributesOf(w want) map[string]string {
	all := map[string]string{"Sallyport-Code": w.code}
	if w.verdict != "reject" {
		all["Sallyport-Factor"] = w.fields["factor"]
	}
	if w.verdict == "accept" && w.fields["registered"] != "" {
		all["Sallyport-Registered"] = "1"
	}
	if w.verdict == "challenge" {
		all["Sallyport-Step"] = w.step
		all["Sallyport-Attempts-Left"] = w.fields["left"]
		all["Sallyport-Masked-Address"] = v.fill(w.fields["masked"])
		all["Sallyport-Choices"] = w.fields["choices"]
	}
	return all
}

// checkReply compares a reply with what must come, attribute by attribute.
func (v *visitor) checkReply(e turn, w want, r servers.RadclientReply) {
	v.t.Helper()
	all := v.attributesOf(w)
	for _, name := range []string{"Step", "Factor", "Code", "Masked-Address", "Attempts-Left", "Choices", "Registered"} {
		name = "Sallyport-" + name
		if got := strings.Join(r.All(name), ","); got != all[name] {
			v.t.Errorf("%s: %s is %q, want %q", e.line, name, got, all[name])
		}
	}
	packet := map[string]string{"accept": "Access-Accept", "reject": "Access-Reject", "challenge": "Access-Challenge"}[w.verdict]
	v.shown = r.Get("Reply-Message")
	if r.Code != packet || v.shown == "" || len(v.shown) > 200 {
		v.t.Fatalf("%s: got %s, %q", e.line, r.Code, v.shown)
	}
	if w.verdict == "reject" && !strings.HasPrefix(v.shown, v.fill(w.text)) {
		v.t.Errorf("%s: says %q", e.line, v.shown)
	}
	for _, name := range []string{"State", "Prompt", "Session-Timeout"} {
		if (r.Get(name) != "") != (w.verdict == "challenge") {
			v.t.Errorf("%s: %s is %q", e.line, name, r.Get(name))
		}
	}
	v.checkSecret(e, w, r)
	if w.verdict == "challenge" {
		v.asked(w)
	}
	v.checkCountdown(e, w, r)
}

// checkSecret checks that a key comes where one is to be registered, always the same one, and only there.
func (v *visitor) checkSecret(e turn, w want, r servers.RadclientReply) {
	v.t.Helper()
	key, uri := r.Get("Sallyport-Secret-Key"), strings.Join(r.All("Sallyport-OTPAuth-URI"), "")
	due := w.step == "register-totp"
	if !due {
		if key+uri != "" {
			v.t.Errorf("%s: key %q, URI %q", e.line, key, uri)
		}
		return
	}
	if u, err := url.Parse(uri); err != nil || u.Scheme != "otpauth" || u.Query().Get("secret") != strings.ReplaceAll(key, " ", "") {
		v.t.Errorf("%s: key %q, URI %q", e.line, key, uri)
	}
	v.learn(e, w, key)
}

// learn takes a key into the app. A new one comes only where the script says "key".
func (v *visitor) learn(e turn, w want, key string) {
	v.t.Helper()
	if fresh := w.fields["key"] != ""; fresh == (key == v.key) {
		v.t.Errorf("%s: the key before was %q, this one is %q", e.line, v.key, key)
	}
	if key != v.key {
		v.key, v.step = key, 0
	}
}

// checkCountdown checks the seconds until another code may be sent.
func (v *visitor) checkCountdown(e turn, w want, r servers.RadclientReply) {
	v.t.Helper()
	after := r.Get("Sallyport-Resend-After")
	most := fmt.Sprint(int(between.Seconds()))
	switch {
	case w.fields["masked"] == "" || w.verdict != "challenge":
		if after != "" {
			v.t.Errorf("%s: Sallyport-Resend-After is %q", e.line, after)
		}
	case w.fields["sent"] != "" && after != most, len(after) != 1 || after > most:
		v.t.Errorf("%s: Sallyport-Resend-After is %q", e.line, after)
	case w.code == "resend_too_soon" && after == "0":
		v.t.Errorf("%s: it is not too soon", e.line)
	}
}

// asked keeps what a prompt asks for, and takes the code that was sent with it.
func (v *visitor) asked(w want) {
	v.t.Helper()
	v.before = w
	if to := w.fields["sent"]; to != "" {
		v.receive(v.fill(to))
	}
}

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
				typed, _ := v.answer(i, e)
				return typed
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

// play plays a flow at an entrance.
func (v *visitor) play(f flow, enter entrance) {
	v.t.Helper()
	var verdicts []string
	for _, login := range f.logins {
		switch end := enter(v, login); end.verdict {
		case "accept":
			verdicts = append(verdicts, "accept "+strings.ReplaceAll(end.fields["earned"], "_", " "))
		case "reject":
			code := end.code
			if audit := end.fields["audit"]; audit != "" {
				code = audit
			}
			verdicts = append(verdicts, "reject "+code)
		}
	}
	for _, a := range f.after {
		v.do(a)
	}
	v.counted()
	if got := v.ended(v.t, v.UID); !slices.Equal(got, verdicts) {
		v.t.Errorf("the audit has %q, want %q", got, verdicts)
	}
}
