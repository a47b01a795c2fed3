package login

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Begin checks the password and returns the first challenge, or a Reject; in the modes without a
// challenge it takes the second factor too and returns the verdict. It returns an
// [*UnavailableError] when a back end could not be asked: then nothing may be concluded about the
// user.
func (e *Engine) Begin(ctx context.Context, r Request) (Reply, error) {
	ctx = WithClient(ctx, r.Client)
	t := e.newTurn(r.Origin, r.Username)
	t.token.challenge = newChallenge()
	t.event.Trace = traceOf(t.token.challenge)
	reply, err := e.begin(ctx, t, r)
	e.report(t, reply, err)
	return t.proven(reply, err), err
}

func (e *Engine) begin(ctx context.Context, t *turn, r Request) (Reply, error) {
	if err := e.findPolicy(t, r.Policy); err != nil {
		return Reply{}, err
	}
	ctx = t.asking(ctx)
	if err := e.enter(ctx, t); err != nil {
		return Reply{}, err
	}
	if r.Mode != ModeChallenge {
		return e.beginAtOnce(ctx, t, r)
	}
	t.token.password = t.keys.passwordTag(r.Password)
	reply, err, done := e.identify(ctx, t, func() (Reply, error, bool) {
		found := e.lookFirst(ctx, t, r.Username)
		reply, err, done := e.checkPassword(ctx, t, r.Username, r.Password)
		if t.policy.ConcealPassword && (t.user.ID == "" || t.user.ID == found.ID) {
			t.user = found
		}
		return reply, err, done
	})
	if done {
		return e.concealed(ctx, t, reply, err)
	}
	if !t.policy.ConcealPassword { // where a decoy's challenge and a real one would be found again differently
		t.rejoin = t.keys.Tag(PurposeBegin, []byte(r.Client), []byte(t.user.ID), []byte(r.station()), []byte(r.Password))
	}
	reply, err = e.twice(t, func() error { return e.readUser(ctx, t) }, func() (Reply, error) { return e.beginSecond(ctx, t) })
	if err == nil && reply.Verdict == Reject {
		return e.concealed(ctx, t, reply, err)
	}
	return reply, err
}

// identify finds out who it is by check, and what the policy says of them. done means that reply and
// err are the end of this request.
func (e *Engine) identify(ctx context.Context, t *turn, check func() (Reply, error, bool)) (reply Reply, err error, done bool) {
	if reply, err, done := check(); done {
		return reply, err, true
	}
	if t.rule, err = t.policy.ruleFor(t.user); err != nil {
		told := CodeNotPermitted
		if errors.Is(err, errUndecided) { // it is not the person who was refused: nothing is told of the password
			told = public(told)
		}
		return t.reject(CodeNotPermitted, told, err.Error()), nil, true
	}
	if x, ok := t.policy.exemption(t.user, t.origin.Client, t.ledger.Now()); ok && t.origin.Mode != ModeOTPOnly {
		// Without a password an exemption would let in whoever knows the name.
		reply, err := e.exempt(ctx, t, x)
		return reply, err, true
	}
	t.token.handle, t.token.client = t.keys.Handle(t.user.ID), t.keys.clientTag(t.origin.Client)
	t.token.clusterEpoch, t.token.name = t.keys.Epoch(), t.keys.nameTag(t.typed)
	if err := e.readUser(ctx, t); err != nil {
		return Reply{}, err, true
	}
	return Reply{}, nil, false
}

// errTooManyTries and errCrowded are the throttle's word on an attempt.
var (
	errTooManyTries = errors.New("too many wrong passwords from there")
	errCrowded      = errors.New("too many passwords from there are being checked")
	errRepeated     = errors.New("the same wrong password again")
)

// checkPassword asks the directory, unless too many wrong passwords of this person came from there. Who it is says
// the directory: all names under which it finds somebody have the same tries.
func (e *Engine) checkPassword(ctx context.Context, t *turn, username, password string) (reply Reply, err error, done bool) {
	password = preparePassword(password)
	name, bad := Normalize(username)
	t.typed = name
	var taken *ticket
	defer func() { taken.unknown() }() // whatever happens
	var throttled error
	mayTry := func(id string) error {
		var verdict admission
		who := t.attempt(id)
		if t.origin.Mode == ModeAppend {
			who.guess = t.keys.Tag(PurposeTry, []byte(password), []byte(meant(t.answer)))
		}
		switch taken, verdict = e.cfg.Throttle.ask(who); verdict {
		case refused:
			throttled = errTooManyTries
		case crowded:
			throttled = errCrowded
		case repeated:
			throttled = errRepeated
		}
		return throttled
	}
	err = e.timed(t, "directory", func() (string, error) {
		if bad != nil {
			return "", fmt.Errorf("%w: %w", ErrNoUser, bad)
		}
		var err error
		t.user, err = e.cfg.Directories[t.policy.Directory].Authenticate(WithMayTry(ctx, mayTry), username, password)
		if throttled != nil {
			err = nil // not the directory's word
		}
		return t.user.Server, err
	})
	switch throttled {
	case errTooManyTries:
		t.event.UserID, t.event.User = t.user.ID, t.user.Name
		told := CodeRateLimited
		if t.origin.Mode != ModeChallenge {
			told = CodePasswordInvalid // the one refusal of these modes
		}
		return t.reject(CodeRateLimited, told, throttled.Error()), nil, true
	case errCrowded:
		return Reply{}, &UnavailableError{Code: CodeRateLimited, Err: throttled}, true
	case errRepeated:
		t.event.UserID, t.event.User = t.user.ID, t.user.Name
		return t.reject(CodePasswordInvalid, CodePasswordInvalid, throttled.Error()), nil, true
	}
	code := RefusalCode(err)
	right := err == nil || code == CodePasswordExpired || code == CodePasswordMustChange
	switch {
	case err != nil && code == "":
		taken.unknown()
	case right && t.countsTheRight():
		taken.unproven()
	case right:
		taken.right()
	default:
		taken.wrong()
	}
	if right {
		t.proof = ProofSecret
	}
	return t.found(err)
}

// countsTheRight reports whether a right password counts like a wrong one until the login is complete: where
// nothing may tell that it was right, the tries that are left would.
func (t *turn) countsTheRight() bool { return t.policy.ConcealPassword || t.origin.Mode == ModeAppend }

// attempt is who tries a password: the person with this id, or, where it is not known, whoever has the name that was
// typed.
func (t *turn) attempt(id string) attempt {
	client, station, user := []byte(t.origin.Client), []byte(t.origin.station()), []byte("id "+id)
	if t.origin.Doubtful {
		client = append(client, "\x00doubtful"...)
	}
	if id == "" {
		user = []byte("name " + withoutAccents(bareName(t.typed)))
	}
	a := attempt{user: t.keys.Tag(PurposeAttempt, client, station, user)}
	if len(station) > 0 {
		a.station, a.everywhere = t.keys.Tag(PurposeStation, client, station), t.keys.Tag(PurposeEverywhere, client, user)
	}
	return a
}

// withoutAccents is the form by which names are counted that nobody is known to have: Active Directory finds a person
// under each spelling that differs in accents.
func withoutAccents(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFKD.String(name))
}

// bareName leaves out the domain that stands before or after a name: else each spelling of a user would
// have tries, or a decoy, of its own.
func bareName(name string) string {
	if _, after, ok := strings.Cut(name, `\`); ok {
		name = after
	}
	name, _, _ = strings.Cut(name, "@")
	return name
}

// found takes the directory's word about the user. done means that reply and err are the end of this
// request.
func (t *turn) found(err error) (reply Reply, _ error, done bool) {
	t.event.UserID, t.event.User = t.user.ID, t.user.Name
	if err == nil {
		if t.user.ID == "" {
			// An enrolment without a name would be everybody's: refuse rather than guess.
			return t.reject(CodeNotPermitted, CodePasswordInvalid, "the directory gave no immutable id"), nil, true
		}
		return Reply{}, nil, false
	}
	code := RefusalCode(err)
	if code == "" {
		return Reply{}, &UnavailableError{Code: CodeDirectoryUnavail, Err: err}, true
	}
	reason := refusalReason(err)
	if errors.Is(err, ErrNoUser) {
		if rule := nameRule(t.event.Username); rule != nil {
			reason += ", and RFC 8265 refuses the name: " + rule.Error()
		}
	}
	return t.reject(code, public(code), reason), nil, true
}

// refusalReason tells the administrator what the code leaves open.
func refusalReason(err error) string {
	for _, known := range []error{
		ErrNoUser, ErrPasswordExpired, ErrPasswordMustChange, ErrDisabled, ErrLocked, ErrNotPermitted, ErrPassword,
	} {
		if errors.Is(err, known) {
			return err.Error() // a directory's own words: a sub-code, a limit
		}
	}
	return ""
}

// exempt lets in whom the policy lists. The ledger records it before anyone is told.
func (e *Engine) exempt(ctx context.Context, t *turn, x Exemption) (Reply, error) {
	t.event.Reason, t.exempted = x.Reason, true
	s := e.settlement(t, Finding{})
	s.Exempt, s.Expires = x.Rule, t.ledger.Now().Add(againWithin)
	s.Handle, s.ClusterEpoch = t.keys.Handle(t.user.ID), t.keys.Epoch()
	read := func() error { return e.readUser(ctx, t) }
	if err := read(); err != nil {
		return Reply{}, err
	}
	return e.twice(t, read, func() (Reply, error) {
		s.Epoch = t.enrolment.Epoch
		out, err := e.commit(ctx, t, s)
		if err != nil {
			return Reply{}, err
		}
		return e.accept(t, out, "exempt("+x.Rule+")", false), nil
	})
}

// beginSecond asks for the second factor, or begins a first registration.
func (e *Engine) beginSecond(ctx context.Context, t *turn) (Reply, error) {
	held := e.held(t)
	name, ok := e.open(t, held)
	if !ok {
		if err := e.sure(ctx, t); err != nil {
			return Reply{}, err
		}
	}
	if len(held) == 0 {
		if !t.policy.ConcealPassword && t.goodCodes(CredentialBypass, t.ledger.Now()) {
			return e.askCode(t, CredentialBypass)
		}
		return e.beginRegistration(ctx, t)
	}
	if !ok && !t.policy.ConcealPassword {
		for _, kind := range []string{CredentialBypass, CredentialRecovery} {
			if t.goodCodes(kind, t.ledger.Now()) {
				return e.askCode(t, kind)
			}
		}
		t.event.Factor = held[0]
		return t.reject(CodeAccountLocked, CodeAccountLocked, lockReason(t.enrolment.Credentials[held[0]])), nil
	}
	return e.askFactor(ctx, t, name, CodePrompt)
}

// held lists the factors of the policy that the user may answer with: the registered ones, and those
// that need no registration here.
func (e *Engine) held(t *turn) []string {
	var held []string
	for _, name := range t.rule.factors {
		if e.forwards(name) || t.enrolment.Credentials[name].Registered() {
			held = append(held, name)
		}
	}
	return held
}

// open returns the factor to ask for: the one used last, else the preferred one, of those that are
// not locked.
func (e *Engine) open(t *turn, held []string) (string, bool) {
	now, chosen := t.ledger.Now(), ""
	for _, name := range held {
		switch {
		case t.enrolment.Credentials[name].LockedAt(now) && !t.policy.ConcealPassword: // or the lock would show
		case name == t.enrolment.LastFactor:
			return name, true
		case chosen == "":
			chosen = name
		}
	}
	return chosen, chosen != ""
}

// askFactor asks for an answer with a factor that the user holds. Where a code is to be sent, it is
// sent; where none is, the challenge is its token and nothing is written.
func (e *Engine) askFactor(ctx context.Context, t *turn, name string, why Code) (Reply, error) {
	t.event.Factor = name
	c := t.enrolment.Credentials[name]
	t.token.factor, t.token.version = t.keys.factorTag(name), c.Version
	t.token.flags &^= flagRegistering | flagDialogue
	if t.alone && !e.forwards(name) {
		return Reply{}, alone()
	}
	if s, ok := e.cfg.Factors[name].(Sender); ok {
		return e.askSender(ctx, t, s, why)
	}
	if t.state == "" && !t.stored() {
		// Nobody could tell whose handle it is: the challenge says it.
		if reply, err, done := e.openChallenge(ctx, t, Opening{Life: e.cfg.ChallengeLife}); done {
			return reply, err
		}
	}
	t.endBy(t.ledger.Now().Add(e.cfg.ChallengeLife))
	p, err := e.cfg.Factors[name].Challenge(ctx, t.user, c)
	if err != nil {
		return t.reject(CodeFactorNotConfigured, CodeFactorNotConfigured, err.Error()), nil
	}
	return e.prompt(t, p, why)
}

// endBy sets when the challenge ends: as the ledger says where it is stored, else at the time given in
// the first request. A later prompt does not put it off, or a State would live as long as somebody goes
// on asking.
func (t *turn) endBy(end time.Time) {
	switch {
	case t.policy.ConcealPassword && t.state != "": // a send puts off the end of a real one only
	case !t.opened.Expires.IsZero():
		t.token.expires = t.opened.Expires
	case t.state == "":
		t.token.expires = end
	}
}

// stored reports whether the ledger knows the user, and so finds them by their handle.
func (t *turn) stored() bool {
	return t.enrolment.Name != "" || t.enrolment.Epoch > 0 || len(t.enrolment.Credentials) > 0
}

func lockReason(c Credential) string {
	if c.HardLocked {
		return "locked until an administrator unlocks"
	}
	return "locked until " + c.LockedUntil.UTC().Format(time.RFC3339)
}

// ledgerError says that nothing may be concluded; a full ledger sheds the login.
func ledgerError(err error) error {
	if errors.Is(err, ErrFull) {
		return &UnavailableError{Code: CodeRateLimited, Err: err}
	}
	return &UnavailableError{Code: CodeClusterUnavailable, Err: err}
}
