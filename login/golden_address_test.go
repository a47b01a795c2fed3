package login_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sallyport/cluster"
	"sallyport/factors/email"
	"sallyport/factors/sms"
	"sallyport/login"
)

// What a person is told about an address that cannot be used, by the factors themselves.
func TestGoldenAddresses(t *testing.T) {
	var b strings.Builder
	long, local := strings.Repeat("a", 250)+"@example.org", strings.Repeat("a", 65)+"@example.org"
	for _, domains := range [][]string{nil, {"example.org"}, {"example.org", "example.net"}, {strings.Repeat("d", 60) + ".example.org", "example.net"}} {
		mail, err := email.New(email.Config{
			Servers: []string{"smtp+plain://127.0.0.1:25"}, From: "a@example.org", AllowedDomains: domains,
		}, email.Deps{Logger: slog.New(slog.DiscardHandler), Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		for _, typed := range []string{
			"x", "a@b", "a@example.com", "Alice <a@example.org>", "a b@example.org", "müller@example.org", "a@müller.example", long, local,
			"a%b@example.org", "-a@example.org", "a@-b.example", "a@1.2.3.4", "a@b..c", "a@[192.0.2.1]", `"a"@example.org`, "a@example.org",
		} {
			fmt.Fprintf(&b, "email in %q: %.80q: %s\n", domains, typed, addressTold(t, mail, typed))
		}
	}
	for _, c := range []sms.Config{{DefaultRegion: "DE"}, {}, {DefaultRegion: "DE", AllowedCountries: []string{"DE", "AR"}}, {AllowLandlines: true}} {
		c.URL, c.ContentType, c.Body = []string{"http://127.0.0.1:1"}, "text/plain", "{{.To}} {{.Text}}"
		phone, err := sms.New(c, sms.Deps{Logger: slog.New(slog.DiscardHandler), Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		for _, typed := range []string{
			"x", "alice@example.org", "0151 23456789", "+49 151 23456789", "0049 151 23456789", "+999 123456", "+49 1", "+49 15123456789012345", "030 123456", "+1 202 555 0123",
			"+49 800 1234567", "+49 900 1234567", "+49 151 2345678", "+54 11 4123 4567", "+43 1 58858", "12", "+", "+49 151 234567 ext. 3",
			"+44 20 7946 0018", "+1 202", "00", "+4915", strings.Repeat("1", 90), "+49 69 1234", "+92 300 1234567",
		} {
			fmt.Fprintf(&b, "sms in %q, countries %q, landlines %v: %.40q: %s\n", c.DefaultRegion, c.AllowedCountries, c.AllowLandlines, typed, addressTold(t, phone, typed))
		}
	}
	login.Golden(t, "addresses.txt", b.String())
}

// addressTold is what is said to somebody who registers this address.
func addressTold(t *testing.T, f login.Sender, typed string) string {
	t.Helper()
	now := time.Unix(1_800_000_000, 0)
	engine, err := login.New(login.Config{
		Policies:    map[string]login.Policy{"p": {Name: "p", Directory: "test", Factors: []string{f.Name()}, Registration: login.RegistrationFirstLogin}},
		Directories: map[string]login.Directory{"test": &directory{users: map[string]*account{"bob": {password: "right", user: login.User{ID: "test:bob", Name: "bob"}}}}},
		Factors:     map[string]login.Factor{f.Name(): f},
		Ledger:      cluster.NewMemory(func() time.Time { return now }),
		Now:         func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	origin := login.Origin{Client: "vpn", Policy: "p"}
	asked, err := engine.Begin(t.Context(), login.Request{Origin: origin, Username: "bob", Password: "right"})
	if err != nil {
		t.Fatal(err)
	}
	told, err := engine.Continue(t.Context(), login.Answer{Origin: origin, State: asked.State, Text: typed})
	if err != nil {
		t.Fatal(err)
	}
	return string(told.Code) + " " + told.Message
}
