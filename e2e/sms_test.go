//go:build e2e

package e2e

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sallyport/e2e/servers"
	"sallyport/factors/sms"
	"sallyport/login"
)

// smsFactor returns the factor as a site with this Kannel has it.
func smsFactor(t *testing.T, k *servers.Kannel, change func(*sms.Config)) *sms.Factor {
	t.Helper()
	c := sms.Config{
		Preset: "kannel", URL: []string{k.URL()}, Username: servers.KannelUser, Password: servers.KannelPassword, DefaultRegion: "PK",
	}
	if change != nil {
		change(&c)
	}
	f, err := sms.New(c, sms.Deps{Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func smsMessage(t *testing.T, f *sms.Factor, number, code, language string) login.Message {
	t.Helper()
	to, err := f.ParseAddress(number)
	if err != nil {
		t.Fatal(err)
	}
	return login.Message{To: to, Code: login.Secret(code), Language: language, Life: 5 * time.Minute, Trace: "trace-1"}
}

func TestCodeReachesTheTelephoneThroughKannel(t *testing.T) {
	t.Parallel()
	k := servers.StartKannel(t, servers.KannelOptions{})
	f := smsFactor(t, k, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for language, want := range map[string]servers.Text{
		"en": {From: "1234", To: "+923001234567", Body: "Sallyport code: 135792. Do not share it. Good for 5 minutes."},
		"ar": {From: "1234", To: "+923001234567", Body: "رمز Sallyport: 135792. لا تشاركه مع أحد. صالح لدقائق: 5", Unicode: true},
		"ur": {From: "1234", To: "+923001234567", Body: "Sallyport کوڈ: 135792۔ کسی کو نہ بتائیں۔ 5 منٹ تک کارآمد۔", Unicode: true},
	} {
		if _, err := f.Send(ctx, smsMessage(t, f, "0300 1234567", "135792", language)); err != nil {
			t.Fatalf("%s: %v", language, err)
		}
		if got, err := k.Next(ctx, "+923001234567"); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", language, got, err, want)
		}
	}
	notice := login.Notice{To: smsMessage(t, f, "+971 50 123 4567", "", "").To, Kind: login.NoticeRemoved, Language: "en"}
	if _, err := f.Tell(ctx, notice); err != nil {
		t.Fatal(err)
	}
	if got, err := k.Next(ctx, "+971501234567"); err != nil || !strings.Contains(got.Body, "you removed a second factor") {
		t.Errorf("%+v, %v", got, err)
	}
	for _, reach := range f.Check(ctx) {
		if reach.Err != nil {
			t.Error(reach.Err)
		}
	}
	// max-messages is 1: a longer text would have been cut.
	if all, err := k.Texts(ctx); err != nil || len(all) != 4 {
		t.Errorf("%d texts, %v", len(all), err)
	}
}

// Marks that a URL, an SMSC or the alphabet treats specially, and a second line.
func TestSpecialCharactersReachTheTelephone(t *testing.T) {
	t.Parallel()
	k := servers.StartKannel(t, servers.KannelOptions{})
	f := smsFactor(t, k, func(c *sms.Config) {
		c.Brand, c.From, c.AutofillDomain = `{A&B}=[50%]+é`, "Corp", "login.corp.example"
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for _, code := range []string{"24681357", "13572468"} {
		if _, err := f.Send(ctx, smsMessage(t, f, "+923001234567", code, "en")); err != nil {
			t.Fatal(err)
		}
		if _, err := k.Next(ctx, "+923001234567"); err != nil {
			t.Fatal(err)
		}
	}
	want := servers.Text{From: "Corp", To: "+923001234567",
		Body: "{A&B}=[50%]+é code: 24681357. Do not share it. Good for 5 minutes.\n@login.corp.example #24681357"}
	// The second one is there, so the first one is whole.
	if all, err := k.Texts(ctx); err != nil || len(all) != 2 || all[0] != want {
		t.Errorf("%+v, %v; want %+v", all, err, want)
	}
}

// Kannel keeps a message while its SMSC is away, so the factor must not send it again.
func TestMessageWaitsInKannelWhileTheLinkIsDown(t *testing.T) {
	t.Parallel()
	k := servers.StartKannel(t, servers.KannelOptions{})
	f := smsFactor(t, k, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	if err := k.LinkDown(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Send(ctx, smsMessage(t, f, "+923001234567", "135792", "en")); err != nil {
		t.Fatal(err)
	}
	if st := f.Stats().Servers[0]; st.Queued != 1 || st.Taken != 0 {
		t.Errorf("%+v", st)
	}
	if err := k.LinkUp(); err != nil {
		t.Fatal(err)
	}
	if code, err := k.Code(ctx, "+923001234567"); err != nil || code != "135792" {
		t.Errorf("%q, %v", code, err)
	}
	if all, err := k.Texts(ctx); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
}

func TestKannelRefusesAWrongPassword(t *testing.T) {
	t.Parallel()
	k := servers.StartKannel(t, servers.KannelOptions{})
	f := smsFactor(t, k, func(c *sms.Config) { c.Password = "wrong-canary" })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err := f.Send(ctx, smsMessage(t, f, "+923001234567", "135792", "en"))
	failure := (*login.SendError)(nil)
	if !errors.As(err, &failure) || !failure.Permanent || !strings.Contains(err.Error(), "status 403") || strings.Contains(err.Error(), "canary") {
		t.Errorf("%v", err)
	}
	if all, err := k.Texts(ctx); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
}

// A gateway that is gone is passed over for the next one, and named when all are.
func TestSecondKannelTakesWhatTheFirstCannot(t *testing.T) {
	t.Parallel()
	gone, k := servers.StartKannel(t, servers.KannelOptions{}), servers.StartKannel(t, servers.KannelOptions{})
	f := smsFactor(t, k, func(c *sms.Config) { c.URL = []string{gone.URL(), k.URL()} })
	gone.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if server, err := f.Send(ctx, smsMessage(t, f, "+923001234567", "135792", "en")); err != nil || !strings.Contains(k.URL(), server) {
		t.Fatal(server, err)
	}
	if code, err := k.Code(ctx, "+923001234567"); err != nil || code != "135792" {
		t.Errorf("%q, %v", code, err)
	}
}
