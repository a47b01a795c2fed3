package sms

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/nyaruka/phonenumbers"

	"sallyport/factors/internal/sentcode"
	"sallyport/login"
)

// Validate reports everything that is wrong with the table, joined, each fault with its key and a
// colon in front. It reads no file and asks no server; [New] checks the folder of texts.
func (c Config) Validate() error {
	_, known := presetOf(c.withDefaults().Preset)
	if !known {
		return fmt.Errorf("preset: %q is not known; the presets are %s", c.Preset, strings.Join(presetNames(), ", "))
	}
	c = c.withDefaults()
	_, faults := c.gateways()
	faults = append(faults, c.checkRegions()...)
	faults = append(faults, c.checkWords()...)
	return errors.Join(append(faults, c.checkConnection()...)...)
}

// Warnings are what is allowed, but unwise, each with its key and a colon in front.
func (c Config) Warnings() (warnings []error) {
	c = c.withDefaults()
	if len(c.AllowedCountries) == 0 {
		warnings = append(warnings, errors.New("allowed_countries: empty, so messages go to every country, the expensive ones too"))
	}
	for _, address := range c.URL {
		to, err := newTarget(c, address)
		if err == nil && to.scheme == "http" && !isLoopback(hostOf(to)) {
			warnings = append(warnings, fmt.Errorf("url: http://%s carries codes and the password in the clear", to.host))
		}
	}
	return warnings
}

func (c Config) checkRegions() (faults []error) {
	regions := phonenumbers.GetSupportedRegions()
	if c.DefaultRegion != "" && !regions[c.DefaultRegion] {
		faults = append(faults, fmt.Errorf("default_region: %q is no ISO 3166 region, such as \"PK\"", c.DefaultRegion))
	}
	for _, country := range c.AllowedCountries {
		if !regions[country] {
			faults = append(faults, fmt.Errorf("allowed_countries: %q is no ISO 3166 region, such as \"PK\"", country))
		}
	}
	if len(c.AllowedCountries) > 0 && c.DefaultRegion != "" && !slices.Contains(c.AllowedCountries, c.DefaultRegion) {
		faults = append(faults, fmt.Errorf("default_region: %s is not in allowed_countries", c.DefaultRegion))
	}
	return faults
}

func (c Config) checkWords() (faults []error) {
	if strings.ContainsFunc(c.Brand, unicode.IsControl) {
		faults = append(faults, errors.New("brand: holds control characters"))
	}
	if c.Digits < sentcode.MinDigits || c.Digits > sentcode.MaxDigits {
		faults = append(faults, fmt.Errorf("digits: must be between %d and %d", sentcode.MinDigits, sentcode.MaxDigits))
	}
	if c.Language != base(c.Language) {
		faults = append(faults, fmt.Errorf("language: %q is not a language such as \"en\"", c.Language))
	}
	if c.AutofillDomain != "" {
		if _, err := inHost.escape(c.AutofillDomain); err != nil {
			faults = append(faults, fmt.Errorf("autofill_domain: %q is not a host name", c.AutofillDomain))
		}
	}
	if *c.Limits.Between < 0 {
		faults = append(faults, errors.New("limits.between: must not be negative"))
	}
	return faults
}

func (c Config) checkConnection() (faults []error) {
	if c.Timeout < time.Second || c.Timeout > time.Minute {
		faults = append(faults, errors.New("timeout: must be between 1s and 1m"))
	}
	if c.Proxy == "" {
		return faults
	}
	if u, err := url.Parse(c.Proxy); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		faults = append(faults, errors.New("proxy: is not of the form http://host:port, without a password"))
	}
	return faults
}

// gateways compiles what the configuration, with its defaults, says of requests and answers, and
// tries it with a hostile text: what does not stay well formed is refused.
func (c Config) gateways() (*engine, []error) {
	e := &engine{}
	var faults, more []error
	e.requests, faults = newRequestMaker(c)
	e.rules, more = newRules(c.Exchange)
	faults = append(faults, more...)
	if len(c.URL) == 0 {
		faults = append(faults, errors.New("url: missing; set where the gateway takes messages"))
	}
	for _, address := range c.URL {
		to, err := newTarget(c, address)
		if err != nil {
			faults = append(faults, keyed("url", err)...)
			continue
		}
		e.gateways = append(e.gateways, &gateway{target: to})
	}
	if len(faults) > 0 {
		return nil, faults
	}
	faults = append(e.checkNeeds(c), e.tryOut(c.site())...)
	return e, faults
}

// keyed puts a key in front of each of joined errors.
func keyed(key string, err error) (faults []error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			faults = append(faults, keyed(key, e)...)
		}
		return faults
	}
	return []error{fmt.Errorf("%s: %w", key, err)}
}

// checkNeeds reports the settings whose variables are used and that are empty.
func (e *engine) checkNeeds(c Config) (faults []error) {
	needed := e.requests.body.needs()
	for _, t := range e.requests.headers {
		needed = append(needed, t.needs()...)
	}
	for _, g := range e.gateways {
		needed = append(append(needed, g.path.needs()...), g.query.needs()...)
	}
	for _, s := range []struct{ key, variable, value string }{
		{"account", "Account", c.Account}, {"username", "Username", c.Username}, {"from", "From", c.From},
		{"password", "Password", c.Password.Reveal()}, {"password", "Basic", c.Password.Reveal()},
	} {
		if slices.Contains(needed, s.variable) && s.value == "" {
			faults = append(faults, fmt.Errorf("%s: missing, and the request needs {{.%s}}", s.key, s.variable))
		}
	}
	for _, g := range e.gateways {
		if !slices.Contains(append(append(needed, g.path.needs()...), g.query.needs()...), "Text") {
			faults = append(faults, errors.New("body: neither it nor the query holds {{.Text}}: the message would not be sent"))
			break
		}
	}
	return faults
}

// tryOut renders requests with texts that try to break out of their place.
func (e *engine) tryOut(site values) (faults []error) {
	to := login.Address{Text: "+923001234567"}
	for _, text := range []string{"a\"b'c\\d<e>&f=%00{}[]#\n]]>-->", "\u0643\u0648\u062f \"\\<&"} {
		v := site.with(to, text, "trace-1")
		for _, g := range e.gateways {
			faults = append(faults, judged("url", g.path, v)...)
			faults = append(faults, judged("query", g.query, v)...)
		}
		faults = append(faults, judged("body", e.requests.body, v)...)
		for name, t := range e.requests.headers {
			faults = append(faults, judged("headers."+name, t, v)...)
		}
		if len(faults) > 0 {
			return faults
		}
	}
	return nil
}

func judged(key string, t template, v values) []error {
	if len(t.nodes) == 0 {
		return nil
	}
	text, err := t.render(v)
	if err == nil {
		err = t.place.judge(text)
	}
	if err != nil {
		return []error{fmt.Errorf("%s: %w", key, err)}
	}
	return nil
}
