//go:build e2e

package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"sallyport/e2e/servers"
	"sallyport/radius/rsatest"
)

// The secrets of the servers that codes go through.
const (
	mailPassword = "Canary-Mail-8162"
	smsKey       = "Canary-SMS-Key-5519"
	rsaSecret    = "Canary-RSA-Shared-Secret-7740"
)

// gateway is an SMS gateway that keeps the last message, and refuses messages on demand, in words that
// quote all of it.
type gateway struct {
	mu     sync.Mutex
	last   string
	refuse bool
}

// ServeHTTP takes a message.
func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	g.mu.Lock()
	defer g.mu.Unlock()
	if err == nil {
		g.last = string(body)
	}
	if g.refuse {
		http.Error(w, `{"code":"1404","text":`+string(body)+`,"key":"`+r.Header.Get("Authorization")+`"}`, http.StatusBadRequest)
	}
}

func (g *gateway) refuses(on bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refuse = on
}

// code is the code in the last message.
func (g *gateway) code() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return regexp.MustCompile(`\b\d{6}\b`).FindString(g.last)
}

// planted is a site through which secrets of every kind go, and those that did.
type planted struct {
	*site
	mail    *servers.Mailpit
	phone   *gateway
	vault   vault
	secrets map[string]string
}

// plants notes secrets of one kind.
func (p *planted) plants(what string, secrets ...string) {
	for _, secret := range secrets {
		p.secrets[fmt.Sprintf("%s (%d)", what, len(p.secrets))] = secret
	}
}

// People of one factor each, by their groups.
var (
	mailer  = servers.Person{UID: "mailer", Password: "Canary-Password-1", Mail: "mailer@corp.example.test", Groups: []string{"mail"}}
	phoner  = servers.Person{UID: "phoner", Password: "Canary-Password-2", Groups: []string{"phone"}}
	invited = servers.Person{UID: "invited", Password: "Canary-Password-3", Groups: []string{"guest"}}
	holder  = servers.Person{UID: erin.UID, Password: "Canary-Password-4", Groups: []string{"token"}}
)

func startPlanted(t *testing.T) *planted {
	t.Helper()
	mail := servers.StartMailpit(t, servers.MailpitOptions{Accounts: map[string]string{"sallyport": mailPassword}})
	phone := &gateway{}
	web := httptest.NewServer(phone)
	t.Cleanup(web.Close)
	v := vault{rsatest.New(rsatest.Config{Secret: rsaSecret}), rsaSecret}
	v.AddUser(holder.UID, "", "seed", rsatest.ModeSystemPIN)
	config := frontDoor("email", "ui = true", `registration = "first-login"`)
	for _, group := range [][3]string{{"phone", "sms", "first-login"}, {"token", "securid", "closed"}, {"guest", "email", "invited"}} {
		config += fmt.Sprintf("[[policy.staff.group]]\ngroups = [%q]\nfactors = [%q]\nregistration = %q\n", group[0], group[1], group[2])
	}
	config += sendsMail(mail) + `
username = "sallyport"
password_file = "secret-of-mail"
limits = {between = "0s", user = {hour = 100, day = 100}}

[factors.sms]
url = "` + web.URL + `"
username = "sallyport"
password_file = "secret-of-sms"
content_type = "application/json"
headers = {Authorization = "Basic {{.Basic}}"}
body = '{"to":"{{.To}}","text":"{{.Text}}"}'
reason_json = "code"
limits = {between = "0s", user = {hour = 100, day = 100}}

[factors.securid]
servers = ["` + v.open(t, "127.0.0.1:0").Addr() + `"]
secret_file = "secret-of-rsa"

[login]
reject_delay = "10ms"
`
	config = strings.Replace(config, `secret = "`+servers.ClientSecret+`"`, `secret_file = "secret-of-vpn"`, 1)
	config = hideSecrets(t, config, map[string]string{
		"secret-of-vpn": servers.ClientSecret, "secret-of-mail": mailPassword, "secret-of-sms": smsKey, "secret-of-rsa": rsaSecret,
	})
	s := startSite(t, config+residents(t, mailer, phoner, invited, holder))
	p := &planted{s, mail, phone, v, map[string]string{}}
	p.plants("secret of a server", mailPassword, smsKey, rsaSecret, servers.ClientSecret,
		base64.StdEncoding.EncodeToString([]byte("sallyport:"+smsKey)), base64.StdEncoding.EncodeToString([]byte("\x00sallyport\x00"+mailPassword)))
	p.plants("password", mailer.Password, phoner.Password, invited.Password, holder.Password)
	return p
}

// register registers an address after another one was mistyped, with a wrong code on the way.
func (p *planted) register(who servers.Person, mistyped, address string, sent func() string) {
	p.t.Helper()
	r := p.want(p.ask(who.UID, who.Password, ""), "Access-Challenge", "prompt", "register-address")
	r = p.want(p.ask(who.UID, mistyped, r.Get("State")), "Access-Challenge", "prompt", "confirm-address")
	r = p.want(p.ask(who.UID, "b", r.Get("State")), "Access-Challenge", "prompt", "register-address")
	r = p.want(p.ask(who.UID, address, r.Get("State")), "Access-Challenge", "prompt", "confirm-address")
	r = p.want(p.ask(who.UID, "y", r.Get("State")), "Access-Challenge", "prompt", "otp")
	wrong, right := "000001", sent()
	p.plants("code", wrong, right)
	r = p.want(p.ask(who.UID, wrong, r.Get("State")), "Access-Challenge", "otp_invalid", "otp")
	p.want(p.ask(who.UID, right, r.Get("State")), "Access-Accept", "accepted", "")
	p.plants("address", mistyped, address)
}

// TestNoSecretOfAnyChannelIsEverSeen plants secrets in logins with every channel, and in the work of an
// administrator, and looks for them everywhere. Addresses may be seen masked only.
func TestNoSecretOfAnyChannelIsEverSeen(t *testing.T) {
	t.Parallel()
	p := startPlanted(t)
	p.registerByMail()
	p.registerByPhone()
	p.dialogue()
	p.oneTimeCodes()
	doctor, err := p.Run("", "doctor", "--config", p.ConfigFile)
	if err != nil {
		t.Errorf("doctor: %v", err)
	}
	var verbs [][]string
	for _, who := range []servers.Person{mailer, phoner, invited, holder} {
		verbs = append(verbs, []string{"user", "show", who.UID}, []string{"user", "show", who.UID, "--json"})
	}
	seen := p.everythingSeen(append(verbs, []string{"user", "list", "--json"}))
	seen["doctor"] = []byte(doctor)
	p.wantNowhere(seen, p.secrets)
	if shown := seen["user show mailer"]; !bytes.Contains(shown, []byte("c•••")) {
		t.Errorf("the address is not shown masked: %s", shown)
	}
}

// registerByMail registers, and then has the mail server refuse a code.
func (p *planted) registerByMail() {
	p.t.Helper()
	const address = "canary.second@example.test"
	sent := func() string {
		code, err := p.mail.Code(p.t.Context(), address)
		if err != nil {
			p.t.Fatal(err)
		}
		return code
	}
	p.register(mailer, "canary.first@example.test", address, sent)
	if err := p.mail.Chaos(p.t.Context(), servers.Chaos{Recipient: 550}); err != nil {
		p.t.Fatal(err)
	}
	p.want(p.ask(mailer.UID, mailer.Password, ""), "Access-Challenge", "send_failed", "otp")
	if err := p.mail.Chaos(p.t.Context(), servers.Chaos{}); err != nil {
		p.t.Fatal(err)
	}
}

// registerByPhone registers, and then has the gateway refuse a code and quote it.
func (p *planted) registerByPhone() {
	p.t.Helper()
	p.register(phoner, "+92 300 7654321", "+923001234567", p.phone.code)
	p.plants("number", "923007654321", "923001234567", "3007654321", "3001234567")
	p.phone.refuses(true)
	p.want(p.ask(phoner.UID, phoner.Password, ""), "Access-Challenge", "send_failed", "otp")
	p.plants("code", p.phone.code())
	p.phone.refuses(false)
}

// dialogue is given a PIN by the RSA server.
func (p *planted) dialogue() {
	p.t.Helper()
	r := p.want(p.ask(holder.UID, holder.Password, ""), "Access-Challenge", "prompt", "passcode")
	p.plants("State", stateOf(p.t, r.Get("State")))
	first := p.vault.passcode(0)
	r = p.want(p.ask(holder.UID, first, r.Get("State")), "Access-Challenge", "prompt", "new-pin")
	r = p.want(p.ask(holder.UID, "y", r.Get("State")), "Access-Challenge", "prompt", "new-pin")
	p.plants("State", stateOf(p.t, r.Get("State")))
	shown := regexp.MustCompile(`\d{8}`).FindString(r.Get("Reply-Message"))
	r = p.want(p.ask(holder.UID, "y", r.Get("State")), "Access-Challenge", "prompt", "passcode")
	second := p.vault.passcode(1)
	p.want(p.ask(holder.UID, second, r.Get("State")), "Access-Accept", "accepted", "")
	p.plants("passcode", first, second, shown+"000000")
	p.plants("PIN", shown, p.vault.PIN(holder.UID))
	p.plants("State of the RSA server", "RSA|", "|SECURID_")
	p.ask(holder.UID, shown+"000000", p.want(p.ask(holder.UID, holder.Password, ""), "Access-Challenge", "prompt", "passcode").Get("State"))
}

// oneTimeCodes has an administrator issue codes of each kind, and uses one of each.
func (p *planted) oneTimeCodes() {
	p.t.Helper()
	recovery, bypass := p.plantsCodes("user", "recovery-codes", mailer.UID), p.plantsCodes("user", "bypass", mailer.UID, "--reason", "lost")
	for _, code := range []string{recovery[0], bypass[0]} {
		state := p.ask(mailer.UID, mailer.Password, "").Get("State")
		p.want(p.ask(mailer.UID, code, state), "Access-Accept", "accepted", "")
	}
	invitation := p.plantsCodes("user", "invite", invited.UID)
	r := p.want(p.ask(invited.UID, invited.Password, ""), "Access-Challenge", "prompt", "otp")
	p.want(p.ask(invited.UID, invitation[0], r.Get("State")), "Access-Challenge", "prompt", "register-address")
}

// plantsCodes runs a verb that issues codes, and plants them in both spellings.
func (p *planted) plantsCodes(args ...string) []string {
	p.t.Helper()
	codes := p.issued(args...)
	p.plants("code of "+args[1], codes...)
	for _, code := range codes {
		p.plants("plain code of "+args[1], strings.NewReplacer("-", "", " ", "").Replace(code))
	}
	return codes
}

// issued runs a verb that issues codes.
func (s *site) issued(args ...string) []string {
	s.t.Helper()
	out, err := s.Run("", append(args, "--json")...)
	if err != nil {
		s.t.Fatalf("%v: %v", args, err)
	}
	var reply struct{ Codes []string }
	if err := json.NewDecoder(strings.NewReader(out)).Decode(&reply); err != nil || len(reply.Codes) == 0 {
		s.t.Fatalf("%v: %v: %q", args, err, out)
	}
	return reply.Codes
}
