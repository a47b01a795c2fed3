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
	"sallyport/web/status"
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

// reloads is a daemon's logins that take one configuration after the other. What the configuration
// names is in dir.
type reloads struct {
	t   *testing.T
	dir string
	*logins
}

func newReloads(t *testing.T) *reloads {
	t.Helper()
	r := &reloads{t, t.TempDir(), newLogins(t)}
	if got := runProgram(t, "", "keys", "generate", "--out", filepath.Join(r.dir, "master.key")); got.code != exitOK {
		t.Fatal(got.stderr)
	}
	if err := os.Mkdir(filepath.Join(r.dir, "mail"), 0o700); err != nil {
		t.Fatal(err)
	}
	r.subject("Your code for {{.Brand}}\n")
	t.Cleanup(func() {
		if err := r.current.Load().closeAllBut(&loginParts{}); err != nil {
			t.Error(err)
		}
	})
	return r
}

// subject writes a template of the mail.
func (r *reloads) subject(text string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, "mail", "code.en.subject"), []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// take puts a configuration into effect, and returns the names of the factors that were built anew.
func (r *reloads) take(text string) (built string) {
	r.t.Helper()
	cfg, old := loaded(r.t, r.dir, text), r.current.Load()
	p, err := r.prepare(cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	r.use(p, cfg.Login)
	if old == nil {
		old = &loginParts{}
	}
	if err := old.closeAllBut(p); err != nil {
		r.t.Error(err)
	}
	for _, name := range []string{"totp", "email", "sms", "securid"} {
		if p.factors[name] != old.factors[name] {
			built += " " + name
		}
	}
	return built
}

func TestAFactorIsKeptUntilItsTableOrFilesChange(t *testing.T) {
	r := newReloads(t)
	text := small(t) + factorTables
	r.take(text)
	if got := strings.Join(names(r.current.Load().parts()), " "); got != "directory.corp factors.email factors.securid factors.sms" {
		t.Errorf("parts are %s", got)
	}
	if got := r.take(text); got != "" {
		t.Errorf("nothing changed, and built again were%s", got)
	}
	r.subject("A code\n")
	if got := r.take(text); got != " email" {
		t.Errorf("a template changed, and built again were%s", got)
	}
	text = strings.Replace(text, "third-canary", "other-canary", 1)
	if got := r.take(text); got != " securid" {
		t.Errorf("a shared secret changed, and built again were%s", got)
	}
	text = strings.Replace(text, "[factors.sms]", "[factors.sms]\nbrand = \"Corp\"", 1)
	if got := r.take(text); got != " sms" {
		t.Errorf("a brand changed, and built again were%s", got)
	}
	if st := r.factorStats(); len(st.mail) != 1 || len(st.gateways) != 1 || len(st.upstream) != 1 {
		t.Errorf("counts are %+v", st)
	}
}

// A load balancer that took out every node whose mail server is down would take out all of them.
func TestFactorsDoNotDecideWhetherTheNodeIsReady(t *testing.T) {
	r := newReloads(t)
	r.take(small(t) + factorTables)
	s, err := status.New(status.Config{Logger: r.log, Now: r.now})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Replace(nil, r.current.Load().parts()...); err != nil {
		t.Fatal(err)
	}
	for name, p := range s.Report(t.Context()).Parts {
		if want := strings.HasPrefix(name, "factors."); p.Auxiliary != want {
			t.Errorf("%s: auxiliary is %t", name, p.Auxiliary)
		}
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
