//go:build e2e

package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sallyport/e2e/servers"
	"sallyport/radius/rsatest"
)

// pin is the PIN of everyone whom the RSA server does not ask for a new one.
const pin = "PinPin12"

// visitor is a person who plays a flow, and what they know.
type visitor struct {
	servers.Person
	*world
	t *testing.T

	// shown is the last prompt, before what it had to be.
	shown  string
	before want
	// made is the PIN that the RSA server made.
	made string
	// key is that of the authenticator app; step and minute are the last ones whose codes were typed.
	key          string
	step, minute int64
	// codes are those that came, the newest last; got counts them by address.
	codes []string
	got   map[string]int
	// issued are the one-time codes that an administrator made last; typed is the last answer that was
	// no password.
	issued []string
	typed  string
}

// visitors makes a person for each flow at a door, whose names begin with the door's.
func visitors(door string, number int, flows []flow) []servers.Person {
	folk := make([]servers.Person, len(flows))
	for i, f := range flows {
		uid := fmt.Sprintf("%s%02d", door, i)
		folk[i] = servers.Person{
			UID: uid, Password: "password-of-" + uid, Mail: uid + "@example.test",
			Phone: fmt.Sprintf("+9230%d1%06d", number, i), Groups: []string{f.group},
		}
	}
	return folk
}

func (w *world) visitor(t *testing.T, p servers.Person, mode rsatest.Mode) *visitor {
	first := pin
	if mode == rsatest.ModeNewPIN || mode == rsatest.ModeSystemPIN {
		first = ""
	}
	w.rsa.AddUser(p.UID, first, "seed of "+p.UID, mode)
	return &visitor{Person: p, world: w, t: t, got: map[string]int{}}
}

var braces = regexp.MustCompile(`\{[^}]+\}`)

// fill puts the person's own words in the place of those in braces.
func (v *visitor) fill(text string) string {
	v.t.Helper()
	return braces.ReplaceAllStringFunc(text, func(word string) string { return v.value(word[1 : len(word)-1]) })
}

// value is what a word in braces stands for.
func (v *visitor) value(word string) string {
	v.t.Helper()
	name, digits := strings.TrimRight(word, "0123456789"), strings.TrimLeft(word, "abcdefghijklmnopqrstuvwxyz-")
	n, _ := strconv.Atoi(digits)
	switch name {
	case "user":
		return v.UID
	case "password":
		return v.Password
	case "mail", "home", "other", "phone", "mobile":
		return v.address(name)
	case "mail-masked", "home-masked", "other-masked":
		local, domain, _ := strings.Cut(v.address(strings.TrimSuffix(name, "-masked")), "@")
		return local[:1] + "•••" + local[len(local)-1:] + "@" + domain
	case "phone-masked", "mobile-masked":
		number := v.address(strings.TrimSuffix(name, "-masked"))
		return number[:3] + "••••••••" + number[len(number)-2:]
	case "mobile-national":
		return "0" + v.address("mobile")[3:]
	case "mobile-shown":
		return v.address("mobile")[:3] + " " + v.address("mobile")[3:6] + " " + v.address("mobile")[6:]
	case "code":
		return v.code(n)
	case "wrong":
		return v.wrong(n)
	case "again":
		return v.typed
	case "key":
		return v.key
	case "tokencode":
		return v.tokencode()
	case "passcode":
		return v.rsa.PIN(v.UID) + v.tokencode()
	case "issued":
		return v.issued[n]
	case "made-pin":
		return v.made
	}
	v.t.Fatalf("{%s} stands for nothing", word)
	return ""
}

// address is where the person can be reached: mail and phone as the directory says, home, other and
// mobile as only they know.
func (v *visitor) address(name string) string {
	switch name {
	case "mail":
		return v.Mail
	case "phone":
		return v.Phone
	case "mobile":
		return v.Phone[:6] + "2" + v.Phone[7:]
	}
	return v.UID + "@" + name + ".test"
}

// code is the right answer to what is asked. Of codes that were sent it is the nth before the newest.
func (v *visitor) code(n int) string {
	v.t.Helper()
	if v.before.fields["factor"] != "totp" {
		if n >= len(v.codes) {
			v.t.Fatalf("only %d codes came", len(v.codes))
		}
		return v.codes[len(v.codes)-1-n]
	}
	now := timeStep()
	v.step = max(v.step+1, now-1)
	if v.step > now+1 {
		v.t.Fatal("the flow needs more codes than there are good ones now")
	}
	return codeAt(v.t, v.key, v.step)
}

// wrong is one of several codes that are wrong.
func (v *visitor) wrong(n int) string {
	v.t.Helper()
	if v.before.fields["factor"] == "totp" {
		return wrongCode(v.t, v.key, n)
	}
	for i := 0; ; i++ {
		if code := fmt.Sprintf("%06d", i); !slices.Contains(v.codes, code) {
			if n--; n < 0 {
				return code
			}
		}
	}
}

// tokencode is the next one that was not typed yet.
func (v *visitor) tokencode() string {
	v.minute = max(v.minute+1, time.Now().Unix()/60)
	return v.rsa.TokencodeAt(v.UID, time.Unix(v.minute*60, 0))
}

// do does an aside.
func (v *visitor) do(a aside) {
	v.t.Helper()
	who, words, _ := strings.Cut(a.text, " ")
	switch {
	case a.act:
		v.administered(v.administer(v.t, strings.Fields(v.fill(a.text))...))
	case who == "countdown":
		<-time.After(between)
	default:
		v.told(v.fill(who), words)
	}
}

var (
	oneTimeCode = regexp.MustCompile(`(?m)(?:^|invitation )([0-9a-z]{4}(?:-[0-9a-z]{4}){2})\b`)
	printedKey  = regexp.MustCompile(`(?m)^key +([A-Z2-7 ]+)$`)
)

// administered keeps what an administrator hands over to the person.
func (v *visitor) administered(printed string) {
	if codes := oneTimeCode.FindAllStringSubmatch(printed, -1); codes != nil {
		v.issued = nil
		for _, code := range codes {
			v.issued = append(v.issued, code[1])
		}
	}
	if key := printedKey.FindStringSubmatch(printed); key != nil {
		v.key, v.step = key[1], 0
	}
}
