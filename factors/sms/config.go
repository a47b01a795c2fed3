package sms

import (
	"cmp"
	"maps"
	"net/http"
	"time"

	"sallyport/factors/internal/limits"
	"sallyport/factors/internal/sentcode"
	"sallyport/login"
)

// Config is the [factors.sms] table. The zero value of a key means its default.
type Config struct {
	// Preset names the API of the gateway: kannel, twilio, vonage, vonage-sms, infobip, messagebird,
	// bird, or generic, which is also what empty means.
	Preset string `toml:"preset"`
	// URL is where messages go; several are tried in this order and share one account. {{.Account}}
	// may stand in the host, any variable in the path. What follows a question mark takes the place
	// of Query.
	URL []string `toml:"url" hides:"url"`
	Exchange

	// Account, Username, Password and From fill the variables of the same names. Username is Account
	// where it is empty.
	Account      string       `toml:"account"`
	Username     string       `toml:"username"`
	Password     login.Secret `toml:"password"`
	PasswordFile string       `toml:"password_file"`
	From         string       `toml:"from"`

	// Timeout bounds one request to one gateway; 0 means 10 s.
	Timeout time.Duration `toml:"timeout"`
	// CAFile holds the PEM certificates of the authorities to trust; empty means the system's.
	CAFile string `toml:"ca_file"`
	// Proxy is an HTTP proxy, such as http://proxy.example.com:3128. The environment's is not used.
	Proxy string `toml:"proxy" hides:"url"`
	// AllowHTTP permits http:// to hosts that are not loopback addresses. Codes, numbers and the
	// password then cross the network in the clear.
	AllowHTTP bool `toml:"allow_http"`

	// DefaultRegion is the ISO 3166 region of numbers without a country code; empty refuses them.
	DefaultRegion string `toml:"default_region"`
	// AllowedCountries are the ISO 3166 regions that messages may go to; empty means all.
	AllowedCountries []string `toml:"allowed_countries"`
	// AllowLandlines accepts numbers of landlines and of Internet telephony.
	AllowLandlines bool `toml:"allow_landlines"`

	// Language is the language of messages to people whose own is unknown; empty means en.
	Language string `toml:"language"`
	// Brand is the name in the messages; empty means Sallyport. Longer than 17 characters, or with a
	// character that is not in the GSM alphabet, it makes some of the built-in texts too long for one
	// SMS; New then says so, and names those that Templates must replace.
	Brand string `toml:"brand"`
	// Templates is a folder whose files replace texts, such as code.en.txt, or add languages.
	Templates string `toml:"templates"`
	// AutofillDomain is the host name whose pages browsers may fill the code into (the WebOTP form).
	// It is added to the texts that leave room for it.
	AutofillDomain string `toml:"autofill_domain"`
	// Digits is the length of a code; 0 means 6.
	Digits int `toml:"digits"`
	// Limits are the bounds on sending, in the whole cluster.
	Limits limits.WithCountry `toml:"limits"`
}

// The defaults of Timeout and Brand.
const (
	defaultTimeout = 10 * time.Second
	defaultBrand   = "Sallyport"
)

// Effective returns the table with its defaults and its preset, a [Config].
func (c Config) Effective() any { return c.withDefaults() }

func (c Config) withDefaults() Config {
	c.Preset = cmp.Or(c.Preset, "generic")
	if p, ok := presetOf(c.Preset); ok {
		if len(c.URL) == 0 {
			c.URL = p.url
		}
		c.Exchange = c.Exchange.over(p.exchange)
	}
	if c.Method == "" {
		c.Method = http.MethodPost
		if c.Body == "" {
			c.Method = http.MethodGet
		}
	}
	if len(c.SuccessStatus) == 0 {
		c.SuccessStatus = []int{http.StatusOK, http.StatusCreated, http.StatusAccepted}
	}
	if len(c.RetryStatus) == 0 {
		c.RetryStatus = []int{http.StatusTooManyRequests, http.StatusServiceUnavailable}
	}
	c.Username = cmp.Or(c.Username, c.Account)
	c.Timeout = cmp.Or(c.Timeout, defaultTimeout)
	c.Language = cmp.Or(c.Language, "en")
	c.Brand = cmp.Or(c.Brand, defaultBrand)
	c.Digits = cmp.Or(c.Digits, sentcode.DefaultDigits)
	c.Limits = c.Limits.WithDefaults()
	return c
}

// over returns the exchange with the pieces of preset where it has none of its own.
func (e Exchange) over(preset Exchange) Exchange {
	headers := maps.Clone(preset.Headers)
	for name, value := range e.Headers {
		if headers == nil {
			headers = make(map[string]string)
		}
		headers[http.CanonicalHeaderKey(name)] = value
	}
	e.Headers = headers
	for _, text := range []struct {
		own   *string
		other string
	}{
		{&e.Method, preset.Method}, {&e.Query, preset.Query}, {&e.ContentType, preset.ContentType}, {&e.Body, preset.Body},
		{&e.SuccessBody, preset.SuccessBody}, {&e.QueuedBody, preset.QueuedBody}, {&e.RetryBody, preset.RetryBody},
		{&e.IDBody, preset.IDBody}, {&e.IDJSON, preset.IDJSON},
		{&e.ReasonBody, preset.ReasonBody}, {&e.ReasonJSON, preset.ReasonJSON},
	} {
		*text.own = cmp.Or(*text.own, text.other)
	}
	e.SuccessStatus = either(e.SuccessStatus, preset.SuccessStatus)
	e.SuccessJSON = either(e.SuccessJSON, preset.SuccessJSON)
	e.RetryStatus = either(e.RetryStatus, preset.RetryStatus)
	e.RetryJSON = either(e.RetryJSON, preset.RetryJSON)
	return e
}

func either[T any](own, other []T) []T {
	if len(own) > 0 {
		return own
	}
	return other
}
