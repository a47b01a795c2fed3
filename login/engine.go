package login

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// Defaults of the design, section 12.
const (
	DefaultChallengeLife    = 120 * time.Second
	DefaultSentLife         = 300 * time.Second
	DefaultDialogueLife     = 180 * time.Second
	DefaultRegistrationLife = 600 * time.Second
	DefaultKeep             = 40 * time.Second
	// RejoinWithin is how long a repeated first request rejoins the challenge that it opened.
	RejoinWithin = 30 * time.Second
)

// DefaultLimits returns the thresholds of the design: three wrong codes end a challenge, five in a
// row lock for a minute, doubling to sixty, fifty lock until an administrator unlocks. Verdicts are
// kept for [DefaultKeep], the longest retry cycle of a client that is known.
func DefaultLimits() Limits {
	return Limits{
		Attempts: 3, SoftLock: 5, SoftLockFor: time.Minute, SoftLockMax: time.Hour, HardLock: 50,
		Keep: DefaultKeep,
	}
}

// Config makes an [Engine]. All maps are by name and are not changed afterwards.
type Config struct {
	Policies    map[string]Policy
	Directories map[string]Directory
	Factors     map[string]Factor
	Ledger      Ledger
	// ChallengeLife is how long an answer is awaited, SentLife where a code was sent, DialogueLife in a
	// dialogue with the RSA server, RegistrationLife where something is registered. Zero means the
	// default.
	ChallengeLife    time.Duration
	SentLife         time.Duration
	DialogueLife     time.Duration
	RegistrationLife time.Duration
	// Limits are the thresholds; the zero value means [DefaultLimits].
	Limits Limits
	// Now is the clock by which codes are judged; nil means time.Now. What expires is judged by the
	// Ledger's.
	Now func() time.Time
	// CodeTime is Now for a code that the time decides; an error means that the clock cannot be trusted, so that no
	// such code is judged. Nil means Now.
	CodeTime func() (time.Time, error)
	// Audit receives one event per verdict; nil means that nobody listens. It must not block.
	Audit func(Event)
	// Throttle slows down the guessing of passwords, Outbox runs what outlives a request. Both are
	// shared by the engines of a daemon; nil makes one for this engine alone.
	Throttle *Throttle
	Outbox   *Outbox
}

// Engine holds the conversation. It is safe for concurrent use.
type Engine struct {
	cfg      Config
	table    map[input]move
	solitude atomic.Pointer[solitude] // nil while there was a quorum all the time
}

// New returns an engine. It refuses a policy that could let anyone in without a second factor, or
// that names what does not exist.
func New(c Config) (*Engine, error) {
	if c.Ledger == nil {
		return nil, errors.New("login: no ledger")
	}
	if c.Directories["group"] != nil {
		return nil, errors.New(`a directory is called "group": its users could not be told from groups; give it another name`)
	}
	for name, p := range c.Policies {
		if err := c.check(p); err != nil {
			return nil, fmt.Errorf("policy %q: %w", name, err)
		}
	}
	c.ChallengeLife = orDefault(c.ChallengeLife, DefaultChallengeLife)
	c.SentLife = orDefault(c.SentLife, DefaultSentLife)
	c.DialogueLife = orDefault(c.DialogueLife, DefaultDialogueLife)
	c.RegistrationLife = orDefault(c.RegistrationLife, DefaultRegistrationLife)
	if c.Limits == (Limits{}) {
		c.Limits = DefaultLimits()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.CodeTime == nil {
		c.CodeTime = func() (time.Time, error) { return c.Now(), nil }
	}
	if c.Audit == nil {
		c.Audit = func(Event) {}
	}
	if c.Throttle == nil {
		c.Throttle = NewThrottle(0, 0, c.Now)
	}
	if c.Outbox == nil {
		c.Outbox = NewOutbox(nil, c.Now)
	}
	return &Engine{cfg: c, table: conversation()}, nil
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

func (c Config) check(p Policy) error {
	if c.Directories[p.Directory] == nil {
		return fmt.Errorf("directory %q does not exist", p.Directory)
	}
	if err := c.checkFactors(p.Factors, p.Registration); err != nil {
		return err
	}
	for _, g := range p.Groups {
		if r := p.ruleOf(g); !g.Deny {
			if err := c.checkFactors(r.factors, r.registration); err != nil {
				return fmt.Errorf("groups %q: %w", g.Groups, err)
			}
		}
	}
	if err := p.checkGroups(); err != nil {
		return err
	}
	if p.ConcealPassword {
		if err := c.checkConcealed(p); err != nil {
			return err
		}
	}
	for _, x := range p.Exemptions {
		if x.Rule == "" || x.Until.IsZero() {
			return fmt.Errorf("exemption %q: a rule and an end are needed", x.Rule)
		}
	}
	return nil
}

// checkConcealed refuses what would tell that a password was right: how long another server takes to
// judge an answer.
func (c Config) checkConcealed(p Policy) error {
	names := p.Factors
	for _, g := range p.Groups {
		names = slices.Concat(names, g.Factors)
	}
	for _, name := range names {
		if _, ok := c.Factors[name].(Forwarder); ok {
			return fmt.Errorf("factor %q cannot be used while the policy conceals passwords: the time that the other server takes would tell", name)
		}
	}
	return nil
}

func (c Config) checkFactors(names []string, way Registration) error {
	if len(names) == 0 {
		return errors.New("factors is empty: a policy needs a second factor")
	}
	sends := false
	for _, name := range names {
		f := c.Factors[name]
		if f == nil {
			return fmt.Errorf("factor %q is not configured", name)
		}
		if _, ok := f.(Sender); ok {
			sends = true
		}
		if registers(f) && !slices.Contains(Registrations(), way) {
			return fmt.Errorf("registration is %q: say how people first register %s: one of %q", way, name, Registrations())
		}
	}
	if way == RegistrationDirectory && !sends {
		return errors.New("registration is \"directory\", which needs a factor with an address there: email or sms")
	}
	return nil
}

// registers reports whether people register this factor themselves.
func registers(f Factor) bool {
	switch f.(type) {
	case Registrar, Sender:
		return true
	}
	return false
}

// UnavailableError means that a back end could not be asked. Nothing may be concluded about the
// user; the front end stays silent, so that the client tries its next server, or refuses with Code.
type UnavailableError struct {
	// Code is directory_unavailable, cluster_unavailable or rate_limited.
	Code Code
	Err  error
	// Trace is the id under which the audit event of this request is found; empty where the request
	// could not be told to belong to a login.
	Trace string
}

// Error names the back end.
func (e *UnavailableError) Error() string { return string(e.Code) + ": " + e.Err.Error() }

// Unwrap returns the back end's error.
func (e *UnavailableError) Unwrap() error { return e.Err }

// Outage is the reply for a front end that must not stay silent when [Engine.Begin] or
// [Engine.Continue] returned err. It is a Reject.
func Outage(err error) Reply {
	code := CodeClusterUnavailable
	var u *UnavailableError
	if errors.As(err, &u) {
		code = u.Code
	}
	return Reply{Code: code, Message: sentence(code)}
}

// Vouch reports whether state was sealed by this cluster for this client and has not expired. It is
// cheap, counts nothing, and serves to prefer logins in progress under overload (RFC 5080 §2.2.3).
func (e *Engine) Vouch(state, client string) bool {
	l := e.cfg.Ledger
	keys, err := l.Keys(context.Background())
	if err != nil {
		solo, ok := l.Solo()
		if !ok {
			return false
		}
		if keys, err = solo.Keys(context.Background()); err != nil {
			return false
		}
	}
	t, err := keys.open(state)
	return err == nil && t.client == keys.clientTag(client) && l.Now().Before(t.expires)
}

// turn is one request on its way through the engine.
type turn struct {
	origin Origin
	policy Policy
	rule   rule
	// ledger is the cluster's, or that of this node alone, without a quorum.
	ledger Ledger
	alone  bool
	// fresh says that this node's state was up to date after the turn began.
	fresh bool
	keys  *KeyRing
	event Event
	began time.Time

	// token, state and answer are what the person answers; zero in the first request.
	token  token
	state  string
	answer string
	// key names this request in the ledger, rejoin the first request of a login.
	key    Tag
	rejoin Tag
	// again is the tag under which a login without a State repeats its verdict; see [Settlement].
	again Tag
	// user and enrolment are whom it is about, once known; opened is the challenge's stored part.
	user      User
	enrolment Enrolment
	opened    Opened
	// typed is the username as it was typed, normalised.
	typed string
	// renewed says that an administrator requires the registration that begins now, elsewhere that no
	// code was sent here because one was sent for another login.
	renewed, elsewhere bool
	// barred says that the directory refuses the account, where that must not show: no answer is right.
	barred bool
	// vain is how many answers before this one could not be judged.
	vain uint8
	// left is how many answers are still allowed, where the ledger has just said it.
	left int
	// clock says that the person is to look at the clock of their telephone.
	clock bool
	// detail says more about what was wrong with an address.
	detail string
	// forwarded says that the answer went to the server that judges it.
	forwarded bool
	// exempted says that the policy lets the user in by the password alone.
	exempted bool
	// proof is what the request has shown so far.
	proof Proof
}

func (e *Engine) newTurn(o Origin, username string) *turn {
	now := e.cfg.Now()
	return &turn{
		origin: o, began: now,
		event: Event{
			Time: now, Client: o.Client, Address: o.Address, CallingStationID: o.CallingStationID,
			Username: username, Policy: o.Policy, Step: StepPassword,
		},
	}
}

// findPolicy fills in the policy. One that does not exist says nothing about the user: the client and
// the engine are from two configurations, as happens for a moment during a reload.
func (e *Engine) findPolicy(t *turn, name string) error {
	p, ok := e.cfg.Policies[name]
	if !ok {
		return &UnavailableError{Code: CodeClusterUnavailable, Err: fmt.Errorf("policy %q is not loaded", name)}
	}
	t.policy, t.rule = p, rule{factors: p.Factors, registration: p.Registration}
	return nil
}

// timed records one question to a back end.
func (e *Engine) timed(t *turn, name string, question func() (server string, err error)) error {
	start := e.cfg.Now()
	server, err := question()
	t.event.Backends = append(t.event.Backends, Backend{
		Name: name, Server: server, Took: e.cfg.Now().Sub(start), Failed: err != nil && RefusalCode(err) == "",
	})
	return err
}

// report sends the audit event of a turn that ends with this reply.
func (e *Engine) report(t *turn, r Reply, err error) {
	ev := &t.event
	ev.Took = e.cfg.Now().Sub(t.began)
	ev.Answered, ev.Verdict = err == nil || t.origin.RejectOnOutage, r.Verdict
	if ev.Code == "" {
		ev.Code = r.Code
	}
	if err != nil {
		ev.WithoutQuorum = false
		ev.Code = Outage(err).Code
		ev.Reason = err.Error()
		var u *UnavailableError
		if errors.As(err, &u) {
			u.Trace = ev.Trace
		}
	}
	ev.Registered = r.Registered
	if r.Verdict == Challenge {
		ev.Next = r.Prompt.Step
	}
	if r.Factor != "" {
		ev.Factor = r.Factor
	}
	e.cfg.Audit(*ev)
}

// proven is the reply with what the request has shown. A verdict that is given again shows nothing: its
// request may be a replay.
func (t *turn) proven(r Reply, err error) Reply {
	switch {
	case err != nil || t.event.Repeated:
	case r.Verdict == Accept && !t.exempted:
		r.Proof = ProofLogin
	case r.Verdict == Accept:
		r.Proof = ProofSecret
	default:
		r.Proof = t.proof
	}
	return r
}

// reject ends the login. The audit learns code and reason, the person what may be told.
func (t *turn) reject(code, told Code, reason string) Reply {
	t.event.Code, t.event.Reason = code, reason
	return Reply{Code: told, Message: sentence(told), Trace: t.event.Trace, Factor: t.event.Factor}
}

// accept lets the person in. It is the single exit that can produce an Accept, and asks for the
// ledger's own word: without an accepted outcome it refuses. earned says what was shown besides the
// password.
func (e *Engine) accept(t *turn, out Outcome, earned string, registered bool) Reply {
	if out.Code != CodeAccepted || t.barred || t.alone && !t.forwarded {
		return t.reject(CodeStateInvalid, CodeStateInvalid, "no accepted settlement, or an account that is refused")
	}
	if t.countsTheRight() {
		e.cfg.Throttle.loggedIn(t.attempt(t.user.ID), 1) // only now is it known to have been right
	}
	t.event.Code, t.event.Repeated = CodeAccepted, out.Repeated
	t.event.Earned = earned
	return Reply{
		Verdict: Accept, Code: CodeAccepted, Message: sentence(CodeAccepted),
		Factor: t.event.Factor, Registered: registered, Name: t.user.Name, Groups: t.user.Groups, GroupBase: t.user.GroupBase,
		Attributes: decodeAttributes(out.Grant), Trace: t.event.Trace,
	}
}

// challenge asks for an answer under a fresh State token. tok is the token of the prompt; why is
// CodePrompt, or what was wrong with the last answer.
func (e *Engine) challenge(t *turn, tok token, p Prompt, why Code) (Reply, error) {
	tok.step = p.Step
	state, err := t.keys.seal(tok)
	if err != nil {
		return Reply{}, ledgerError(err)
	}
	// Rounded, because the moments between the two readings of the ledger's clock are no news to anyone.
	p.Expires = max(tok.expires.Sub(t.ledger.Now()).Round(time.Second), time.Second)
	message := ask(p, t.event.Factor, why, t.origin)
	if t.origin.Profile != ProfileUpstream {
		p.Text = "" // it is in the message, worded for the client
	}
	return Reply{
		Verdict: Challenge, Code: why, Message: message, State: state, Prompt: p,
		Factor: t.event.Factor, Trace: t.event.Trace,
	}, nil
}

// newChallenge returns a fresh id and the trace id that belongs to it. The trace id is a hash, so
// that logs do not hold what State tokens seal.
func newChallenge() (id ChallengeID) {
	rand.Read(id[:]) // never fails (crypto/rand)
	return id
}

func traceOf(id ChallengeID) string {
	sum := sha256.Sum256(id[:])
	return hex.EncodeToString(sum[:8])
}
