package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"sallyport/directory/local"
	"sallyport/factors/email"
	"sallyport/factors/securid"
	"sallyport/factors/sms"
	"sallyport/factors/totp"
)

// Two people by name, and the first one's authenticator app.
const (
	demoUser          = "alice"
	demoPassword      = "wonderland-1"
	demoKey           = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	demoOtherUser     = "bob"
	demoOtherPassword = "builder-1"
)

// The groups of the demo's directory. Each has the factor that it is named for; whoever is in none
// may choose.
const (
	demoApps   = "apps"
	demoMails  = "mails"
	demoPhones = "phones"
	demoTokens = "tokens"
)

// demoPerson is somebody in the demo. All of it is public.
type demoPerson struct {
	name, password, group string
	// address is registered for the group's factor already; empty means that the person does it. For
	// the authenticator app it is the key.
	address string
	// pin is the PIN of a token; empty means that there is none yet.
	pin string
}

// demoPeople lists who is in the demo: for each factor somebody who has it and somebody who does not.
// The numbers are of the range that is kept free for fiction (NANP, 555-0100 to 555-0199).
func demoPeople() []demoPerson {
	return []demoPerson{
		{name: demoUser, password: demoPassword, group: demoApps, address: demoKey},
		{name: demoOtherUser, password: demoOtherPassword, group: demoApps},
		{name: "carol", password: "christmas-1", group: demoMails, address: "carol@example.org"},
		{name: "craig", password: "cliffhanger-1", group: demoMails},
		{name: "dave", password: "daredevil-1", group: demoPhones, address: "+12025550147"},
		{name: "dora", password: "explorer-1", group: demoPhones},
		{name: "erin", password: "emerald-1", group: demoTokens, pin: "sallyp00"},
		{name: "eric", password: "earnest-1", group: demoTokens},
		{name: "frank", password: "freedom-1"},
	}
}

// factor is the factor of the person's group; empty where the person chooses.
func (p demoPerson) factor() string {
	return map[string]string{demoApps: totp.Name, demoMails: email.Name, demoPhones: sms.Name, demoTokens: securid.Name}[p.group]
}

// situation says what the person logs in with.
func (p demoPerson) situation() string {
	how := map[string]string{
		demoApps: "authenticator app", demoMails: "email", demoPhones: "SMS", demoTokens: "RSA SecurID",
		"": "app, email or SMS",
	}[p.group]
	switch {
	case p.pin != "":
		return how + ", with the PIN " + p.pin
	case p.group == demoTokens:
		return how + ", chooses a PIN at the first login"
	case p.address == "":
		return how + ", registers at the first login"
	case p.group == demoApps:
		return how + ", registered with the key " + p.address
	}
	return how + ", registered as " + p.address
}

// printDemoPeople shows who is there.
func printDemoPeople(w io.Writer) error {
	rows := [][]string{{"USER", "PASSWORD", "SECOND FACTOR"}}
	for _, p := range demoPeople() {
		rows = append(rows, []string{p.name, p.password, p.situation()})
	}
	var table strings.Builder
	if err := printTable(&indented{w: &table}, rows...); err != nil {
		return err
	}
	_, err := io.WriteString(w, table.String())
	return err
}

// demoUsers returns the people as tables. Their ids are fixed, so that what they register outlives a
// restart.
func demoUsers() (string, error) {
	var b strings.Builder
	for _, p := range demoPeople() {
		hash, err := local.Hash(p.password)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "[[directory.demo.users]]\nid = %q\nname = %q\npassword_hash = %q\nmail = %q\ngroups = [%q]\n",
			p.name, p.name, hash, p.name+"@example.org", cmp.Or(p.group, "everybody"))
	}
	return b.String(), nil
}
