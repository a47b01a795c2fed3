//go:build e2e

package e2e

import (
	"fmt"
	"net/url"
	"strings"

	"sallyport/e2e/servers"
)

// bySteps is the entrance of a client with screens of its own: it reads the attributes.
func bySteps(v *visitor, login []turn) (last want) {
	state := ""
	for i, e := range login {
		text := v.answer(i, e)
		var more []servers.Attribute
		if e.action != "" {
			text = v.fill(e.text)
			more = append(more, servers.Attribute{Name: "Sallyport-Action", Value: e.action})
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
