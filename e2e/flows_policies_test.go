//go:build e2e

package e2e

import (
	"fmt"
	"slices"
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
attributes = { "Idle-Timeout" = "600", "User-Name" = "{username}" }
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
