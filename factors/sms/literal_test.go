package sms

import (
	"strings"
	"testing"
)

// What stands in a template is shown by check-config, and read by whoever may read the file.
func TestSecretsThatAreWrittenOutAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"header": {func(c *Config) { c.Headers = map[string]string{"X-Api-Key": "Canary1"} }, "headers.X-Api-Key: "},
		"scheme": {func(c *Config) { c.Headers = map[string]string{"authorization": "Bearer canary"} }, "headers.Authorization: "},
		"one case of a header": {func(c *Config) {
			c.Headers = map[string]string{"X-Token": "{{if .Trace}}canary{{end}}"}
		}, "headers.X-Token: "},
		"query": {func(c *Config) { c.Query = "to={{.To}}&text={{.Text}}&api_key=c4nary" }, `query: "api_key" `},
		"behind a condition": {func(c *Config) {
			c.Query = "to={{.To}}&text={{.Text}}{{if .From}}&from={{.From}}{{end}}&accessToken=canary"
		}, `query: "accessToken" `},
		"in a condition": {func(c *Config) {
			c.Query = "to={{.To}}&text={{.Text}}{{if .From}}&password=canary{{end}}"
		}, `query: "password" `},
		"url":  {func(c *Config) { c.URL = []string{"https://gw.example.test/?t={{.Text}}&pass=canary"} }, `url: the query: "pass" `},
		"path": {func(c *Config) { c.URL = []string{"https://gw.example.test/key=C4nary/send"} }, `url: the path: "key" `},
		"form": {func(c *Config) { c.ContentType, c.Body = typeForm, "t={{.Text}}&auth=Canary" }, `body: "auth" `},
		"JSON": {func(c *Config) {
			c.ContentType, c.Body = typeJSON, `{"t":"{{.Text}}","a":{"client_secret" : "canary"}}`
		}, `body: "client_secret" `},
		"JSON, no.": {func(c *Config) { c.ContentType, c.Body = typeJSON, `{"t":"{{.Text}}","key": 471142}` }, `body: "key" `},
		"element": {func(c *Config) {
			c.ContentType, c.Body = "text/xml", `<m><t>{{.Text}}</t><x:Password>canary</x:Password></m>`
		}, `body: "x:Password" `},
		"attribute": {func(c *Config) { c.ContentType, c.Body = "text/xml", `<m token='canary'>{{.Text}}</m>` }, `body: "token" `},
		"text":      {func(c *Config) { c.ContentType, c.Body = "text/plain", "secret: canary\n{{.Text}}" }, `body: "secret" `},
	} {
		cfg := generic()
		c.change(&cfg)
		err := cfg.Validate()
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || !strings.Contains(err.Error(), "password_file") ||
			strings.Contains(strings.ToLower(err.Error()), "canary") || strings.Contains(err.Error(), "c4nary") {
			t.Errorf("%s: %v; want %s", name, err, c.want)
		}
	}
}

func TestWhatIsNoSecretMayBeWrittenOut(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"a variable": func(c *Config) {
			c.Headers = map[string]string{"X-Auth-Token": "{{.Password}}", "X-Key": "App {{.Account}}"}
			c.Account = "A1"
		},
		"a kind of key":  func(c *Config) { c.ContentType, c.Body = typeJSON, `{"identifierKey":"phonenumber","t":"{{.Text}}"}` },
		"a kind of auth": func(c *Config) { c.Query = "t={{.Text}}&auth=basic" },
		"another word":   func(c *Config) { c.Query = "t={{.Text}}&monkey=A1&author=B2&passenger=C3&keyword=D4&sender=E5" },
		"an empty value": func(c *Config) { c.Query = "t={{.Text}}&password=" },
		"one in two cases": func(c *Config) {
			c.Query = "t={{.Text}}&password={{if .Password}}{{.Password}}{{else}}{{.Account}}{{end}}"
		},
	} {
		cfg := generic()
		change(&cfg)
		if err := cfg.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
