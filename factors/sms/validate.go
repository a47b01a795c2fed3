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
)

// Validate reports everything that is wrong with the table, joined, each fault with its key and a
// colon in front. It reads no file and asks no server; [New] checks the folder of texts.
func (c Config) Validate() error {
	_, known := presetOf(c.withDefaults().Preset)
	if !known {
		return fmt.Errorf("preset: %q is not known; the presets are %s", c.Preset, strings.Join(presetNames(), ", "))
	}
	c = c.withDefaults()
	_, faults := newPlan(c)
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
		if err == nil && to.inClear(c.Proxy) {
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
	return append(faults, c.Limits.Validate()...)
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
