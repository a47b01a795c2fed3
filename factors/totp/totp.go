package totp

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"sallyport/login"
)

// Name is the factor's name in policies, records and logs.
const Name = "totp"

// The parameters that every authenticator app supports.
const (
	// TimeStep is the time step X (RFC 6238 §4.1). T0 is the Unix epoch.
	TimeStep = 30 * time.Second
	// Digits is the length of a code.
	Digits = 6
	// StepsBehind and StepsAhead are the window around the drifted clock. One step each way is
	// what RFC 6238 §5.2 recommends at most; each guess then hits with 3 in a million.
	StepsBehind = 1
	StepsAhead  = 1
	// MaxDrift bounds the learned drift, in time steps.
	MaxDrift = 2
	// StepsTold is how far off a wrong code is looked for, in time steps: three minutes, and the step in which
	// it is typed. It is told when such a code would be right, and refused all the same.
	StepsTold = 7
	// KeyLength is the length of a new shared secret K in octets, that of a SHA-1 (RFC 4226 §4, R6).
	KeyLength = 20
)

// Config is the [factors.totp] section.
type Config struct {
	// Issuer is the name under which an authenticator app lists the account. Empty means Sallyport.
	Issuer string `toml:"issuer"`
}

// Effective returns the section with its defaults, a [Config].
func (c Config) Effective() any { return c.withDefaults() }

func (c Config) withDefaults() Config {
	if c.Issuer = strings.TrimSpace(c.Issuer); c.Issuer == "" {
		c.Issuer = "Sallyport"
	}
	return c
}

// Validate reports what is wrong with the section, with the key in front.
func (c Config) Validate() error {
	if strings.ContainsAny(c.Issuer, ":%\x00\r\n") {
		return errors.New("issuer: must not hold a colon, a percent sign or control characters: apps split the label there")
	}
	return nil
}

// Factor is the authenticator-app factor. It is safe for concurrent use.
type Factor struct {
	issuer string
}

var _ login.Registrar = (*Factor)(nil)

// New returns the factor.
func New(c Config) (*Factor, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Factor{issuer: c.withDefaults().Issuer}, nil
}

// Name returns "totp".
func (f *Factor) Name() string { return Name }

// Challenge asks for a code.
func (f *Factor) Challenge(context.Context, login.User, login.Credential) (login.Prompt, error) {
	return login.Prompt{Step: login.StepOTP, Echo: true}, nil
}

// Verify looks for the code in the window around now and the learned drift. Where a code fits
// several steps the newest unused one counts. The error means that the record is unreadable.
func (f *Factor) Verify(_ context.Context, now time.Time, _ login.User, c login.Credential, answer string) (login.Finding, error) {
	r, err := parseRecord(c.Record)
	if err != nil {
		return login.Finding{}, err
	}
	code := login.FoldDigits(answer)
	if len(code) != Digits {
		return login.Finding{}, nil
	}
	clock := now.Unix() / int64(TimeStep/time.Second)
	drift := driftOf(c.Memo)
	var found login.Finding
	for step := clock + drift - StepsBehind; step <= clock+drift+StepsAhead; step++ {
		want, err := r.codeAt(step)
		if err != nil {
			return login.Finding{}, err
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			found = login.Finding{Number: uint64(step), Memo: memoOf(step - clock)}
		}
	}
	if found.Number == 0 {
		found.Near, err = r.near(code, clock)
	}
	return found, err
}

// near looks for a wrong code further off, and returns the nearest time at which it would be right.
func (r record) near(code string, clock int64) (near login.Near, err error) {
	for off := int64(StepsTold); off >= 1; off-- {
		for _, step := range []int64{clock + off, clock - off} {
			want, err := r.codeAt(step)
			if err != nil {
				return login.Near{}, err
			}
			if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
				near = login.Near{Number: uint64(step), Ahead: time.Duration(step-clock) * TimeStep}
			}
		}
	}
	return near, nil
}

// NewRecord makes a record with a new random shared secret.
func (f *Factor) NewRecord(context.Context, login.User) ([]byte, error) {
	key := make([]byte, KeyLength)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	return record{key: key}.marshal(), nil
}

// Registration shows the candidate as an otpauth URI and as a key grouped in fours.
func (f *Factor) Registration(_ context.Context, u login.User, rec []byte) (login.Prompt, error) {
	r, err := parseRecord(rec)
	if err != nil {
		return login.Prompt{}, err
	}
	key := keyEncoding.EncodeToString(r.key)
	return login.Prompt{
		Step: login.StepRegisterTOTP, Echo: true,
		OTPAuthURI: login.Secret(f.uri(u, key)), SecretKey: login.Secret(inFours(key)), Issuer: f.issuer,
	}, nil
}

// uri is the key URI that apps read from a QR code. The parameters are spelled out although they
// are the defaults, because some apps guess otherwise.
func (f *Factor) uri(u login.User, key string) string {
	account := strings.TrimSpace(strings.ReplaceAll(u.Name, ":", ""))
	return fmt.Sprintf("otpauth://totp/%s:%s?secret=%s&issuer=%s&algorithm=SHA1&digits=%d&period=%d",
		percent(f.issuer), percent(account), key, percent(f.issuer), Digits, TimeStep/time.Second)
}

// percent writes a text as RFC 3986 has it: apps show the plus sign that a form has for a space. The at sign
// of an account may stand as it is.
func percent(text string) string { return asInPath.Replace(url.QueryEscape(text)) }

var asInPath = strings.NewReplacer("+", "%20", "%40", "@")

// keyEncoding is the base32 of otpauth URIs and of keys typed by hand: no padding.
var keyEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

func inFours(key string) string {
	var groups []string
	for len(key) > 4 {
		groups, key = append(groups, key[:4]), key[4:]
	}
	return strings.Join(append(groups, key), " ")
}

// codeAt returns the code of a time step. A step before 1970 has none.
func (r record) codeAt(step int64) (string, error) {
	if step < 0 {
		return "", nil
	}
	return hotp.GenerateCodeCustom(keyEncoding.EncodeToString(r.key), uint64(step),
		hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
}
