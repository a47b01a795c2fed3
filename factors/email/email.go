package email

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/mail"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"sallyport/factors/internal/reach"
	"sallyport/factors/internal/sentcode"
	"sallyport/login"
)

// Name is the factor's name in policies, records and logs.
const Name = "email"

// Deps is what the factor needs from outside.
type Deps struct {
	// Logger and Now must be set.
	Logger *slog.Logger
	Now    func() time.Time
	// Dial makes a connection; nil means the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// FullName is the machine's name with its domain; nil asks the system.
	FullName func() string
}

// Factor sends codes and notices by mail. It is safe for concurrent use.
type Factor struct {
	cfg     Config
	from    *mail.Address
	domains []string
	servers []*server
	pages   *pages
	now     func() time.Time
}

var _ login.Sender = (*Factor)(nil)

// New returns the factor. It reads the templates and the authorities' certificates, and asks no
// server. An error has the key of the faulty setting in front.
func New(c Config, d Deps) (*Factor, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if d.Logger == nil || d.Now == nil {
		return nil, errors.New("email: no logger or no clock")
	}
	if d.Dial == nil {
		d.Dial = new(net.Dialer).DialContext
	}
	f := &Factor{cfg: c.withDefaults(), now: d.Now}
	var err error
	if f.from, err = parseFrom(f.cfg.From); err != nil {
		return nil, err
	}
	for _, text := range f.cfg.AllowedDomains {
		domain, err := asciiDomain(text)
		if err != nil {
			return nil, err
		}
		f.domains = append(f.domains, domain)
	}
	if f.pages, err = loadPages(f.cfg.Templates, f.cfg.Language); err != nil {
		return nil, err
	}
	return f, f.addServers(d)
}

func (f *Factor) addServers(d Deps) error {
	roots, err := reach.Authorities(f.cfg.CAFile)
	if err != nil {
		return err
	}
	helo := f.greets(d)
	for _, text := range f.cfg.Servers {
		e, err := parseEndpoint(text)
		if err != nil {
			return err
		}
		f.servers = append(f.servers, &server{
			endpoint: e, tls: tlsConfig(f.cfg, e, roots), account: newAccount(f.cfg), helo: helo, timeout: f.cfg.Timeout,
			dial: d.Dial, log: d.Logger.With("server", e.String()), now: d.Now, slots: make(chan struct{}, maxConnections),
		})
	}
	return nil
}

// greets returns the name to greet with (RFC 5321 section 4.1.1.1): the configured one, else the machine's full name, else
// the address that the connection comes from. The full name is looked up once, with the first connection.
func (f *Factor) greets(d Deps) func(context.Context, net.Conn) string {
	if f.cfg.Helo != "" {
		return func(context.Context, net.Conn) string { return f.cfg.Helo }
	}
	lookUp := d.FullName
	if lookUp == nil {
		lookUp = fullName
	}
	name := sync.OnceValue(lookUp)
	return func(_ context.Context, conn net.Conn) string {
		full := name()
		if isHost(full) && strings.Contains(full, ".") {
			return full
		}
		if local, err := netip.ParseAddrPort(conn.LocalAddr().String()); err == nil {
			if ip := local.Addr().Unmap(); ip.Is4() {
				return "[" + ip.String() + "]"
			} else if ip = ip.WithZone(""); ip.IsValid() {
				return "[IPv6:" + ip.String() + "]"
			}
		}
		if isHost(full) {
			return full
		}
		return "localhost"
	}
}

// fullName is the machine's name with its domain, as far as the resolver or /etc/hosts knows it.
func fullName() string {
	name, err := os.Hostname()
	if err != nil || strings.Contains(name, ".") {
		return name
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if full, err := net.DefaultResolver.LookupCNAME(ctx, name); err == nil && strings.HasPrefix(strings.ToLower(full), strings.ToLower(name)+".") {
		if full = strings.TrimSuffix(full, "."); strings.Contains(full, ".") {
			return full
		}
	}
	return name
}

// Name returns "email".
func (f *Factor) Name() string { return Name }

// Challenge asks for a code.
func (f *Factor) Challenge(context.Context, login.User, login.Credential) (login.Prompt, error) {
	return login.Prompt{Step: login.StepOTP, Echo: true}, nil
}

// Verify is not asked of a [login.Sender]; it judges nothing.
func (f *Factor) Verify(context.Context, time.Time, login.User, login.Credential, string) (login.Finding, error) {
	return login.Finding{}, errors.New("email: a sent code is compared with Code")
}

// DirectoryAddress is the user's mail address in the directory.
func (f *Factor) DirectoryAddress(u login.User) string {
	return login.FirstAddress(f.ParseAddress, u.Mail, u.OtherMail)
}

// Code is the code of a send number under a challenge's key.
func (f *Factor) Code(key []byte, number uint64) (string, error) {
	return sentcode.Code(key, number, f.cfg.Digits)
}

// Limits are the bounds on sending.
func (f *Factor) Limits() login.SendLimits { return f.cfg.Limits.SendLimits() }

// Send delivers a code. Its errors are [login.SendError] values.
func (f *Factor) Send(ctx context.Context, m login.Message) (string, error) {
	return f.send(ctx, m.To, func() (content, error) { return f.pages.code(m, f.cfg.Brand) })
}

// Tell delivers a notice, likewise.
func (f *Factor) Tell(ctx context.Context, n login.Notice) (string, error) {
	return f.send(ctx, n.To, func() (content, error) { return f.pages.notice(n, f.cfg.Brand) })
}

// send writes the message once, so that all its copies have one Message-ID, and delivers it. The
// address is read anew: what comes from a record is not trusted to be a header's text.
func (f *Factor) send(ctx context.Context, to login.Address, write func() (content, error)) (string, error) {
	address, err := f.ParseAddress(to.Text)
	if err != nil {
		return "", &login.SendError{Permanent: true, Err: err}
	}
	c, err := write()
	if err != nil {
		return "", &login.SendError{Permanent: true, Err: err}
	}
	message, err := compose(f.from, address.Text, c, f.now())
	if err != nil {
		return "", &login.SendError{Permanent: true, Err: err}
	}
	return f.deliver(ctx, envelope{from: f.from.Address, to: address.Text, message: message})
}
