//go:build e2e

package vpn

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"golang.org/x/crypto/argon2"

	"sallyport/audit"
	"sallyport/e2e/hosts"
	"sallyport/e2e/servers"
	"sallyport/radius"
)

func TestMain(m *testing.M) { os.Exit(hosts.Main(built{m})) }

// built removes the program that the tests have built.
type built struct{ *testing.M }

// Run implements what [hosts.Main] runs.
func (b built) Run() int {
	// The race detector makes every program sleep for a second at its end, unless told otherwise.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")); err != nil {
		panic(err)
	}
	defer os.RemoveAll(binaries())
	return b.M.Run()
}

func binaries() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("sallyport-e2e-vpn-%d", os.Getpid()))
}

var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binaries(), "sallyport")
	out, err := exec.Command("go", "build", "-race", "-o", path, "../../cmd/sallyport").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build sallyport: %w: %s", err, out)
	}
	return path, nil
})

// The person who logs in.
const (
	user     = "alice"
	password = "wonderland-1"
)

// site is Sallyport on a host of its own, a gateway that asks it, and somebody's machine.
type site struct {
	*testing.T
	node          *servers.Sallyport
	gateway, home *hosts.Host
	// dir is everybody's to enter: gateways give up their rights.
	dir string
	key string
}

// start makes a site whose gateway is a client in a mode, and so is the test program.
func start(t *testing.T, mode string) *site {
	t.Helper()
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	network := hosts.New(t)
	host := network.Host("sallyport")
	s := &site{T: t, gateway: network.Host("gateway"), home: network.Host("home"), dir: t.TempDir()}
	for folder := s.dir; folder != os.TempDir(); folder = filepath.Dir(folder) {
		if err := os.Chmod(folder, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	// The hash is the cheapest one that there is.
	const memory, passes, lanes = 8, 1, 1
	salt, b64 := []byte("0123456789abcdef"), base64.RawStdEncoding
	hash := fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, lanes, b64.EncodeToString(salt),
		b64.EncodeToString(argon2.IDKey([]byte(password), salt, passes, memory, lanes, 32)))
	s.node = servers.StartSallyport(t, servers.SallyportOptions{
		Binary: program, Address: host.Address, Within: host.Within(), Config: fmt.Sprintf(`
[[client]]
name = "gateway"
address = [%q, %q]
secret = %q
mode = %q
policy = "staff"
[[client.reply]]
attributes = { "Acct-Interim-Interval" = "%d", "Class" = "staff-of-the-test" }

[policy.staff]
directory = "corp"
factors = ["totp"]
registration = "closed"

[factors.totp]
issuer = "Example"

[directory.corp]
type = "local"
[[directory.corp.users]]
id = "1"
name = %q
password_hash = %q
`, s.gateway.Address, host.Router, servers.ClientSecret, mode, interim, user, hash),
	})
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the daemon's log ends with:\n%s", s.node.Tail())
		}
	})
	s.enrol()
	return s
}

// interim is the Acct-Interim-Interval in seconds: longer than clients wait for an answer to their Start
// before they throw somebody out.
const interim = 4

func (s *site) enrol() {
	s.Helper()
	out, err := s.node.Run("", "user", "enrol", user, "--factor", "totp", "--json", "--yes")
	if err != nil {
		s.Fatal(err)
	}
	var enrolled struct {
		Key string `json:"secret_key"`
	}
	if err := json.Unmarshal([]byte(out), &enrolled); err != nil || enrolled.Key == "" {
		s.Fatalf("%v: %s", err, out)
	}
	s.key = strings.ReplaceAll(enrolled.Key, " ", "")
}

// code is the code of now.
func (s *site) code() string {
	s.Helper()
	code, err := totp.GenerateCode(s.key, time.Now())
	if err != nil {
		s.Fatal(err)
	}
	return code
}

// write writes a file that only its owner can read.
func (s *site) write(name, text string) string {
	s.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
	return path
}

// on starts a program on a host; what it printed is shown when the test fails.
func (s *site) on(h *hosts.Host, env []string, line ...string) *servers.Program {
	s.Helper()
	p := servers.StartProgram(s, env, append(h.Within(), line...)...)
	s.Cleanup(func() {
		if s.Failed() {
			s.Logf("%s on %s:\n%s", line[0], h.Name, p.Output())
		}
	})
	return p
}

// run runs a command on a host to its end.
func (s *site) run(h *hosts.Host, env []string, line ...string) error {
	line = append(h.Within(), line...)
	cmd := exec.CommandContext(s.Context(), line[0], line[1:]...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(line, " "), err, out)
	}
	return nil
}

// eventually waits for a named condition. It fails as soon as one of the programs has ended.
func (s *site) eventually(what string, condition func() error, run ...*servers.Program) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 40*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := condition()
		if err == nil {
			return
		}
		for _, p := range run {
			select {
			case <-p.Ended():
				s.Fatalf("a program has ended before %s: %v", what, err)
			default:
			}
		}
		select {
		case <-ctx.Done():
			s.Fatalf("waited in vain for %s: %v", what, err)
		case <-tick.C:
		}
	}
}

// printed waits until a program has printed something.
func (s *site) printed(p *servers.Program, text string) {
	s.Helper()
	s.eventually(fmt.Sprintf("%q", text), func() error {
		if !strings.Contains(p.Output(), text) {
			return errors.New("not printed yet")
		}
		return nil
	}, p)
}

// reaches waits until a packet gets through the tunnel and back.
func (s *site) reaches(address string, run ...*servers.Program) {
	s.Helper()
	s.eventually("an answer through the tunnel from "+address, func() error {
		return s.run(s.home, nil, "ping", "-c1", "-W1", "-s1000", address)
	}, run...)
}

// accounted waits for an event of a status that is as wanted, and returns it.
func (s *site) accounted(status string, wanted func(radius.AccountingRecord) bool, run ...*servers.Program) (found radius.AccountingRecord) {
	s.Helper()
	s.eventually("an accounting event "+status, func() error {
		var last radius.AccountingRecord
		for r, err := range audit.Read(s.node.Events) {
			if err != nil {
				return err
			}
			var a radius.AccountingRecord
			if err := json.Unmarshal(r.Event, &a); err != nil || r.Kind != "accounting" {
				return fmt.Errorf("record %d: %w", r.Seq, err)
			}
			if last = a; a.Status == status && wanted(a) {
				found = a
				return nil
			}
		}
		text, _ := json.Marshal(last)
		return fmt.Errorf("the last event is %s", text)
	}, run...)
	return found
}

// moved reports whether octets went both ways.
func moved(r radius.AccountingRecord) bool {
	return r.InputOctets != nil && *r.InputOctets > 1000 && r.OutputOctets != nil && *r.OutputOctets > 1000
}

func anything(radius.AccountingRecord) bool { return true }
