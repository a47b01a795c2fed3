package servers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ErrNoReply means that the server was silent, or that its reply did not verify.
var ErrNoReply = errors.New("no reply")

// Attribute is a RADIUS attribute as the dictionary names and prints it. A string is its text, octets
// are 0x and hexadecimal digits, an integer is its number or its name.
type Attribute struct {
	Name, Value string
}

// RadclientOptions says how a radclient asks.
type RadclientOptions struct {
	// Server is the address and port.
	Server string
	// Source is the address to send from; empty leaves it to the kernel.
	Source string
	// Secret is the shared secret; empty means [ClientSecret].
	Secret string
	// Dictionary is a dictionary file read after FreeRADIUS's own, such as Sallyport's; may be empty.
	Dictionary string
	// Timeout is the wait for each transmission, Tries their number; 0 means 3 s and 1.
	Timeout time.Duration
	Tries   int
}

// Radclient runs FreeRADIUS's radclient. It is safe for concurrent use.
type Radclient struct {
	opt RadclientOptions
	dir string
}

// RadclientReply is what came back.
type RadclientReply struct {
	// Code is the packet's code by name, such as "Access-Challenge".
	Code string
	// Attributes are in the order of the packet.
	Attributes []Attribute
}

// Get returns the value of the first attribute of that name, or "" when there is none.
func (r RadclientReply) Get(name string) string {
	for _, a := range r.Attributes {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}

// All returns the values of all attributes of that name, in order.
func (r RadclientReply) All(name string) []string {
	var values []string
	for _, a := range r.Attributes {
		if a.Name == name {
			values = append(values, a.Value)
		}
	}
	return values
}

// StartRadclient prepares a radclient for the duration of a test.
func StartRadclient(t T, opt RadclientOptions) *Radclient {
	t.Helper()
	c, err := NewRadclient(t.TempDir(), opt)
	if err != nil {
		t.Fatalf("prepare radclient: %v", err)
	}
	return c
}

// NewRadclient makes dir and keeps the shared secret and the dictionary there: the secret must not
// be in the process list.
func NewRadclient(dir string, opt RadclientOptions) (*Radclient, error) {
	if opt.Secret == "" {
		opt.Secret = ClientSecret
	}
	if opt.Timeout == 0 {
		opt.Timeout = 3 * time.Second
	}
	if opt.Tries == 0 {
		opt.Tries = 1
	}
	var dictionary string
	if opt.Dictionary != "" {
		file, err := filepath.Abs(opt.Dictionary)
		if err != nil {
			return nil, err
		}
		dictionary = "$INCLUDE " + file + "\n"
	}
	c := &Radclient{opt: opt, dir: dir}
	return c, errors.Join(
		os.MkdirAll(dir, 0o700),
		os.WriteFile(c.secretFile(), []byte(opt.Secret), 0o600),
		os.WriteFile(filepath.Join(dir, "dictionary"), []byte(dictionary), 0o600),
	)
}

func (c *Radclient) secretFile() string { return filepath.Join(c.dir, "secret") }

// Auth sends an Access-Request with these attributes, and a Message-Authenticator if it is among
// them (its value does not matter). It returns [ErrNoReply] when no reply came that verifies.
func (c *Radclient) Auth(ctx context.Context, attributes ...Attribute) (RadclientReply, error) {
	return c.send(ctx, "auth", attributes)
}

// Login sends an Access-Request with a username, what the person typed, and the State of the
// challenge that it answers, which is empty at first; signed by a Message-Authenticator.
func (c *Radclient) Login(ctx context.Context, username, typed, state string) (RadclientReply, error) {
	attributes := []Attribute{{"Message-Authenticator", "0x00"}, {"User-Name", username}, {"User-Password", typed}}
	if state != "" {
		attributes = append(attributes, Attribute{"State", state})
	}
	return c.Auth(ctx, attributes...)
}

// Status sends Status-Server (RFC 5997), signed. Errors as in Auth.
func (c *Radclient) Status(ctx context.Context) (RadclientReply, error) {
	return c.send(ctx, "status", []Attribute{{"Message-Authenticator", "0x00"}})
}

func (c *Radclient) send(ctx context.Context, command string, attributes []Attribute) (RadclientReply, error) {
	var in bytes.Buffer
	if c.opt.Source != "" {
		attributes = append(attributes, Attribute{"Packet-Src-IP-Address", c.opt.Source})
	}
	for _, a := range attributes {
		fmt.Fprintf(&in, "%s = %s\n", a.Name, quote(a.Value))
	}
	cmd := exec.CommandContext(ctx, "radclient", "-x", "-d", c.dir, "-S", c.secretFile(),
		"-r", strconv.Itoa(c.opt.Tries), "-t", strconv.FormatFloat(c.opt.Timeout.Seconds(), 'f', 3, 64),
		c.opt.Server, command)
	cmd.Stdin = &in
	out, err := cmd.CombinedOutput()
	if reply, ok := parseRadclient(string(out)); ok {
		return reply, nil // its exit code tells only whether it was an Accept
	}
	if strings.Contains(string(out), "No reply from server") {
		return RadclientReply{}, ErrNoReply
	}
	return RadclientReply{}, fmt.Errorf("radclient: %w: %s", err, out)
}

// parseRadclient reads what radclient -x prints of the reply: a line "Received <code> Id …" and an
// attribute on each of the indented lines after it.
func parseRadclient(out string) (RadclientReply, bool) {
	var r RadclientReply
	for line := range strings.Lines(out) {
		if rest, ok := strings.CutPrefix(line, "Received "); ok {
			r.Code, _, _ = strings.Cut(rest, " ")
			continue
		}
		name, value, ok := strings.Cut(strings.TrimSpace(line), " = ")
		if r.Code != "" && ok && strings.HasPrefix(line, "\t") {
			r.Attributes = append(r.Attributes, Attribute{name, unquote(value)})
		}
	}
	return r, r.Code != ""
}

// quote writes a value in the quotes of the dictionaries' syntax, in which only these are special.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s) + `"`
}

// unquote reads what is in quotes; octets, integers and addresses come without.
func unquote(s string) string {
	if text, err := strconv.Unquote(s); err == nil {
		return text
	}
	return s
}
