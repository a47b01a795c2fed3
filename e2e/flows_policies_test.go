//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/e2e/servers"
	"sallyport/radius/rsatest"
)

// Where the clients ask from whose policies differ from "staff".
const (
	concealAddress = "127.0.0.6"
	exemptAddress  = "127.0.0.7"
	strictAddress  = "127.0.0.8"
	replyAddress   = "127.0.0.9"
)

// furtherPolicies are those, with their clients.
func furtherPolicies() string {
	return listedClient("concealed", concealAddress, "policy = \"concealed\"\nui = true") +
		listedClient("exempting", exemptAddress, "policy = \"exempting\"\nui = true") +
		listedClient("strict", strictAddress, "policy = \"exempting\"\nui = true") +
		listedClient("net", replyAddress, `policy = "staff"
ui = true

[[client.reply]]
groups = ["totp"]
attributes = { "Filter-Id" = "app-users", "Cisco-AVPair" = ["shell:priv-lvl=15", "ip:addr-pool=one"] }

[[client.reply]]
groups = ["cn=EMAIL,`+servers.GroupsDN+`"]
attributes = { "Filter-Id" = "mail-users" }

[[client.reply]]
attributes = { "Idle-Timeout" = "600" }
`) + fmt.Sprintf(`
[policy.concealed]
directory = "corp"
factors = ["totp", "email"]
registration = "first-login"
conceal_password = true

[policy.exempting]
directory = "corp"
factors = ["totp"]
registration = "closed"

[[policy.exempting.exempt]]
rule = "backup"
groups = ["services"]
clients = ["exempting"]
reason = "runs unattended"
until = %[1]s

[[policy.exempting.exempt]]
rule = "old"
groups = ["once"]
reason = "has ended"
until = %[2]s
`, time.Now().Add(48*time.Hour).Format(time.DateOnly), time.Now().Add(-48*time.Hour).Format(time.DateOnly))
}

// player is somebody who plays a part of their own.
type player struct {
	name, group string
	play        func(v *visitor)
}

func underFurtherPolicies() []player {
	return []player{
		{"a concealed password, an app", "totp", concealedApp},
		{"a concealed password, mail", "email", concealedMail},
		{"a concealed password, nothing registered", "totp", concealedNothing},
		{"an exempt service", "services", exemptService},
		{"an exemption that has ended", "once", endedExemption},
		{"reply attributes of a group", "totp", repliesOfGroup},
		{"reply attributes of another group", "email", repliesOfAnother},
		{"reply attributes of the RSA server", "securid", repliesOfRSA},
	}
}

// TestFurtherClients: logins in one request, concealed passwords, exemptions and reply attributes.
func TestFurtherClients(t *testing.T) {
	t.Parallel()
	players := append(inOneRequest(), underFurtherPolicies()...)
	folk := visitors("player", 4, make([]flow, len(players)))
	for i, p := range players {
		folk[i].Groups, folk[i].Password = []string{p.group}, "pass,word-"+folk[i].UID
	}
	w := startWorld(t, worldOptions{
		people: folk, config: oneRequest() + furtherPolicies(), securid: `pass_attributes = ["Filter-Id"]`,
		dictionaries: []string{freeradiusDictionaries + "dictionary.cisco"},
	})
	for i, p := range players {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			v := w.visitor(t, folk[i], rsatest.ModeReady)
			v.before = want{fields: map[string]string{"factor": "totp"}}
			p.play(v)
		})
	}
}

// at asks as the client at an address.
func (v *visitor) at(address, typed string, before servers.RadclientReply) servers.RadclientReply {
	v.t.Helper()
	return v.from(v.t, address, v.UID, v.fill(typed), before.Get("State"))
}

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

func exemptService(v *visitor) {
	if r := v.at(exemptAddress, "wrong", nobody); r.Code != "Access-Reject" || r.Get("Sallyport-Code") != "password_invalid" {
		v.t.Errorf("wrong password: %+v", r)
	}
	if r := v.at(exemptAddress, "{password}", nobody); r.Code != "Access-Accept" {
		v.t.Errorf("%+v", r)
	}
	if r := v.at(strictAddress, "{password}", nobody); r.Code != "Access-Reject" || r.Get("Sallyport-Code") != "factor_not_configured" {
		v.t.Errorf("at another client: %+v", r)
	}
	want := []string{"reject password_invalid", "accept exempt(backup)", "reject factor_not_configured"}
	if got := v.ended(v.t, v.UID); !slices.Equal(got, want) {
		v.t.Errorf("the audit has %q", got)
	}
}

func endedExemption(v *visitor) {
	if r := v.at(exemptAddress, "{password}", nobody); r.Code != "Access-Reject" || r.Get("Sallyport-Code") != "factor_not_configured" {
		v.t.Errorf("%+v", r)
	}
}

// given checks that reply attributes come with the Accept of a login, and with no Challenge.
func (v *visitor) given(typed string, want map[string][]string) {
	v.t.Helper()
	challenge := v.at(replyAddress, "{password}", nobody)
	if challenge.Code == "Access-Challenge" && challenge.Get("Sallyport-Masked-Address") != "" {
		v.receive(v.address("home"))
	}
	accept := v.at(replyAddress, typed, challenge)
	if accept.Code != "Access-Accept" {
		v.t.Fatalf("%+v", accept)
	}
	for _, name := range []string{"Filter-Id", "Cisco-AVPair", "Idle-Timeout", "Class"} {
		if got := challenge.All(name); len(got) > 0 {
			v.t.Errorf("the challenge has %s %q", name, got)
		}
		if got := accept.All(name); !slices.Equal(got, want[name]) {
			v.t.Errorf("%s is %q, want %q", name, got, want[name])
		}
	}
}

func repliesOfGroup(v *visitor) {
	v.enrol("totp")
	v.given("{code}", map[string][]string{
		"Filter-Id": {"app-users"}, "Cisco-AVPair": {"shell:priv-lvl=15", "ip:addr-pool=one"}, "Idle-Timeout": {"600"},
	})
}

func repliesOfAnother(v *visitor) {
	v.enrol("email", "--address", v.address("home"))
	v.before.fields["factor"] = "email"
	v.given("{code}", map[string][]string{"Filter-Id": {"mail-users"}, "Idle-Timeout": {"600"}})
}

// repliesOfRSA come before ours: what the RSA server gave with its Accept.
func repliesOfRSA(v *visitor) {
	v.given("{passcode}", map[string][]string{
		"Class": {fmt.Sprintf("0x%x", rsatest.Class)}, "Filter-Id": {"rsa-users"}, "Idle-Timeout": {"600"},
	})
}
