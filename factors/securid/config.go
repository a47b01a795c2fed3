package securid

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"sallyport/login"
)

// Config is the [factors.securid] table. The zero value of a key means its default.
type Config struct {
	// Servers are the primary and its replicas as host:port, in the order of preference.
	Servers []string `toml:"servers" hides:"url"`
	// Secret is the shared secret of all of them, at least 16 octets.
	Secret     login.Secret `toml:"secret"`
	SecretFile string       `toml:"secret_file"`
	// Timeout is how long an answer is waited for, retransmissions included; 0 means 3 s.
	Timeout time.Duration `toml:"timeout"`
	// MessageAuthenticator says whether replies must carry it: auto (as soon as a server has sent
	// one), required, optional. Empty means auto.
	MessageAuthenticator string `toml:"message_authenticator"`
	// NASIdentifier and NASAddress say who asks; empty means sallyport, and the address that the
	// packet leaves from.
	NASIdentifier string `toml:"nas_identifier"`
	NASAddress    string `toml:"nas_address"`
	// PassAttributes are attributes of the server's Accept that are passed on to the client, by name,
	// number or vendor:number. Class always is.
	PassAttributes []string `toml:"pass_attributes"`

	// PINLength and TokencodeLength are the parts of a passcode in characters; 0 means 8 and 6.
	PINLength       int `toml:"pin_length"`
	TokencodeLength int `toml:"tokencode_length"`
	// Forms are what may be typed at the first prompt: pin+tokencode, tokencode (by who has no PIN
	// yet), pin (for an on-demand tokencode), any. Empty means the first two.
	Forms []string `toml:"forms"`
	// ReusableForms are those of Forms that the server may take in more than one login, so that they are
	// forwarded again in each: pin, any. What may hold a tokencode is forwarded once all the same. Nil means
	// pin where Forms has it.
	ReusableForms []string `toml:"reusable_forms"`

	// Username is how users are named there: name (as the directory spells it) or upn-local (what
	// stands before the @). Empty means name.
	Username string `toml:"username"`
	// DomainStrip are domains that are cut off: with CORP and corp.example, CORP\alice and
	// alice@corp.example are sent as alice.
	DomainStrip []string `toml:"domain_strip"`

	// Steps are the texts by which a challenge is recognised. What is left out is as in [DefaultSteps].
	Steps Steps `toml:"steps"`
}

// The forms of a passcode.
const (
	FormPINAndTokencode = "pin+tokencode"
	FormTokencode       = "tokencode"
	FormPIN             = "pin"
	FormAny             = "any"
)

// The ways to name users.
const (
	UsernameName     = "name"
	UsernameUPNLocal = "upn-local"
)

// The rules for replies.
const (
	ReplyAuto     = "auto"
	ReplyRequired = "required"
	ReplyOptional = "optional"
)

// Defaults of [Config].
const (
	DefaultPINLength       = 8
	DefaultTokencodeLength = 6
	DefaultTimeout         = 3 * time.Second
)

// Effective returns the table with its defaults, a [Config].
func (c Config) Effective() any { return c.withDefaults() }

func (c Config) withDefaults() Config {
	if c.PINLength == 0 {
		c.PINLength = DefaultPINLength
	}
	if c.TokencodeLength == 0 {
		c.TokencodeLength = DefaultTokencodeLength
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if len(c.Forms) == 0 {
		c.Forms = []string{FormPINAndTokencode, FormTokencode}
	}
	if c.ReusableForms == nil && slices.Contains(c.Forms, FormPIN) {
		c.ReusableForms = []string{FormPIN}
	}
	set := func(text *string, standard string) {
		if *text == "" {
			*text = standard
		}
	}
	set(&c.Username, UsernameName)
	set(&c.MessageAuthenticator, ReplyAuto)
	set(&c.NASIdentifier, "sallyport")
	c.Steps = c.Steps.withDefaults()
	return c
}

// Validate reports everything that is wrong with the table, joined, each fault with its key and a
// colon in front. It asks no server.
func (c Config) Validate() error {
	c = c.withDefaults()
	faults := append(c.checkServers(), c.checkPasscode()...)
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	oneOf := func(key, value string, known ...string) {
		if !slices.Contains(known, value) {
			fault("%s: %q is none of %q", key, value, known)
		}
	}
	oneOf("username", c.Username, UsernameName, UsernameUPNLocal)
	oneOf("message_authenticator", c.MessageAuthenticator, ReplyAuto, ReplyRequired, ReplyOptional)
	if c.Timeout < time.Second || c.Timeout > 30*time.Second {
		fault("timeout: %v is not between 1s and 30s: most clients wait 3 to 5 seconds for each answer", c.Timeout)
	}
	if n := len(c.NASIdentifier); n > 253 {
		fault("nas_identifier: has %d octets, the attribute holds 253", n)
	}
	if a, err := netip.ParseAddr(c.NASAddress); c.NASAddress != "" && (err != nil || a.Zone() != "") {
		fault("nas_address: %q is not an IP address, or has a zone, which the attribute does not hold", c.NASAddress)
	}
	if slices.ContainsFunc(c.DomainStrip, func(d string) bool { return d == "" || strings.ContainsAny(d, `\@`) }) {
		fault("domain_strip: name domains alone, such as \"CORP\" or \"corp.example\"")
	}
	return errors.Join(append(faults, c.Steps.validate()...)...)
}

func (c Config) checkServers() (faults []error) {
	if len(c.Servers) == 0 {
		faults = append(faults, errors.New(`servers: missing: name the RSA server and its replicas, such as "192.0.2.7:1812"`))
	}
	for i, server := range c.Servers {
		host, port, err := net.SplitHostPort(server)
		if err != nil || host == "" || port == "" {
			faults = append(faults, fmt.Errorf("servers: %q is not of the form host:port", server))
		} else if slices.Contains(c.Servers[:i], server) {
			faults = append(faults, fmt.Errorf("servers: %q stands there twice", server))
		}
	}
	const least = 16
	switch n := len(c.Secret.Reveal()); {
	case n == 0:
		faults = append(faults, errors.New("secret: missing: give secret_file, or secret"))
	case n < least:
		faults = append(faults, fmt.Errorf("secret: the shared secret has %d octets: use at least %d, better 24", n, least))
	}
	return faults
}

func (c Config) checkPasscode() (faults []error) {
	if c.PINLength < 4 || c.PINLength > 8 {
		faults = append(faults, fmt.Errorf("pin_length: %d is not between 4 and 8", c.PINLength))
	}
	if c.TokencodeLength != 6 && c.TokencodeLength != 8 {
		faults = append(faults, fmt.Errorf("tokencode_length: %d is neither 6 nor 8", c.TokencodeLength))
	}
	known := []string{FormPINAndTokencode, FormTokencode, FormPIN, FormAny}
	for _, form := range c.Forms {
		if !slices.Contains(known, form) {
			faults = append(faults, fmt.Errorf("forms: %q is none of %q", form, known))
		}
	}
	for _, form := range c.ReusableForms {
		switch {
		case form == FormPINAndTokencode || form == FormTokencode:
			faults = append(faults, fmt.Errorf("reusable_forms: %q holds a tokencode, which is good once: name %q or %q", form, FormPIN, FormAny))
		case !slices.Contains(c.Forms, form):
			faults = append(faults, fmt.Errorf("reusable_forms: %q is none of forms, which are %q", form, c.Forms))
		}
	}
	return faults
}
