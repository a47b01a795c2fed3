package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/directory/directorytest"
	"sallyport/login"
	"sallyport/web/admin"
)

// patient is a configuration for the doctor, with the servers of the demo in the place of real ones.
type patient struct {
	*service
	shown *output
}

// ldapTable configures the server of directorytest.
func ldapTable(address string) string {
	return fmt.Sprintf(`[directory.corp]
type = "ldap"
urls = ["ldap://%s", "ldap://127.0.0.1:1"]
base_dn = %q
bind_dn = %q
bind_password = %q
`, address, directorytest.BaseDN, directorytest.ServiceDN, directorytest.ServicePassword)
}

// admit prepares a patient. RSA's shared secret is given; "" means the right one.
func admit(t *testing.T, rsaSecret string) *patient {
	t.Helper()
	shown := newOutput()
	b, quiet := &board{w: shown}, slog.New(slog.DiscardHandler)
	mail, err := openMailbox(b, quiet)
	if err != nil {
		t.Fatal(err)
	}
	phone, err := openPhone(b, quiet)
	if err != nil {
		t.Fatal(err)
	}
	token, err := openToken(b, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(mail.close(), phone.close(), token.close()); err != nil {
			t.Error(err)
		}
	})
	if rsaSecret == "" {
		rsaSecret = token.secret.Reveal()
	}
	text := regexp.MustCompile(`(?s)\[directory\.corp\].*`).ReplaceAllString(small(t), ldapTable(directorytest.StartServer(t, nil, nil).Address))
	text += fmt.Sprintf(`
[factors.email]
servers = [%q, "smtp+plain://127.0.0.1:1"]
from = "login@corp.example"
[factors.sms]
url = %q
content_type = "application/json"
body = '%s'
allowed_countries = ["PK"]
[factors.securid]
servers = [%q, "127.0.0.1:1"]
secret = %q
`, mail.url(), phone.url(), demoPhoneBody, token.server.Addr(), rsaSecret)
	return &patient{prepare(t, text), shown}
}

func (p *patient) doctor(t *testing.T, args ...string) outcome {
	t.Helper()
	return runProgram(t, "", append([]string{"doctor", "--config", p.config, "--socket", filepath.Join(p.dir, "none.sock")}, args...)...)
}

// wantFindings compares lines with patterns, in their order.
func wantFindings(t *testing.T, got outcome, code int, patterns ...string) {
	t.Helper()
	if !regexp.MustCompile("^"+strings.Join(patterns, "\n")+"\n$").MatchString(got.stdout) || got.code != code {
		t.Errorf("exit %d\n%s%s\nwant exit %d\n%s", got.code, got.stdout, got.stderr, code, strings.Join(patterns, "\n"))
	}
}

func TestTheDoctorAsksEachServer(t *testing.T) {
	p := admit(t, "")
	wantFindings(t, p.doctor(t, "directory"), exitDegraded,
		`\[ ok \] directory\.corp ldap://127.0.0.1:\d+: bound and searched in \S+`,
		`\[fail\] directory\.corp ldap://127.0.0.1:1: .*connection refused.*`,
		`       Nothing listens there: .*`)
	wantFindings(t, p.doctor(t, "smtp"), exitDegraded,
		`\[ ok \] factors\.email smtp\+plain://127.0.0.1:\d+: no TLS, no AUTH`,
		`\[fail\] factors\.email smtp\+plain://127.0.0.1:1: .*connection refused.*`,
		`       Nothing listens there: .*`)
	wantFindings(t, p.doctor(t, "sms"), exitOK,
		`\[ ok \] factors\.sms 127.0.0.1:\d+: no TLS, connected in .*`)
	wantFindings(t, p.doctor(t, "rsa"), exitDegraded,
		`\[ ok \] factors\.securid 127.0.0.1:\d+: ready.*: signed login reject, unsigned \w+, Status-Server accept, in .*`,
		`\[fail\] factors\.securid 127.0.0.1:1: nothing_listens: .*`,
		`       The host is up, but nothing listens on this port: .*`)
}

// A server behind three silent ones has its own time.
func TestServersAreAskedAtOnce(t *testing.T) {
	servers := []string{"a", "b", "c", "d"}
	var begun sync.WaitGroup
	begun.Add(len(servers))
	got := atOnce(servers, func(name string) string {
		begun.Done()
		begun.Wait()
		return name + "!"
	})
	if !slices.Equal(got, []string{"a!", "b!", "c!", "d!"}) {
		t.Errorf("got %v", got)
	}
}

func TestTheDoctorKnowsAWrongSharedSecret(t *testing.T) {
	got := admit(t, "another-secret-of-24-octets").doctor(t, "rsa")
	if got.code != exitDegraded || !strings.Contains(got.stdout, ": wrong_secret: ") || !strings.Contains(got.stdout, "       The shared secrets differ: ") {
		t.Errorf("exit %d\n%s", got.code, got.stdout)
	}
	if strings.Contains(got.stdout+got.stderr, "another-secret") {
		t.Error("the secret is shown")
	}
}

func TestTheDoctorSendsATestMessageWhereItIsTold(t *testing.T) {
	p := admit(t, "")
	got := p.doctor(t, "sms", "--send-to", "+92 300 1234567")
	if got.code != exitOK || !regexp.MustCompile(`\[ ok \] factors\.sms to \+92\S*67: \S+ took a test message with the code 000000 in`).MatchString(got.stdout) {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	p.shown.await(t, "000000")
	if got = p.doctor(t, "smtp", "--send-to", "alice@corp.example"); !strings.Contains(got.stdout, "factors.email to a•••e@corp.example: ") {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	p.shown.await(t, "alice@corp.example")
	for _, args := range [][]string{
		{"rsa", "--send-to", "alice@corp.example"}, {"sms", "--send-to", "alice@corp.example"}, {"sms", "--send-to", "12"}, {"fax"}, {"smtp", "sms"},
	} {
		if got := p.doctor(t, args...); got.code != exitUsage {
			t.Errorf("%v: exit %d: %s", args, got.code, got.stderr)
		}
	}
}

func TestTheDoctorJudgesPolicies(t *testing.T) {
	p := admit(t, "")
	text, err := os.ReadFile(p.config)
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, strings.NewReplacer("[factors.totp]", `[[policy.staff.exempt]]
rule = "backup"
users = "robot"
reason = "no human is there"
until = 2001-01-01
[factors.totp]`, "bind_dn", "id_attribute = \"uid\"\nbind_dn").Replace(string(text)))
	got := p.doctor(t, "policy")
	if got.code != exitOK {
		t.Errorf("exit %d: %s", got.code, got.stderr)
	}
	for _, want := range []string{
		`[warn] configuration: ` + p.config, "policy.staff.exempt[0].until: has ended",
		`[warn] policy.staff: a stolen password is enough to register a thief's telephone (registration = "first-login" for everybody)`,
		`       Good for a first try, as in the example. Before people are told, choose "invited" ("sallyport user invite" makes the code), `,
		`[warn] policy.staff: backup: no second factor for robot until 2001-01-02, because: no human is there`,
		`[warn] directory.corp: people are known by uid: `,
		`[warn] client: what the clients send is not known: the daemon cannot be reached`,
		`[ ok ] client vpn: Message-Authenticator is required of the client as soon as a login has carried one`,
	} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("%s is not in\n%s", want, got.stdout)
		}
	}
}

// Where a passcode is asked for, a password leads to no registration.
func TestTheDoctorKnowsWherePasswordsRegister(t *testing.T) {
	p := admit(t, "")
	text, err := os.ReadFile(p.config)
	if err != nil {
		t.Fatal(err)
	}
	const guests = "[[policy.staff.group]]\ngroups = \"guests\"\nfactors = \"totp\"\n"
	for rule, want := range map[string]string{
		"":     `[ ok ] policy.staff: nobody is led to a registration, but asked for a passcode: "securid" is in factors`,
		guests: `[warn] policy.staff: a stolen password is enough to register a thief's telephone (registration = "first-login" for guests)`,
	} {
		p.write(t, strings.NewReplacer(`["totp"]`, `["totp", "securid"]`, "[factors.totp]", rule+"[factors.totp]").Replace(string(text)))
		if got := p.doctor(t, "policy"); !strings.Contains(got.stdout, want) {
			t.Errorf("%s is not in\n%s%s", want, got.stdout, got.stderr)
		}
	}
}

func TestTheDoctorRecommendsWhatAClientIsKnownToSend(t *testing.T) {
	p := admit(t, "")
	f := newFakeNode()
	f.clients = []admin.Client{{Name: "vpn", Configured: true, Learned: []admin.Learned{{Address: netip.MustParseAddr("192.0.2.1")}}}}
	got := runProgram(t, "", "doctor", "policy", "--config", p.config, "--socket", serveAdmin(t, f))
	if !strings.Contains(got.stdout, "[warn] client vpn: sends Message-Authenticator from 1 of its addresses\n       Set message_authenticator = \"required\"") {
		t.Errorf("got %s", got.stdout)
	}
	f.clients[0].Learned = append(f.clients[0].Learned, admin.Learned{Address: netip.MustParseAddr("192.0.2.2"), Unsigned: true})
	got = runProgram(t, "", "doctor", "policy", "--config", p.config, "--socket", serveAdmin(t, f))
	if !strings.Contains(got.stdout, "from 1 of its addresses\n") || !strings.Contains(got.stdout, "[warn] client vpn: and from 1 without it") {
		t.Errorf("got %s", got.stdout)
	}
}

// TestC11TheDoctorTellsAnExampleFromAFault: the untouched example has the guide's placeholders, and a way to register that is
// right for a first try. Neither is a failure, and under each stands what to do.
func TestC11TheDoctorTellsAnExampleFromAFault(t *testing.T) {
	p := admit(t, "")
	text, err := os.ReadFile(p.config)
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, strings.Replace(string(text), "[policy.staff]", "[[client]]\nname = \"example\"\naddress = \"192.0.2.5\"\nsecret = \"x4Fh2kP0qLw8ZrT6vB1nM9cD\"\npolicy = \"staff\"\n[policy.staff]", 1))
	got := p.doctor(t, "policy")
	if got.code != exitOK || strings.Contains(got.stdout, "[fail]") {
		t.Errorf("exit %d: %s", got.code, got.stdout)
	}
	for _, want := range []string{"client[1].address[0]: 192.0.2.5 is still the example's value", "Good for a first try, as in the example."} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("%q is not in\n%s", want, got.stdout)
		}
	}
}

// TestS17TheDoctorSaysNoSecret: literals of a gateway's address, and passwords, stand in no finding, whatever a part says.
func TestS17TheDoctorSaysNoSecret(t *testing.T) {
	p := admit(t, "canary-secret-of-another-one")
	text, err := os.ReadFile(p.config)
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, regexp.MustCompile(`(?m)^url = .*$`).ReplaceAllString(
		regexp.MustCompile(`(?m)^bind_password = .*$`).ReplaceAllString(string(text), `bind_password = "canary-of-the-directory"`),
		`url = ["http://127.0.0.1:1/canary-path/send?p1=canary-query", "http://nowhere.invalid:99999/canary-path2", "http://%canary@127.0.0.1:1/"]`))
	for _, args := range [][]string{nil, {"--json"}} {
		got := p.doctor(t, args...)
		if strings.Contains(got.stdout+got.stderr, "canary") || len(got.stdout+got.stderr) < 100 {
			t.Errorf("doctor %v says\n%s%s", args, got.stdout, got.stderr)
		}
	}
	p.write(t, strings.Replace(string(text), "[factors.sms]", "[factors.sms]\nheaders = { X-Other = \"canary-header-1\" }\nquery = \"p1=canary-query\"", 1))
	for _, args := range [][]string{nil, {"--json"}, {"sms", "--send-to", "+923001234567"}} {
		if got := p.doctor(t, args...); strings.Contains(got.stdout+got.stderr, "canary-header") || strings.Contains(got.stdout+got.stderr, "canary-query") {
			t.Errorf("doctor %v says\n%s%s", args, got.stdout, got.stderr)
		}
	}
}

func TestTheDoctorsFindingsAreThereForPrograms(t *testing.T) {
	p := admit(t, "")
	got := p.doctor(t, "--json")
	var report struct {
		Findings []struct{ Level, Subject, Message, Remedy string }
	}
	if err := json.Unmarshal([]byte(got.stdout), &report); err != nil {
		t.Fatal(err)
	}
	var topics []string
	for _, f := range report.Findings {
		topic, _, _ := strings.Cut(f.Subject, " ")
		if !slices.Contains([]string{"ok", "warn", "fail"}, f.Level) || f.Message == "" || f.Level == "fail" && f.Remedy == "" {
			t.Errorf("finding %+v", f)
		}
		if !slices.Contains(topics, topic) {
			topics = append(topics, topic)
		}
	}
	if got := strings.Join(topics, " "); got != "directory.corp factors.email factors.sms factors.securid configuration policy.staff client" {
		t.Errorf("topics are %s", got)
	}
	if got.code != exitDegraded {
		t.Errorf("exit %d", got.code)
	}
}

// A factor that is not there is no fault.
func TestTheDoctorAsksNothingThatIsNotConfigured(t *testing.T) {
	s := prepare(t, small(t))
	for _, topic := range []string{"smtp", "sms", "rsa"} {
		got := runProgram(t, "", "doctor", topic, "--config", s.config)
		if got.code != exitOK || !strings.HasSuffix(got.stdout, ": not configured\n") {
			t.Errorf("%s: exit %d: %s%s", topic, got.code, got.stdout, got.stderr)
		}
	}
	if got := runProgram(t, "", "doctor", "directory", "--config", s.config); got.stdout != "[ ok ] directory.corp: local: it asks no server\n" {
		t.Errorf("directory: %s", got.stdout)
	}
}

func TestWhatIsFoundCannotSteerTheTerminal(t *testing.T) {
	var out strings.Builder
	printFinding(env{stdout: &out}, finding{levelFail, "a\x1b[31m", "b\nc", string(login.RegistrationClosed)})
	if got, want := out.String(), "[fail] a?[31m: b; c\n       closed\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestD1TheDoctorWarnsOfGroupsThatNoDirectoryHas(t *testing.T) {
	p := admit(t, "")
	file := p.config
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rules := "\n[[policy.staff.group]]\ngroups = ['cn=alumni\\2C old,ou=groups,dc=example,dc=test', 'uid=alice,ou=people,dc=example,dc=test', 'nobodys']\ndeny = true\n"
	if err := os.WriteFile(file, append(text, rules...), 0o600); err != nil {
		t.Fatal(err)
	}
	out := p.doctor(t, "directory").stdout
	for name, want := range map[string]bool{`cn=alumni`: true, "nobodys": true, "uid=alice": false} {
		if strings.Contains(out, "there is no group \""+name) != want {
			t.Errorf("%s: %s", name, out)
		}
	}
}
