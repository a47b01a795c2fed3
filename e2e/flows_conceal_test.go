//go:build e2e

package e2e

import (
	"slices"
	"strings"

	"sallyport/e2e/servers"
)

// same fails when replies differ in anything but what no two replies share.
func (v *visitor) same(a, b servers.RadclientReply) {
	v.t.Helper()
	show := func(r servers.RadclientReply) (all []servers.Attribute) {
		for _, a := range r.Attributes {
			switch a.Name {
			case "Message-Authenticator", "State", "Session-Timeout", "Sallyport-Resend-After":
				a.Value = ""
			}
			all = append(all, a)
		}
		return append(all, servers.Attribute{Name: "code", Value: r.Code})
	}
	if !slices.Equal(show(a), show(b)) {
		v.t.Errorf("they can be told apart:\n%+v\n%+v", show(a), show(b))
	}
}

var nobody servers.RadclientReply

// concealedApp: a right and a wrong password look the same until the right code comes.
func concealedApp(v *visitor) {
	v.enrol("totp")
	right, wrong := v.at(concealAddress, "{password}", nobody), v.at(concealAddress, "wrong", nobody)
	v.same(right, wrong)
	for n := range 2 {
		code := v.wrong(n)
		right, wrong = v.at(concealAddress, code, right), v.at(concealAddress, code, wrong)
		v.same(right, wrong)
	}
	code := v.value("code")
	if end := v.at(concealAddress, code, wrong); end.Code != "Access-Reject" || end.Get("Sallyport-Code") != "attempts_exhausted" {
		v.t.Errorf("wrong password: %+v", end)
	}
	if end := v.at(concealAddress, code, right); end.Code != "Access-Accept" {
		v.t.Errorf("right password: %+v", end)
	}
}

// concealedMail: a code goes out after a right password only, to an address that does not show.
func concealedMail(v *visitor) {
	v.enrol("email", "--address", v.address("home"))
	wrong := v.at(concealAddress, "wrong", nobody)
	right := v.at(concealAddress, "{password}", nobody)
	v.receive(v.address("home"))
	v.same(right, wrong)
	if masked := right.Get("Sallyport-Masked-Address"); strings.Contains(masked, "home.test") {
		v.t.Errorf("shows %q", masked)
	}
	v.before.fields["factor"] = "email"
	if end := v.at(concealAddress, "{code}", wrong); end.Code != "Access-Challenge" || end.Get("Sallyport-Code") != "otp_invalid" {
		v.t.Errorf("wrong password, right code: %+v", end)
	}
	if end := v.at(concealAddress, "{code}", right); end.Code != "Access-Accept" {
		v.t.Errorf("right password: %+v", end)
	}
	v.counted()
}

// concealedNothing: nobody registers where passwords are concealed, and does not learn that either.
func concealedNothing(v *visitor) {
	right, wrong := v.at(concealAddress, "{password}", nobody), v.at(concealAddress, "wrong", nobody)
	v.same(right, wrong)
	if right.Code != "Access-Challenge" || right.Get("Sallyport-Step") != "otp" {
		v.t.Errorf("%+v", right)
	}
	v.same(v.at(concealAddress, "123456", right), v.at(concealAddress, "123456", wrong))
	if got := v.registered(); len(got) > 0 {
		v.t.Errorf("registered are %q", got)
	}
}
