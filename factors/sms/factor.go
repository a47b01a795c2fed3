package sms

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"sallyport/factors/internal/reach"
	"sallyport/factors/internal/sentcode"
	"sallyport/login"
)

// Name is the factor's name in policies, records and logs.
const Name = "sms"

// Deps are what the factor needs from the program. Logger and Now must be set.
type Deps struct {
	Logger *slog.Logger
	Now    func() time.Time
	// Transport makes the requests; nil means one of the factor's own. Tests put theirs here.
	Transport http.RoundTripper
}

// Factor sends codes to telephones. It is safe for concurrent use.
type Factor struct {
	engine  *engine
	texts   *texts
	numbers numbers
	digits  int
	limits  login.SendLimits
}

var _ login.Sender = (*Factor)(nil)

// New returns the factor. It reads the files that the configuration names, and asks no server.
func New(c Config, d Deps) (*Factor, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	texts, err := newTexts(c)
	if err != nil {
		return nil, err
	}
	roots, err := reach.Authorities(c.CAFile)
	if err != nil {
		return nil, err
	}
	trust := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	plan, faults := newPlan(c)
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	transport := d.Transport
	if transport == nil {
		transport = newTransport(c, trust)
	}
	return &Factor{
		engine: &engine{plan: plan, site: c.site(), timeout: c.Timeout, transport: transport, trust: trust, proxy: c.Proxy,
			now: d.Now, log: d.Logger},
		texts: texts, digits: c.Digits, limits: c.Limits.SendLimits(),
		numbers: numbers{region: c.DefaultRegion, countries: c.AllowedCountries, landlines: c.AllowLandlines},
	}, nil
}

// Name returns "sms".
func (f *Factor) Name() string { return Name }

// Challenge asks for the code that was sent.
func (f *Factor) Challenge(context.Context, login.User, login.Credential) (login.Prompt, error) {
	return login.Prompt{Step: login.StepOTP, Echo: true}, nil
}

// Verify is not asked of a [login.Sender]: it always returns an error.
func (f *Factor) Verify(context.Context, time.Time, login.User, login.Credential, string) (login.Finding, error) {
	return login.Finding{}, errors.New("sms: a code that was sent is compared with Code")
}

// ParseAddress reads a telephone number; an error wraps [login.ErrAddress].
func (f *Factor) ParseAddress(text string) (login.Address, error) { return f.numbers.parse(text) }

// DirectoryAddress is the user's telephone number in the directory.
func (f *Factor) DirectoryAddress(u login.User) string {
	return login.FirstAddress(f.ParseAddress, u.Phone, u.OtherPhone)
}

// Code is the code of a send number under a challenge's key.
func (f *Factor) Code(key []byte, number uint64) (string, error) {
	return sentcode.Code(key, number, f.digits)
}

// Limits are the bounds on sending.
func (f *Factor) Limits() login.SendLimits { return f.limits }

// Send hands a code to a gateway and returns the gateway's host when it was taken. Where a gateway
// cannot have taken it (no connection, TLS failed, "later"), the others are tried, and all again after
// a pause, until ctx ends. Where the outcome is unknown (silence after the request was written, a
// broken answer, a server error) there is no other try: a second message costs money and shows the
// person two codes, while a person who got none can ask for another. The error is then temporary.
func (f *Factor) Send(ctx context.Context, m login.Message) (string, error) {
	text, err := f.texts.code(m.Language, m.Code, m.Life)
	if err != nil {
		return "", &login.SendError{Permanent: true, Err: err}
	}
	v := f.engine.site.with(m.To, text, m.Trace)
	v["Code"] = m.Code.Reveal()
	return f.engine.deliver(ctx, v)
}

// Tell hands a notice to a gateway, likewise.
func (f *Factor) Tell(ctx context.Context, n login.Notice) (string, error) {
	text, err := f.texts.notice(n)
	if err != nil {
		return "", &login.SendError{Permanent: true, Err: err}
	}
	return f.engine.deliver(ctx, f.engine.site.with(n.To, text, ""))
}
