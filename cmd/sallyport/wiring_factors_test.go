package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport/cluster"
	"sallyport/cmd/sallyport/internal/config"
	"sallyport/login"
)

// factorTables configures the factors that ask servers; none is asked.
const factorTables = `
[factors.email]
servers = "smtp+plain://127.0.0.1:1"
from = "login@corp.example"
templates = "DIR/mail"
[factors.sms]
url = "http://127.0.0.1:1/send?to={{.To}}&text={{.Text}}"
allowed_countries = ["PK"]
[factors.securid]
servers = "127.0.0.1:1"
secret = "third-canary-of-24-octets"
`

// newLogins returns logins over a ledger in memory.
func newLogins(t *testing.T) *logins {
	t.Helper()
	return &logins{
		log: slog.New(slog.DiscardHandler), now: time.Now, ledger: cluster.NewMemory(nil), audit: func(login.Event) {},
		throttle: login.NewThrottle(0, 0, nil), outbox: login.NewOutbox(nil, nil),
	}
}

// loaded reads a configuration whose master key is in dir.
func loaded(t *testing.T, dir, text string) *config.Config {
	t.Helper()
	file := filepath.Join(dir, "sallyport.toml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "DIR", dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file, "")
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestAFactorIsKeptUntilItsTableOrFilesChange(t *testing.T) {
	dir := t.TempDir()
	if got := runProgram(t, "", "keys", "generate", "--out", filepath.Join(dir, "master.key")); got.code != exitOK {
		t.Fatal(got.stderr)
	}
	subject := filepath.Join(dir, "mail", "code.en.subject")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(subject, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Dir(subject), 0o700); err != nil {
		t.Fatal(err)
	}
	write("Your code for {{.Brand}}\n")
	l := newLogins(t)
	text := small(t) + factorTables
	prepare := func(text string) *loginParts {
		t.Helper()
		cfg := loaded(t, dir, text)
		p, err := l.prepare(cfg)
		if err != nil {
			t.Fatal(err)
		}
		old := l.current.Load()
		l.use(p, cfg.Login)
		if old != nil {
			if err := old.closeAllBut(p); err != nil {
				t.Error(err)
			}
		}
		return p
	}
	first := prepare(text)
	t.Cleanup(func() {
		if err := l.current.Load().closeAllBut(&loginParts{}); err != nil {
			t.Error(err)
		}
	})
	var parts []string
	for _, p := range first.parts() {
		parts = append(parts, p.Name())
	}
	if got := strings.Join(parts, " "); got != "directory.corp factors.email factors.securid" {
		t.Errorf("parts are %s", got)
	}
	changed := func(p *loginParts) (names string) {
		for _, name := range []string{"totp", "email", "sms", "securid"} {
			if p.factors[name] != first.factors[name] {
				names += " " + name
			}
		}
		first = p
		return names
	}
	if got := changed(prepare(text)); got != "" {
		t.Errorf("nothing changed, and built again were%s", got)
	}
	write("A code\n")
	if got := changed(prepare(text)); got != " email" {
		t.Errorf("a template changed, and built again were%s", got)
	}
	text = strings.Replace(text, "third-canary", "other-canary", 1)
	if got := changed(prepare(text)); got != " securid" {
		t.Errorf("a shared secret changed, and built again were%s", got)
	}
	text = strings.Replace(text, "[factors.sms]", "[factors.sms]\nbrand = \"Corp\"", 1)
	if got := changed(prepare(text)); got != " sms" {
		t.Errorf("a brand changed, and built again were%s", got)
	}
	if st := l.factorStats(); len(st.mail) != 1 || len(st.gateways) != 1 || len(st.upstream) != 1 {
		t.Errorf("counts are %+v", st)
	}
}

func TestADeliveryIsAuditedWithoutSecrets(t *testing.T) {
	var out strings.Builder
	auditDelivery(slog.New(slog.NewTextHandler(&out, nil)), login.Delivery{
		Factor: "sms", Trace: "t1", UserID: "corp:1", Server: "sms.example", Took: 1500 * time.Microsecond,
		Err: &login.SendError{Permanent: true, Err: os.ErrDeadlineExceeded},
	})
	for _, want := range []string{
		"level=WARN", "event=delivery outcome=failed factor=sms trace=t1 user_id=corp:1 server=sms.example", "ms=1.5",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is not in %s", want, out.String())
		}
	}
}
