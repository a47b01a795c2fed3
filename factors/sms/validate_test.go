package sms

import (
	"strings"
	"testing"
	"time"

	"sallyport/factors/internal/limits"
	"sallyport/login"
)

// generic is a configuration of the generic preset that is right.
func generic() Config {
	return Config{
		URL:      []string{"https://gw.example.test/send"},
		Exchange: Exchange{Query: "to={{.ToDigits}}&msg={{.Text}}&key={{.Password}}"},
		Password: "pw-canary", From: "Corp",
	}
}

func TestEveryPresetIsValidAndSaysWhatItNeeds(t *testing.T) {
	for _, name := range presetNames()[1:] {
		if err := account(name).Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		err := Config{Preset: name}.Validate()
		if err == nil || !strings.Contains(err.Error(), "missing") {
			t.Errorf("%s without an account: %v", name, err)
		}
	}
	if err := generic().Validate(); err != nil {
		t.Error(err)
	}
}

func TestFaultsAreNamed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"preset": {func(c *Config) { c.Preset = "smpp" }, `preset: "smpp" is not known`},
		"no url": {func(c *Config) { c.URL = nil }, "url: missing"},
		"ftp":    {func(c *Config) { c.URL = []string{"ftp://gw.example.test"} }, "url: a gateway's URL begins with https://"},
		"http":   {func(c *Config) { c.URL = []string{"http://gw.example.test/"} }, "set allow_http"},
		"http to a proxy": {func(c *Config) {
			c.URL, c.Proxy = []string{"http://127.0.0.1:13013/"}, "http://proxy.example.test:3128"
		}, "through a proxy http://127.0.0.1:13013 would carry codes and the password in the clear; use https://, or set allow_http"},
		"no password":          {func(c *Config) { c.Password = "" }, "password: missing, and the request needs {{.Password}}; set password_file"},
		"user in url":          {func(c *Config) { c.URL = []string{"https://a:b@gw.example.test/"} }, "url: the host must be"},
		"no host":              {func(c *Config) { c.URL = []string{"https:///x"} }, "url: the host must be"},
		"number in the host":   {func(c *Config) { c.URL = []string{"https://{{.ToDigits}}.example.test/"} }, "{{.ToDigits}} is not known here"},
		"slash in the account": {func(c *Config) { c.URL, c.Account = []string{"https://{{.Account}}.example.test/"}, "evil.test/" }, "cannot stand in a host name"},
		"space in the path":    {func(c *Config) { c.URL = []string{"https://gw.example.test/a b"} }, "url: holds characters that must be written as %XX"},
		"dots as a segment":    {func(c *Config) { c.URL, c.Account = []string{"https://gw.example.test/{{.Account}}/x"}, ".." }, "cannot stand in a path"},
		"space in the query":   {func(c *Config) { c.Query = "a b={{.Text}}" }, "query: holds characters that must be written as %XX"},
		"no text":              {func(c *Config) { c.Query = "to={{.To}}" }, "neither it nor the query holds {{.Text}}"},
		"unknown variable":     {func(c *Config) { c.Query = "t={{.Message}}" }, "{{.Message}} is not known here"},
		"a function":           {func(c *Config) { c.Query = "t={{urlquery .Text}}" }, "not defined"},
		"unicode has no text":  {func(c *Config) { c.Query = "t={{.Text}}&u={{.Unicode}}" }, "{{.Unicode}} has no text"},
		"method":               {func(c *Config) { c.Method = "DELETE" }, "method: must be GET, POST or PUT"},
		"GET with a body":      {func(c *Config) { c.Method, c.ContentType, c.Body = "GET", typeForm, "t={{.Text}}" }, "body: a GET request has none"},
		"unknown content type": {func(c *Config) { c.ContentType, c.Body = "application/yaml", "t: {{.Text}}" }, "content_type: \"application/yaml\" is not known here"},
		"no content type":      {func(c *Config) { c.Body = "t={{.Text}}" }, "content_type: missing: say what the body is, such as \"application/json\""},
		"JSON without quotes":  {func(c *Config) { c.ContentType, c.Body = typeJSON, `{"t":{{.Text}}}` }, "body: is not JSON once"},
		"broken JSON":          {func(c *Config) { c.ContentType, c.Body = typeJSON, `{"t":"{{.Text}}"` }, "body: is not JSON once"},
		"JSON in one case":     {func(c *Config) { c.ContentType, c.Body = typeJSON, `{"t":"{{.Text}}"{{if .Unicode}},{{end}}}` }, "body: is not JSON once"},
		"broken XML":           {func(c *Config) { c.ContentType, c.Body = "text/xml", `<a b={{.Text}}/>` }, "body: is not XML once"},
		"empty XML":            {func(c *Config) { c.ContentType, c.Body = "text/xml", `{{if .Text}}{{end}}` }, "body: is not XML once"},
		"text in a header":     {func(c *Config) { c.Headers = map[string]string{"X-Text": "{{.Text}}"} }, "headers.X-Text: {{.Text}} is not known here"},
		"line in a header":     {func(c *Config) { c.Headers = map[string]string{"X-A": "a\r\nX-B: c"} }, "headers.X-A: holds characters"},
		"line in a secret":     {func(c *Config) { c.Password, c.Headers = "pw\r\nX: canary", map[string]string{"X-A": "{{.Password}}"} }, "headers.X-A: {{.Password}} holds characters"},
		"header name":          {func(c *Config) { c.Headers = map[string]string{"X A": "b"} }, "headers.X A: is not the name"},
		"literal secret":       {func(c *Config) { c.Headers = map[string]string{"authorization": "Bearer canary"} }, "check-config would show"},
		"Host by hand":         {func(c *Config) { c.Headers = map[string]string{"Host": "x"} }, "is not set by hand"},
		"type by hand":         {func(c *Config) { c.Headers = map[string]string{"content-type": "x"} }, "is set by content_type"},
		"expression":           {func(c *Config) { c.SuccessBody = "(" }, "success_body: "},
		"expression, no group": {func(c *Config) { c.IDBody = "id=.*" }, "id_body: has no group"},
		"condition":            {func(c *Config) { c.SuccessJSON = []string{"status"} }, "success_json: \"status\" is not of the form"},
		"status":               {func(c *Config) { c.RetryStatus = []int{42} }, "retry_status: 42 is not an HTTP status"},
		"region":               {func(c *Config) { c.DefaultRegion = "pk" }, "default_region: \"pk\""},
		"country":              {func(c *Config) { c.AllowedCountries = []string{"Pakistan"} }, "allowed_countries: \"Pakistan\""},
		"region not allowed":   {func(c *Config) { c.DefaultRegion, c.AllowedCountries = "PK", []string{"AE"} }, "default_region: PK is not in allowed_countries"},
		"digits":               {func(c *Config) { c.Digits = 4 }, "digits: must be between 6 and 8"},
		"brand":                {func(c *Config) { c.Brand = "a\r\nb" }, "brand: holds control characters"},
		"language":             {func(c *Config) { c.Language = "en-GB" }, "language: "},
		"autofill":             {func(c *Config) { c.AutofillDomain = "https://x" }, "autofill_domain: "},
		"limits":               {func(c *Config) { c.Limits.Country = limits.Rate{Hour: new(uint32(2)), Day: new(uint32(1))} }, "limits.country.hour: 2 is more"},
		"timeout":              {func(c *Config) { c.Timeout = time.Hour }, "timeout: must be between"},
		"proxy":                {func(c *Config) { c.Proxy = "http://a:canary@proxy:3128" }, "proxy: is not of the form"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := generic()
			c.change(&cfg)
			err := cfg.Validate()
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("%v; want %q", err, c.want)
			}
			if f, err := New(cfg, Deps{}); err == nil {
				t.Errorf("built: %v", f)
			}
		})
	}
}

func TestEveryFaultIsToldAtOnce(t *testing.T) {
	c := generic()
	c.Digits, c.Brand, c.DefaultRegion, c.URL = 3, "\n", "XX", []string{"ftp://a", "https://b c/"}
	err, ok := c.Validate().(interface{ Unwrap() []error })
	if !ok || len(err.Unwrap()) != 5 {
		t.Errorf("%v", err)
	}
}

func TestUnwiseSettingsAreWarnedOf(t *testing.T) {
	c := generic()
	c.AllowHTTP, c.URL = true, []string{"http://gw.example.test/", "http://127.0.0.1:1/", "https://x.example.test/"}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if w := c.Warnings(); len(w) != 2 {
		t.Error(w)
	}
	c.Proxy = "http://proxy.example.test:3128" // which 127.0.0.1 is not reached past
	if w := c.Warnings(); len(w) != 3 {
		t.Error(w)
	}
	c = generic()
	c.AllowedCountries, c.URL = []string{"PK"}, []string{"http://[::1]/"}
	if w := c.Warnings(); len(w) != 0 {
		t.Error(w)
	}
}

func TestAnAddressIsHostAndPort(t *testing.T) {
	for address, want := range map[string]string{
		"https://gw.example.test/x": "gw.example.test:443", "https://gw.example.test:8443": "gw.example.test:8443",
		"https://[2001:db8::1]/x": "[2001:db8::1]:443", "http://[::1]:8080/": "[::1]:8080", "http://[::1]": "[::1]:80",
	} {
		to, err := newTarget(generic(), address)
		if err != nil || to.address() != want {
			t.Errorf("%s: %s, %v; want %s", address, to.address(), err, want)
		}
	}
}

func TestLimitsAreTheDefaultsUnlessSet(t *testing.T) {
	f := newFactor(t, generic(), &wire{})
	if f.Limits() != login.DefaultSendLimits() {
		t.Errorf("%+v", f.Limits())
	}
	c := generic()
	c.Limits.Country = limits.Rate{Hour: new(uint32(7)), Day: new(uint32(70))}
	want := login.DefaultSendLimits()
	want.Country = login.SendRate{Hour: 7, Day: 70}
	if got := newFactor(t, c, &wire{}).Limits(); got != want {
		t.Errorf("%+v", got)
	}
}

func TestFactorIsASender(t *testing.T) {
	f := newFactor(t, generic(), &wire{})
	if f.Name() != "sms" || f.DirectoryAddress(login.User{Phone: "+92"}) != "+92" {
		t.Error(f.Name())
	}
	p, err := f.Challenge(t.Context(), login.User{}, login.Credential{})
	if err != nil || p.Step != login.StepOTP || !p.Echo {
		t.Errorf("%+v, %v", p, err)
	}
	if found, err := f.Verify(t.Context(), time.Time{}, login.User{}, login.Credential{}, "1"); err == nil || found.Number != 0 {
		t.Errorf("%+v, %v", found, err)
	}
	one, err := f.Code(make([]byte, 32), 1)
	two, err2 := f.Code(make([]byte, 32), 2)
	if err != nil || err2 != nil || len(one) != 6 || one == two {
		t.Error(one, two, err, err2)
	}
}
