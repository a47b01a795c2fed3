package email

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/language"

	"sallyport/factors/internal/sentcode"
)

// maxTimeout bounds Timeout: a code is good for minutes.
const maxTimeout = time.Minute

// maxBrand bounds Brand, in octets, so that a subject stays one line on a telephone.
const maxBrand = 64

// Validate reports everything that is wrong with the section, joined, each fault with its key and a
// colon in front. It reads no file and asks no server.
func (c Config) Validate() error {
	c = c.withDefaults()
	faults := append(c.checkServers(), c.checkAccount()...)
	faults = append(faults, c.checkMessages()...)
	faults = append(faults, c.checkAddresses()...)
	return errors.Join(append(faults, c.Limits.Validate()...)...)
}

func (c Config) checkServers() (faults []error) {
	if len(c.Servers) == 0 {
		faults = append(faults, errors.New(`servers: missing; name at least one mail server, such as "smtp://mail.example.org:587"`))
	}
	for _, text := range c.Servers {
		e, err := parseEndpoint(text)
		switch {
		case err != nil:
			faults = append(faults, fmt.Errorf("servers: %w", err))
		case e.security == plain && c.authenticates():
			faults = append(faults, fmt.Errorf("servers: %s would carry the password in the clear; use smtp:// or smtps://, or remove username", e))
		}
	}
	if c.Helo != "" && !isHost(c.Helo) {
		faults = append(faults, errors.New("helo: must be a host name or an address literal such as [192.0.2.1]"))
	}
	if c.Timeout < time.Second || c.Timeout > maxTimeout {
		faults = append(faults, fmt.Errorf("timeout: must be between 1s and %s", maxTimeout))
	}
	return faults
}

func (c Config) checkAccount() (faults []error) {
	switch c.Auth {
	case authAuto, authPlain, authLogin, authOAuthBearer, authXOAuth2, authNone:
	default:
		faults = append(faults, fmt.Errorf("auth: %q is none of auto, plain, login, oauthbearer, xoauth2 and none", c.Auth))
	}
	hasPassword := c.Password != "" || c.PasswordFile != ""
	switch {
	case c.Username == "" && hasPassword:
		faults = append(faults, errors.New("username: missing, but password is set"))
	case c.Username == "" && c.Auth != authAuto && c.Auth != authNone:
		faults = append(faults, fmt.Errorf("username: missing, but auth is %q", c.Auth))
	case c.Username != "" && c.Auth == authNone:
		faults = append(faults, errors.New(`auth: is "none", but username is set; remove one of the two`))
	case c.Username != "" && !hasPassword:
		faults = append(faults, errors.New("password: missing, but username is set; set password_file"))
	}
	// A NUL separates the fields of PLAIN (RFC 4616 §2), 0x01 those of XOAUTH2 and OAUTHBEARER, whose
	// name also ends at a comma and escapes with = (RFC 5801 §4).
	if strings.ContainsFunc(c.Username, unicode.IsControl) || c.Auth == authOAuthBearer && strings.ContainsAny(c.Username, ",=") {
		faults = append(faults, errors.New("username: holds a character that no mechanism can carry"))
	}
	if strings.ContainsFunc(c.Password.Reveal(), unicode.IsControl) {
		faults = append(faults, errors.New("password: holds a control character"))
	}
	return faults
}

func (c Config) checkMessages() (faults []error) {
	if _, err := parseFrom(c.From); err != nil {
		faults = append(faults, fmt.Errorf("from: %w", err))
	}
	if _, err := language.Parse(c.Language); err != nil {
		faults = append(faults, fmt.Errorf("language: %q is not a language tag such as en", c.Language))
	}
	if len(c.Brand) > maxBrand || strings.ContainsFunc(c.Brand, unicode.IsControl) {
		faults = append(faults, fmt.Errorf("brand: must have at most %d octets and no control characters", maxBrand))
	}
	return faults
}

func (c Config) checkAddresses() (faults []error) {
	for _, d := range c.AllowedDomains {
		if _, err := asciiDomain(d); err != nil {
			faults = append(faults, fmt.Errorf("allowed_domains: %q is not a domain such as example.org", d))
		}
	}
	if c.Digits < sentcode.MinDigits || c.Digits > sentcode.MaxDigits {
		faults = append(faults, fmt.Errorf("digits: must be between %d and %d", sentcode.MinDigits, sentcode.MaxDigits))
	}
	return faults
}

// parseFrom reads the sender. Its address follows the rules of every address, so that the domain can
// stand in a Message-ID.
func parseFrom(text string) (*mail.Address, error) {
	if text == "" {
		return nil, errors.New(`missing; set the sender, such as "Login <login@example.org>"`)
	}
	from, err := mail.ParseAddress(text)
	if err != nil || strings.ContainsFunc(from.Name, unicode.IsControl) {
		return nil, fmt.Errorf("%q is not of the form Login <login@example.org>", text)
	}
	if _, _, err := splitAddress(from.Address); err != nil {
		return nil, err
	}
	return from, nil
}
