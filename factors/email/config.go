package email

import (
	"time"

	"sallyport/factors/internal/limits"
	"sallyport/factors/internal/sentcode"
	"sallyport/login"
)

// Config is the [factors.email] section. The zero value of a key means its default.
type Config struct {
	// Servers are the mail servers in the order of preference: smtp://host[:587], where STARTTLS is
	// demanded, or smtps://host[:465]. smtp+plain://127.0.0.1[:25] is a relay on this machine that is
	// spoken to in the clear, without credentials.
	Servers []string `toml:"servers" hides:"url"`
	// From is the sender, such as "Login <login@example.org>".
	From string `toml:"from"`
	// Username and Password are the account at the servers; without a username there is no AUTH.
	// For OAUTHBEARER and XOAUTH2 the password is the access token, and PasswordFile is read for
	// each connection, because another program renews the token in it.
	Username     string       `toml:"username"`
	Password     login.Secret `toml:"password"`
	PasswordFile string       `toml:"password_file"`
	// Auth is the mechanism: "plain", "login", "oauthbearer", "xoauth2", "none", or "auto", which is
	// PLAIN where the server offers it, else LOGIN. Empty means "auto".
	Auth string `toml:"auth"`
	// CAFile holds the PEM certificates of the authorities to trust; empty means the system's.
	CAFile string `toml:"ca_file"`
	// ServerName is the name that the servers' certificates must bear; empty means the URL's host.
	ServerName string `toml:"server_name"`
	// Helo is the name that we give ourselves (RFC 5321 §4.1.1.1); empty means this machine's.
	Helo string `toml:"helo"`
	// Timeout bounds the whole conversation with one server; 0 means 10 s.
	Timeout time.Duration `toml:"timeout"`

	// Language is the tag of the templates for people of whom no language is known; empty means "en".
	Language string `toml:"language"`
	// Templates is a folder with templates that go before the built-in ones; may be empty.
	Templates string `toml:"templates"`
	// Brand is the name under which people know this login; empty means Sallyport.
	Brand string `toml:"brand"`

	// AllowedDomains are the domains that addresses may be in, exactly; empty means any.
	AllowedDomains []string `toml:"allowed_domains"`
	// Digits is the length of a code, 6 to 8; 0 means 6.
	Digits int `toml:"digits"`
	// Limits are the bounds on sending, in the whole cluster.
	Limits limits.Table `toml:"limits"`
}

// The values of Config.Auth.
const (
	authAuto        = "auto"
	authPlain       = "plain"
	authLogin       = "login"
	authOAuthBearer = "oauthbearer"
	authXOAuth2     = "xoauth2"
	authNone        = "none"
)

// defaultTimeout bounds the conversation with one server. RFC 5321 §4.5.3.2 allows minutes for each
// command; a person who waits for a code does not.
const defaultTimeout = 10 * time.Second

// Effective returns the section with its defaults, a [Config].
func (c Config) Effective() any { return c.withDefaults() }

// withDefaults fills in what the section leaves out. Helo, CAFile and ServerName stay empty: what
// stands for them is known where they are used.
func (c Config) withDefaults() Config {
	set := func(value *string, fallback string) {
		if *value == "" {
			*value = fallback
		}
	}
	set(&c.Auth, authAuto)
	set(&c.Language, "en")
	set(&c.Brand, "Sallyport")
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Digits == 0 {
		c.Digits = sentcode.DefaultDigits
	}
	c.Limits = c.Limits.WithDefaults()
	return c
}

// authenticates reports whether connections log in.
func (c Config) authenticates() bool { return c.Username != "" && c.Auth != authNone }

// usesToken reports whether the password is an access token.
func (c Config) usesToken() bool { return c.Auth == authOAuthBearer || c.Auth == authXOAuth2 }
