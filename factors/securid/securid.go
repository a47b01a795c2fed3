package securid

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"sallyport/login"
)

// Name is the factor's name in policies, records and logs.
const Name = "securid"

// Upstream carries an answer to the RSA server. It is satisfied by the RADIUS client for upstream
// servers, and safe for concurrent use.
type Upstream interface {
	// Forward is called once for each answer. It obeys ctx, and leaves Dialogue.Step to the factor.
	Forward(ctx context.Context, f login.Forwarding) login.Forwarded
	// Within is the longest that Forward takes.
	Within() time.Duration
}

// Factor is the SecurID factor. It is safe for concurrent use.
type Factor struct {
	cfg      Config
	upstream Upstream
}

var (
	_ login.Forwarder = (*Factor)(nil)
	_ login.Reuser    = (*Factor)(nil)
)

// New returns the factor, or every fault of the configuration.
func New(c Config, upstream Upstream) (*Factor, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if upstream == nil {
		return nil, errors.New("securid: no upstream")
	}
	return &Factor{cfg: c.withDefaults(), upstream: upstream}, nil
}

// Name returns "securid".
func (f *Factor) Name() string { return Name }

// Challenge asks for a passcode, which is not shown while it is typed.
func (f *Factor) Challenge(context.Context, login.User, login.Credential) (login.Prompt, error) {
	return login.Prompt{Step: login.StepPasscode}, nil
}

// Verify judges nothing: the RSA server does.
func (f *Factor) Verify(context.Context, time.Time, login.User, login.Credential, string) (login.Finding, error) {
	return login.Finding{}, errors.New("securid: a passcode is judged by the RSA server and must be forwarded")
}

// Acceptable reports whether an answer has one of the configured forms.
func (f *Factor) Acceptable(answer string) bool { return f.cfg.fits(f.cfg.clean(answer)) }

// Canonical is the answer as it is forwarded.
func (f *Factor) Canonical(answer string) string { return f.cfg.clean(answer) }

// Reusable reports whether the server may take an answer in more than one login.
func (f *Factor) Reusable(answer string) bool { return f.cfg.reusable(f.cfg.clean(answer)) }

// Within is the longest that Forward takes.
func (f *Factor) Within() time.Duration { return f.upstream.Within() }

// Forward sends an answer to the RSA server. Within a dialogue anything printable goes, up to 64
// characters; what is not stays here, as rejected and not consumed.
func (f *Factor) Forward(ctx context.Context, g login.Forwarding) login.Forwarded {
	answer := f.cfg.clean(g.Answer.Reveal())
	if g.Dialogue != nil {
		answer = cleanIn(g.Dialogue, g.Answer.Reveal())
	}
	nothing := answer == "" && g.Dialogue != nil && g.Dialogue.TakesEmpty()
	if g.Dialogue == nil && !f.cfg.fits(answer) || !sendable(answer) && !nothing {
		return login.Forwarded{Reason: "the answer cannot be one that the RSA server takes, and was not forwarded"}
	}
	g.Answer, g.Username = login.Secret(answer), f.cfg.username(g.Username)
	out := f.upstream.Forward(ctx, g)
	if out.Dialogue != nil {
		d := *out.Dialogue
		d.Step, d.Empty = f.cfg.Steps.recognise(&d), f.cfg.Steps.takesEmpty(&d)
		out.Dialogue = &d
	}
	return out
}

// username returns the name as the RSA server knows it.
func (c Config) username(name string) string {
	strip := func(domain string) bool {
		return slices.ContainsFunc(c.DomainStrip, func(d string) bool { return strings.EqualFold(d, domain) })
	}
	if domain, local, ok := strings.Cut(name, `\`); ok && local != "" && strip(domain) {
		name = local
	}
	if at := strings.LastIndexByte(name, '@'); at > 0 && (c.Username == UsernameUPNLocal || strip(name[at+1:])) {
		name = name[:at]
	}
	return name
}
