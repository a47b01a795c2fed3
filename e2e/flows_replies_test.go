//go:build e2e

package e2e

import (
	"fmt"
	"slices"

	"sallyport/radius/rsatest"
)

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
	want["User-Name"] = []string{v.UID} // R13: the directory's
	for _, name := range []string{"User-Name", "Filter-Id", "Cisco-AVPair", "Idle-Timeout", "Class"} {
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
