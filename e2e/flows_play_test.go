//go:build e2e

package e2e

import (
	"regexp"
	"slices"
	"strings"
)

// entrance plays one login, and returns what came last.
type entrance func(v *visitor, login []turn) want

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

// answer does what comes before the answer of a turn, and returns that.
func (v *visitor) answer(i int, e turn) string {
	v.t.Helper()
	for _, a := range e.before {
		v.do(a)
	}
	typed := v.fill(e.typed)
	if i > 0 {
		v.typed = typed
	}
	return typed
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

// learn takes a key into the app. A new one comes only where the script says "key".
func (v *visitor) learn(e turn, w want, key string) {
	v.t.Helper()
	if fresh := w.fields["key"] != ""; fresh == (key == v.key) && w.fields["key"] != "any" {
		v.t.Errorf("%s: the key before was %q, this one is %q", e.line, v.key, key)
	}
	if key != v.key {
		v.key, v.step = key, 0
	}
}

var shownPIN = regexp.MustCompile(`Your new PIN is: ([0-9]{8})`)

// asked keeps what a prompt asks for and shows, and takes the code that was sent with it.
func (v *visitor) asked(w want) {
	v.t.Helper()
	v.before = w
	if made := shownPIN.FindStringSubmatch(v.shown); made != nil {
		v.made = made[1]
	}
	if to := w.fields["sent"]; to != "" {
		v.receive(v.fill(to))
	}
}
