//go:build e2e

package e2e

import (
	"encoding/base64"
	"slices"
	"strings"
)

// Where the clients ask from that show no second prompt.
const (
	commaAddress  = "127.0.0.3"
	digitsAddress = "127.0.0.4"
	onlyAddress   = "127.0.0.5"
)

// oneRequest are the clients that take everything in one request. They read attributes, so that a
// Reject says why.
func oneRequest() string {
	return listedClient("comma", commaAddress, "policy = \"staff\"\nui = true\nmode = \"append\"") +
		listedClient("digits", digitsAddress, "policy = \"staff\"\nui = true\nmode = \"append\"\nappend = \"digits\"\nappend_digits = 6") +
		listedClient("only", onlyAddress, "policy = \"staff\"\nui = true\nmode = \"otp-only\"")
}

// request is one login in one request, and what comes of it.
type request struct {
	from, typed string
	// earned is how an Accept is; empty means a Reject, for which the audit has code.
	earned, code string
	// says is what the person is told, empty where it is the refusal that does not tell what was wrong;
	// sent is to whom a code goes.
	says, sent string
}

// refusal is what a person is told whatever was wrong: the right password alone is not to be known.
const refusal = "Wrong username, password or code."

// asks plays requests in their order.
func (v *visitor) asks(all ...request) {
	v.t.Helper()
	var verdicts []string
	for _, q := range all {
		r := v.from(v.t, q.from, v.UID, v.fill(q.typed), "")
		packet, code, says, verdict := "Access-Reject", q.code, v.fill(q.says), "reject "+q.code
		switch {
		case q.earned != "":
			packet, code, says, verdict = "Access-Accept", "accepted", "", "accept "+q.earned
		case says == "":
			code, says = "password_invalid", refusal
		}
		verdicts = append(verdicts, verdict)
		if r.Code != packet || r.Get("Sallyport-Code") != code || r.Get("State") != "" ||
			!strings.HasPrefix(r.Get("Reply-Message"), strings.ReplaceAll(says, "•", "*")) {
			v.t.Fatalf("%q from %s: %+v, want %s", q.typed, q.from, r, verdict)
		}
		if q.sent != "" {
			v.receive(v.fill(q.sent))
		}
	}
	v.counted()
	if got := v.ended(v.t, v.UID); !slices.Equal(got, verdicts) {
		v.t.Errorf("the audit has %q, want %q", got, verdicts)
	}
}

// static is OpenVPN's static challenge.
func static(password, code string) string {
	return "SCRV1:" + base64.StdEncoding.EncodeToString([]byte(password)) + ":" + base64.StdEncoding.EncodeToString([]byte(code))
}

// inOneRequest are password and code together, or the code alone.
func inOneRequest() []player {
	return []player{
		{"an app's code behind a comma", "totp", codeBehindComma},
		{"an app's code behind the password", "totp", codeBehindPassword},
		{"OpenVPN's static challenge", "totp", staticChallenge},
		{"a word sends a code by SMS", "several", wordSends},
		{"R4: one stale code counts once", "totp", staleCode},
		{"R8: pasted codes", "totp", pastedCodes},
		{"a passcode", "securid", passcodeAtOnce},
		{"codes that stand in for a factor", "totp", standIns},
		{"the code alone", "several", codeAlone},
		{"the passcode alone", "securid", passcodeAlone},
		{"whoever has no factor registers none", "totp", nothingRegistered},
	}
}

// enrol registers a factor on the person's behalf.
func (v *visitor) enrol(args ...string) {
	v.t.Helper()
	v.administered(v.administer(v.t, append([]string{"enrol", v.UID, "--factor"}, args...)...))
}

func codeBehindComma(v *visitor) {
	v.enrol("totp")
	first := v.value("code")
	v.asks(
		request{from: commaAddress, typed: "{password},{wrong}", code: "otp_invalid"},
		request{from: commaAddress, typed: "wrong," + first, code: "password_invalid"},
		request{from: commaAddress, typed: "{password}", code: "password_invalid"}, // what follows its own comma is no code
		request{from: commaAddress, typed: "{password},", code: "otp_invalid"},
		request{from: commaAddress, typed: "{password}," + first, earned: "password+totp"},
		request{from: commaAddress, typed: "{password}," + first, code: "otp_replayed"},
		request{from: commaAddress, typed: "{password},totp", code: "otp_invalid"}, // nothing to send
		request{from: commaAddress, typed: "{password},{code}", earned: "password+totp"},
	)
}

func staleCode(v *visitor) {
	v.enrol("totp")
	stale := v.value("wrong")
	var all []request
	for range 12 {
		all = append(all, request{from: commaAddress, typed: "{password}," + stale, code: "otp_invalid"})
	}
	v.asks(append(all, request{from: commaAddress, typed: "{password},{code}", earned: "password+totp"})...)
}

func pastedCodes(v *visitor) {
	v.enrol("totp")
	v.asks(
		request{from: commaAddress, typed: "{password},{code}\u200b", earned: "password+totp"},
		request{from: digitsAddress, typed: "{password}\u202a{code}\u202c", earned: "password+totp"},
	)
}

func codeBehindPassword(v *visitor) {
	v.enrol("totp")
	v.asks(
		request{from: digitsAddress, typed: "{password}{wrong}", code: "otp_invalid"},
		request{from: digitsAddress, typed: "wrong{code}", code: "password_invalid"},
		request{from: digitsAddress, typed: "{password}{code}", earned: "password+totp"},
		request{from: digitsAddress, typed: "{password},{code}", code: "password_invalid"}, // one form per client
	)
}

func staticChallenge(v *visitor) {
	v.enrol("totp")
	v.asks(
		request{from: commaAddress, typed: static(v.Password, v.value("wrong")), code: "otp_invalid"},
		request{from: commaAddress, typed: static("wrong", v.value("wrong")), code: "password_invalid"},
		request{from: commaAddress, typed: static(v.Password, v.value("code")), earned: "password+totp"},
		request{from: digitsAddress, typed: static(v.Password, v.value("code")), earned: "password+totp"},
	)
}

func wordSends(v *visitor) {
	v.enrol("sms", "--address", v.address("mobile"))
	v.before.fields["factor"] = "sms"
	sent := "A code was sent to {mobile-masked}. Log in again with it."
	v.asks(
		request{from: commaAddress, typed: "{password},sms", code: "prompt", says: sent, sent: "{mobile}"},
		request{from: commaAddress, typed: "{password},sms", code: "prompt", says: sent}, // the reply was lost: nothing more is sent
		request{from: commaAddress, typed: "{password},{wrong}", code: "otp_invalid"},
		request{from: commaAddress, typed: "{password},{code}", earned: "password+sms"},
		request{from: commaAddress, typed: "{password},{code}", code: "otp_replayed"},
		request{from: commaAddress, typed: "{password},email", code: "otp_invalid"}, // not registered
	)
}

func passcodeAtOnce(v *visitor) {
	v.asks(
		request{from: commaAddress, typed: "{password},PinPin12", code: "passcode_malformed"},
		request{from: commaAddress, typed: "{password},WrongPIN{tokencode}", code: "securid_rejected"},
		request{from: commaAddress, typed: "{password},{passcode}", earned: "password+passcode"},
	)
}

func standIns(v *visitor) {
	v.enrol("totp")
	v.administered(v.administer(v.t, "recovery-codes", v.UID))
	recovery := v.issued
	v.administered(v.administer(v.t, "bypass", v.UID, "--reason", "ticket-4711"))
	v.asks(
		request{from: commaAddress, typed: "{password}," + recovery[0], earned: "password+recovery(9 left)"},
		request{from: commaAddress, typed: "wrong," + recovery[1], code: "password_invalid"},
		request{from: onlyAddress, typed: recovery[1], earned: "recovery(8 left)"},
		request{from: commaAddress, typed: "{password},{issued}", earned: "password+bypass(uid 0: ticket-4711, 0 left)"},
		request{from: commaAddress, typed: "{password},{issued}", code: "otp_invalid"},
	)
}

func codeAlone(v *visitor) {
	v.enrol("totp")
	v.enrol("email", "--address", v.address("home"))
	v.asks(
		request{from: onlyAddress, typed: "{wrong}", code: "otp_invalid"},
		request{from: onlyAddress, typed: "{code}", earned: "totp"},
		request{from: onlyAddress, typed: "email", code: "prompt", says: "A code was sent to {home-masked}.", sent: "{home}"},
	)
	v.before.fields["factor"] = "email"
	if r := v.from(v.t, onlyAddress, v.UID, v.value("code"), ""); r.Code != "Access-Accept" || r.Get("Sallyport-Factor") != "email" {
		v.t.Errorf("%+v", r)
	}
	if r := v.from(v.t, onlyAddress, "nobody", "123456", ""); r.Code != "Access-Reject" || r.Get("Sallyport-Code") != "password_invalid" {
		v.t.Errorf("nobody: %+v", r)
	}
}

func passcodeAlone(v *visitor) {
	v.asks(
		request{from: onlyAddress, typed: "{passcode}", earned: "passcode"},
		request{from: onlyAddress, typed: "WrongPIN123456", code: "securid_rejected"},
	)
}

func nothingRegistered(v *visitor) {
	v.asks(
		request{from: commaAddress, typed: "{password},123456", code: "factor_not_configured"},
		request{from: onlyAddress, typed: "123456", code: "factor_not_configured"},
	)
	if got := v.registered(); len(got) > 0 {
		v.t.Errorf("registered are %q", got)
	}
}
