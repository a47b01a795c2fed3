package login

import (
	"encoding/hex"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

func TestD1SpellingsOfADN(t *testing.T) {
	for _, spellings := range [][]string{
		{`cn=Sales\, EMEA,ou=groups,dc=corp`, `CN=sales\2C emea,OU=Groups,DC=Corp`, `cn=Sales\2c\20EMEA, ou = groups ,dc=corp`,
			`2.5.4.3=Sales\, EMEA,OID.2.5.4.11=groups,0.9.2342.19200300.100.1.25=corp`, `commonName="Sales, EMEA";organizationalUnitName=groups;domainComponent=corp`,
			`cn=  Sales\,   EMEA  ,ou=groups,dc=corp`, `cn=#040b53616c65732c20454d4541,ou=#130667726f757073,dc=#1604636f7270`,
			`cn=S\61les\, EMEA,ou=groups,dc=corp`, `cn=Sales\, EMEA\20,ou=groups,dc=corp`, `cn=#1e1600530061006c00650073002c00200045004d00450041,ou=groups,dc=corp`},
		{`cn=a+ou=b,dc=x`, `ou=b+cn=a,dc=x`, `OU=B + CN=A, DC=X`},
		{`cn=Lučić,dc=x`, `cn=Lu\C4\8Di\C4\87,dc=x`, "cn=Luc\u030cic\u0301,dc=x", `CN=LUČIĆ,dc=x`},
		{`cn=Straße,dc=x`, `cn=STRASSE,dc=x`}, {`cn=ＶＰＮ,dc=x`, `cn=vpn,dc=x`}, {"cn=v\u00adpn,dc=x", `cn=vpn,dc=x`}, {"cn=a\u00a0b,dc=x", `cn=a b,dc=x`},
		{`cn=a\+b,dc=x`, `cn=a\2bb,dc=x`, `cn="a+b",dc=x`}, {`cn=\#x,dc=x`, `cn=\23x,dc=x`}, {`cn=a=b,dc=x`, `cn=a\=b,dc=x`, `cn=a\3Db,dc=x`},
		{`cn=a\0Ab,dc=x`, `cn=a b,dc=x`}, {`cn=\"q\",dc=x`, `cn=\22q\22,dc=x`}, {`cn=a\\b,dc=x`, `cn=a\5Cb,dc=x`}, {`cn=,dc=x`, `cn= ,dc=x`},
		{`cn=#0500,dc=x`, `cn=#0500 , dc=x`}, {`1.2.3.4=x`, `OID.1.2.3.4=X`}, {``, ` `},
	} {
		first, err := ParseDN(spellings[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range spellings {
			if dn, err := ParseDN(text); err != nil || !dn.Equal(first) || dn.String() != first.String() {
				t.Errorf("%s is %q, %v; want %q", text, dn, err, first)
			}
		}
		if again, err := ParseDN(first.String()); err != nil || !again.Equal(first) {
			t.Errorf("%s, written as %s, is read as %s, %v", spellings[0], first, again, err)
		}
	}
}

func TestD1DNsThatDiffer(t *testing.T) {
	all := []string{`cn=a,ou=b`, `cn=a\,ou\=b`, `cn=a+ou=b`, `cn=a\+ou\=b`, `ou=b,cn=a`, `ou=a,ou=b`, `cn=a`, `cn=ab`, `cn=#0500`, `cn=\#0500`, `cn=a,ou=b,dc=c`,
		`cn=#0401ff`, `uid=a,ou=b`, `cn=a b`, `cn=,ou=b`, `cn=a\\,ou=b`}
	for i, a := range all {
		for j, b := range all {
			x, err1 := ParseDN(a)
			y, err2 := ParseDN(b)
			if err1 != nil || err2 != nil || x.Equal(y) != (i == j) {
				t.Errorf("%s and %s: %q and %q; %v, %v", a, b, x, y, err1, err2)
			}
		}
	}
}

func TestTextsThatAreNoDN(t *testing.T) {
	for _, text := range []string{"vpn", "cn", "=x", "cn=a,", ",cn=a", "cn=a,,cn=b", "cn=a+", `cn=a\`, `cn=a\zz`, `cn="a`, `cn="a"b`, "cn=#", "cn=#1", "cn=#xy", `cn=\ff`, "c n=x",
		"cn=a,b", "1..2=x", "-=x", "cn=\xff", "c?=x"} {
		if dn, err := ParseDN(text); err == nil {
			t.Errorf("%q is read as %q", text, dn)
		}
	}
}

// alphabet holds what has a meaning in a DN, and what is folded or composed.
var alphabet = []rune(`abcXYZ019 ,+"\<>;=#/ßüéżČ漢😀`)

// anyValue is a value whose spellings anySpelling knows.
func anyValue(r *rand.Rand) string {
	var b strings.Builder
	for range r.Intn(8) {
		b.WriteRune(alphabet[r.Intn(len(alphabet))])
	}
	return b.String()
}

var someTypes = [][]string{{"cn", "CN", "commonName", "2.5.4.3", "OID.2.5.4.3"}, {"ou", "OU", "organizationalUnitName", "2.5.4.11"}, {"dc", "domainComponent", "DC"}, {"uid", "userid"}, {"x-own", "X-Own"}}

// oneAVA is a type, as an index of someTypes, and a value.
type oneAVA struct {
	kind  int
	value string
}

func anyDN(r *rand.Rand) (dn [][]oneAVA) {
	for range 1 + r.Intn(4) {
		var rdn []oneAVA
		for _, kind := range r.Perm(len(someTypes))[:1+r.Intn(2)] {
			rdn = append(rdn, oneAVA{kind, anyValue(r)})
		}
		dn = append(dn, rdn)
	}
	return dn
}

// spell writes a DN in one of its legal ways.
func spell(r *rand.Rand, dn [][]oneAVA) string {
	blank := func() string { return strings.Repeat(" ", max(0, r.Intn(5)-2)) }
	var rdns []string
	for _, rdn := range dn {
		var avas []string
		for _, i := range r.Perm(len(rdn)) {
			names := someTypes[rdn[i].kind]
			avas = append(avas, blank()+names[r.Intn(len(names))]+blank()+"="+blank()+spellValue(r, rdn[i].value)+blank())
		}
		rdns = append(rdns, strings.Join(avas, "+"))
	}
	return strings.Join(rdns, []string{",", ";"}[r.Intn(2)])
}

func spellValue(r *rand.Rand, value string) string {
	if r.Intn(3) == 0 { // another case, for what has two
		value = strings.Map(func(c rune) rune {
			if other := unicode.ToUpper(c); r.Intn(2) == 0 && unicode.ToLower(other) == unicode.ToLower(c) {
				return other
			}
			return c
		}, value)
	}
	if r.Intn(3) == 0 { // insignificant spaces
		value = strings.ReplaceAll(value, " ", strings.Repeat(" ", 1+r.Intn(3)))
	}
	switch r.Intn(6) {
	case 0:
		return fmt.Sprintf("#04%s%x", berLength(len(value)), value)
	case 1:
		var units []byte
		for _, u := range utf16.Encode([]rune(value)) {
			units = append(units, byte(u>>8), byte(u))
		}
		return "#1E" + berLength(len(units)) + strings.ToUpper(hex.EncodeToString(units))
	case 2:
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
	}
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		c := value[i]
		special := strings.ContainsRune(`,+"\<>;`, rune(c)) || (c == '#' || c == ' ') && strings.TrimLeft(value[:i], " ") == "" || c == ' ' && i == len(value)-1
		switch {
		case r.Intn(4) == 0:
			fmt.Fprintf(&b, `\%02x`, c)
		case special, strings.ContainsRune(" #=", rune(c)) && r.Intn(2) == 0:
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func berLength(n int) string {
	if n > 127 || n%2 == 1 {
		return fmt.Sprintf("81%02x", n)
	}
	return fmt.Sprintf("%02x", n)
}

// TestDNsInEveryLegalSpelling: two legal spellings of one DN are equal, and those of different DNs are not. Group names
// follow: a deny by the DN or by the bare name fits each spelling.
func TestDNsInEveryLegalSpelling(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	same := func(a, b [][]oneAVA) bool {
		flat := func(dn [][]oneAVA) (out []string) {
			for _, rdn := range dn {
				var avas []string
				for _, a := range rdn {
					avas = append(avas, fmt.Sprintf("%d %q", a.kind, prepare(a.value)))
				}
				slices.Sort(avas)
				out = append(out, strings.Join(avas, "+"))
			}
			return out
		}
		return slices.Equal(flat(a), flat(b))
	}
	for range 3000 {
		a := anyDN(r)
		b := slices.Clone(a)
		if r.Intn(2) == 0 { // one that differs little
			at := r.Intn(len(b))
			b[at] = slices.Clone(b[at])
			b[at][r.Intn(len(b[at]))].value = anyValue(r)
		} else if r.Intn(2) == 0 {
			b = anyDN(r)
		}
		x, y := spell(r, a), spell(r, b)
		dx, err1 := ParseDN(x)
		dy, err2 := ParseDN(y)
		if err1 != nil || err2 != nil || dx.Equal(dy) != same(a, b) {
			t.Fatalf("%s\n%s\nare %q and %q; %v, %v; want equal: %v", x, y, dx, dy, err1, err2, same(a, b))
		}
		name, err := ParseGroupName(x)
		if err != nil || name.Denies(Membership{Names: []string{y}}) != same(a, b) {
			t.Fatalf("the rule %s denies the group %s: %v, %v", x, y, !same(a, b), err)
		}
		if value := a[0][0].value; prepare(value) != "" && !strings.ContainsAny(value, `=\`) {
			bare, err := ParseGroupName(value)
			if err != nil || !bare.Bare() || !bare.Denies(Membership{Names: []string{x}}) {
				t.Fatalf("the bare name %q does not deny the group %s: %v", value, x, err)
			}
		}
	}
}

func FuzzParseDN(f *testing.F) {
	for _, seed := range []string{`cn=Sales\, EMEA,ou=groups`, `cn="a,b"+ou=#0401ff;dc=x`, `2.5.4.3=\c4\8d`, "vpn", `cn=\`, "cn=#1e020041"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		dn, err := ParseDN(text)
		if err != nil {
			return
		}
		if again, err := ParseDN(dn.String()); err != nil || !again.Equal(dn) || !utf8.ValidString(dn.String()) {
			t.Errorf("%q, written as %q, is read as %q, %v", text, dn, again, err)
		}
		if dn.Below(dn) {
			t.Errorf("%q is below itself", dn)
		}
	})
}
