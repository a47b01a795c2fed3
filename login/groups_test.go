package login

import (
	"errors"
	"testing"
	"time"
)

func TestD1RulesFitTheGroupsOfADirectory(t *testing.T) {
	for _, c := range []struct {
		rule, group string
		want        bool
	}{
		{"Sales, EMEA", `cn=Sales\, EMEA,ou=groups,dc=corp`, true},
		{"sales,  emea", `cn=Sales\2C EMEA,ou=groups,dc=corp`, true},
		{`Sales\, EMEA`, `cn=Sales\2C EMEA,ou=groups,dc=corp`, true},
		{`Sales\2c EMEA`, `cn=Sales\, EMEA,ou=groups,dc=corp`, true},
		{`CN=Sales\2c EMEA, OU=Groups, DC=corp`, `cn=Sales\, EMEA,ou=groups,dc=corp`, true},
		{`CN="Sales, EMEA",OU=Groups,DC=corp`, `cn=Sales\, EMEA,ou=groups,dc=corp`, true},
		{"Sales", `cn=Sales\, EMEA,ou=groups,dc=corp`, false},
		{"EMEA", `cn=Sales\, EMEA,ou=groups,dc=corp`, false},
		{"groups", "cn=x,ou=groups,dc=corp", false},
		{`a+b`, `cn=a\+b,dc=corp`, true}, {`a"b"`, `cn=a\"b\",dc=corp`, true}, {`a\b`, `cn=a\\b,dc=corp`, true}, {"#1", `cn=\#1,dc=corp`, true},
		{"a<b>;c", `cn=a\<b\>\;c,dc=corp`, true}, {"Größe", `cn=Gr\C3\B6\C3\9Fe,dc=corp`, true}, {"Größe", "cn=Gro\u0308sse,dc=corp", true},
		{"b", "cn=a+ou=b,dc=corp", true}, {"ou=b+cn=a,dc=corp", "cn=a+ou=b,dc=corp", true},
		{"vpn", "VPN", true}, {"R&D = x", "r&d = X", true}, {"cn=vpn", "CN = VPN", true}, {"urn:a:b=c", "urn:a:b=c", true}, {"vpn", "vpn2", false},
		{"cn=vpn,dc=corp", "cn=vpn,ou=x,dc=corp", false},
	} {
		name, err := ParseGroupName(c.rule)
		m := Membership{Names: []string{"cn=other,dc=corp", c.group}}
		if err != nil || name.Denies(m) != c.want || name.Grants(m) != c.want {
			t.Errorf("%s fits %s: %v, %v; want %v", c.rule, c.group, name.Denies(m), err, c.want)
		}
	}
	for _, bad := range []string{"", " ", "cn=Sales, EMEA,ou=groups", `cn=a\zz`, "cn=a,", "2.5.4.3=#1"} {
		if name, err := ParseGroupName(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, name)
		}
	}
}

// TestS18ABareNameGivesBelowTheBaseOnly: what a rule gives goes to groups where administrators make them, what it
// refuses is refused wherever the group stands.
func TestS18ABareNameGivesBelowTheBaseOnly(t *testing.T) {
	for _, c := range []struct {
		rule, group, base string
		grants, denies    bool
	}{
		{"vpn-nomfa", "CN=vpn-nomfa,OU=Sandbox,DC=corp", "OU=Groups,DC=corp", false, true},
		{"vpn-nomfa", "CN=vpn-nomfa,OU=Groups,DC=corp", "ou = groups, dc=CORP", true, true},
		{"vpn-nomfa", "CN=vpn-nomfa,OU=VPN,OU=Groups,DC=corp", "OU=Groups,DC=corp", true, true},
		{"vpn-nomfa", `CN=vpn-nomfa,OU=Sandbox\,OU=Groups,DC=corp`, "OU=Groups,DC=corp", false, true},
		{"vpn-nomfa", "CN=vpn-nomfa,OU=Groups,DC=other,DC=corp", "OU=Groups,DC=corp", false, true},
		{"Groups", "OU=Groups,DC=corp", "OU=Groups,DC=corp", false, true},
		{"vpn-nomfa", "CN=vpn-nomfa,OU=Sandbox,DC=corp", "", true, true},
		{"CN=vpn-nomfa,OU=Sandbox,DC=corp", "CN=vpn-nomfa,OU=Sandbox,DC=corp", "OU=Groups,DC=corp", true, true},
		{"CN=vpn-nomfa,OU=Groups,DC=corp", "CN=vpn-nomfa,OU=Sandbox,DC=corp", "", false, false},
		{"vpn-nomfa", "CN=vpn-nomfa,OU=Groups,DC=corp", "no DN", false, true},
	} {
		name, err := ParseGroupName(c.rule)
		m := Membership{Names: []string{c.group}, Base: c.base}
		if err != nil || name.Grants(m) != c.grants || name.Denies(m) != c.denies {
			t.Errorf("%s and %s below %s: grants %v, denies %v, %v", c.rule, c.group, c.base, name.Grants(m), name.Denies(m), err)
		}
		u := User{ID: "corp:1", Groups: m.Names, GroupBase: m.Base}
		p := Policy{Factors: []string{"totp"}, Exemptions: []Exemption{{Rule: "x", Groups: []string{c.rule}, Until: time.Unix(10, 0)}}}
		if _, exempt := p.exemption(u, "vpn", time.Unix(0, 0)); exempt != c.grants {
			t.Errorf("%s exempts %s below %q: %v", c.rule, c.group, c.base, exempt)
		}
		p.Groups = []GroupRule{{Groups: []string{c.rule}, Factors: []string{"email"}}}
		if r, err := p.ruleFor(u); err != nil || (r.factors[0] == "email") != c.grants {
			t.Errorf("%s changes the factors of %s below %q: %v, %v", c.rule, c.group, c.base, r.factors, err)
		}
		p.Groups[0] = GroupRule{Groups: []string{c.rule}, Deny: true}
		if _, err := p.ruleFor(u); (err != nil) != c.denies {
			t.Errorf("%s denies %s below %q: %v", c.rule, c.group, c.base, err)
		}
		subject, open := GroupSubject("corp", c.rule), false
		for _, s := range groupSubjects("corp", u) {
			open = open || s == subject
		}
		if open != c.grants {
			t.Errorf("a window for %s is one for %s below %q: %v", c.rule, c.group, c.base, open)
		}
	}
}

// TestD3GroupsThatAreNotKnownDecideNothing: where groups may be missing, or cannot be read, a rule that does not fit may
// fit all the same, so nothing behind it counts.
func TestD3GroupsThatAreNotKnownDecideNothing(t *testing.T) {
	deny, mail := GroupRule{Groups: []string{"leavers"}, Deny: true}, GroupRule{Groups: []string{"mail"}, Factors: []string{"email"}}
	for _, c := range []struct {
		name    string
		rules   []GroupRule
		user    User
		factor  string
		decided bool
	}{
		{"no rules", nil, User{GroupsPartial: "too many"}, "totp", true},
		{"deny", []GroupRule{deny}, User{GroupsPartial: "too many"}, "", false},
		{"factors", []GroupRule{mail}, User{GroupsPartial: "too many"}, "", false},
		{"the first fits", []GroupRule{mail, deny}, User{Groups: []string{"mail"}, GroupsPartial: "too many"}, "email", true},
		{"the second fits", []GroupRule{deny, mail}, User{Groups: []string{"mail"}, GroupsPartial: "too many"}, "", false},
		{"a name that cannot be read", []GroupRule{deny}, User{Groups: []string{`cn=leavers\,dc=corp\`}}, "", false},
		{"a name that is not UTF-8", []GroupRule{deny}, User{Groups: []string{`cn=\ff,dc=corp`}}, "", false},
		{"all known", []GroupRule{deny, mail}, User{Groups: []string{"cn=mail,dc=corp"}}, "email", true},
	} {
		r, err := Policy{Factors: []string{"totp"}, Groups: c.rules}.ruleFor(c.user)
		if errors.Is(err, errUndecided) == c.decided || c.decided && (err != nil || r.factors[0] != c.factor) {
			t.Errorf("%s: %v, %v", c.name, r.factors, err)
		}
	}
	p := Policy{Groups: []GroupRule{deny}}
	if _, err := p.ruleFor(User{Groups: []string{"leavers"}, GroupsPartial: "too many"}); err == nil || errors.Is(err, errUndecided) {
		t.Errorf("a member of a refused group: %v", err)
	}
}

func TestD1WindowsInEverySpelling(t *testing.T) {
	u := User{Groups: []string{`CN=Sales\2C EMEA,OU=Groups,DC=corp`}}
	for _, group := range []string{"Sales, EMEA", `cn=Sales\, EMEA, ou=groups, dc=corp`, `cn=sales\, emea,ou=groups,dc=corp`} {
		subject := GroupSubject("corp", group)
		open := false
		for _, s := range groupSubjects("corp", u) {
			open = open || s == subject
		}
		if !open {
			t.Errorf("a window for %s, %s, is none for %s: %s", group, subject, u.Groups, groupSubjects("corp", u))
		}
	}
}
