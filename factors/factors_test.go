package factors_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"sallyport/factors"
	"sallyport/factors/email"
	"sallyport/factors/securid"
	"sallyport/factors/sms"
	"sallyport/factors/totp"
	"sallyport/login"
)

// nowhere forwards nothing.
type nowhere struct{}

func (nowhere) Forward(context.Context, login.Forwarding) login.Forwarded { return login.Forwarded{} }
func (nowhere) Within() time.Duration                                     { return time.Second }

func deps() factors.Deps {
	return factors.Deps{
		Logger: slog.New(slog.DiscardHandler), Now: time.Now,
		Upstream: func(securid.Config) (securid.Upstream, error) { return nowhere{}, nil },
	}
}

// all configures every factor; templates is a folder of mail templates.
func all(templates string) factors.Config {
	return factors.Config{
		TOTP: &totp.Config{},
		Email: &email.Config{
			Servers: []string{"smtp://mail.corp.example"}, From: "login@corp.example", Templates: templates,
		},
		SMS:     &sms.Config{Preset: "twilio", Account: "AC1", Password: "canary", From: "Corp"},
		SecurID: &securid.Config{Servers: []string{"192.0.2.7:1812"}, Secret: "canary-of-at-least-16-octets"},
	}
}

// What a kind says of its factor is what the factor can do.
func TestEachKindIsWhatItSays(t *testing.T) {
	var names []string
	for _, k := range all("").Kinds() {
		names = append(names, k.Name)
		if faults := k.Validate(); !k.Configured || len(faults) > 0 {
			t.Errorf("%s: %v", k.Name, faults)
		}
		f, err := k.Build(deps())
		if err != nil {
			t.Fatalf("%s: %v", k.Name, err)
		}
		_, sends := f.(login.Sender)
		_, forwards := f.(login.Forwarder)
		if f.Name() != k.Name || sends != k.Addressed || forwards == k.Registered {
			t.Errorf("%s is %+v", f.Name(), k)
		}
	}
	if !slices.Equal(names, []string{"totp", "email", "sms", "securid"}) {
		t.Errorf("kinds are %v", names)
	}
}

func TestAFactorWithoutATableIsThereButNotConfigured(t *testing.T) {
	for _, k := range (factors.Config{}).Kinds() {
		if k.Configured || k.Table != nil || len(k.Validate())+len(k.Warnings())+len(k.Files) > 0 {
			t.Errorf("%+v", k)
		}
	}
}

func TestFaultsAreTakenApart(t *testing.T) {
	c := all("")
	c.Email.Servers, c.Email.From = nil, ""
	if faults := c.Kinds()[1].Validate(); len(faults) != 2 {
		t.Errorf("faults are %v", faults)
	}
	if warnings := c.Kinds()[2].Warnings(); len(warnings) != 1 {
		t.Errorf("warnings are %v", warnings)
	}
}

// The files are those that must not change unseen.
func TestTheFilesOfAKindAreThoseItReads(t *testing.T) {
	folder := t.TempDir()
	subject := filepath.Join(folder, "code.en.subject")
	if err := os.WriteFile(subject, []byte("A code\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(filepath.Join(folder, ".code.swp"), nil, 0o600), os.Mkdir(filepath.Join(folder, "old"), 0o700)); err != nil {
		t.Fatal(err)
	}
	c := all(folder)
	c.Email.CAFile = "ca.pem"
	if got := c.Kinds()[1].Files; !slices.Equal(got, []string{subject, "ca.pem"}) {
		t.Errorf("files are %v", got)
	}
	gone := filepath.Join(folder, "gone")
	if got := all(gone).Kinds()[1].Files; !slices.Equal(got, []string{gone}) {
		t.Errorf("files of a folder that is gone are %v", got)
	}
}
