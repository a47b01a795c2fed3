package email_test

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gomail "github.com/emersion/go-message/mail"

	"sallyport/factors/email"
	"sallyport/login"
)

func header(t *testing.T, raw string) mail.Header {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return m.Header
}

// parts returns the bodies of a message by content type.
func parts(t *testing.T, raw string) map[string]string {
	t.Helper()
	r, err := gomail.CreateReader(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for {
		p, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		h, ok := p.Header.(*gomail.InlineHeader)
		if !ok {
			t.Fatalf("a part is %T", p.Header)
		}
		kind, params, err := h.ContentType()
		body, readErr := io.ReadAll(p.Body)
		if err != nil || readErr != nil || params["charset"] != "utf-8" {
			t.Fatalf("%v, %v, charset %q", err, readErr, params["charset"])
		}
		found[kind] = string(body)
	}
}

// exchange sends what do sends and returns what arrived.
func exchange(t *testing.T, c email.Config, do func(*email.Factor, context.Context) (string, error)) (got received) {
	synctest.Test(t, func(t *testing.T) {
		m := &mailServer{}
		c.Servers = []string{relayA}
		f := newFactor(t, c, network{"127.0.0.1:2501": m.serve(t, nil, false)})
		if _, err := do(f, t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(m.received()); n != 1 {
			t.Fatalf("%d messages", n)
		}
		got = m.received()[0]
	})
	return got
}

func TestCodeInEveryLanguage(t *testing.T) {
	for language, want := range map[string]struct{ subject, dir, phrase string }{
		"":      {"Your login code for Corp", `<html lang="en" dir="ltr">`, "It is good for 5 minutes and works once."},
		"en":    {"Your login code for Corp", `<html lang="en" dir="ltr">`, "It is good for 5 minutes and works once."},
		"fr":    {"Your login code for Corp", `<html lang="en" dir="ltr">`, "Hello alice,"},
		"ar":    {"رمز تسجيل الدخول إلى Corp", `<html lang="ar" dir="rtl">`, "مرحبًا alice،"},
		"ar-EG": {"رمز تسجيل الدخول إلى Corp", `<html lang="ar" dir="rtl">`, "هذا رمز تسجيل الدخول إلى Corp:"},
		"ur":    {"Corp کے لیے آپ کا لاگ اِن کوڈ", `<html lang="ur" dir="rtl">`, "السلام علیکم alice،"},
	} {
		t.Run(language, func(t *testing.T) {
			got := exchange(t, email.Config{Brand: "Corp"}, func(f *email.Factor, ctx context.Context) (string, error) {
				m := message(t, f)
				m.Language = language
				return f.Send(ctx, m)
			})
			subject, err := new(mime.WordDecoder).DecodeHeader(header(t, got.raw).Get("Subject"))
			if err != nil || subject != want.subject {
				t.Errorf("subject %q, %v; want %q", subject, err, want.subject)
			}
			head, _, _ := strings.Cut(got.raw, "\r\n\r\n")
			for line := range strings.SplitSeq(head, "\r\n") {
				if len(line) > 76 {
					t.Errorf("a line of the header has %d characters: %s", len(line), line)
				}
			}
			bodies := parts(t, got.raw)
			text, html := bodies["text/plain"], bodies["text/html"]
			if len(bodies) != 2 || !strings.Contains(text, want.phrase) || !strings.Contains(text, "492817") {
				t.Errorf("text:\n%s", text)
			}
			if !strings.Contains(html, want.dir) || !strings.Contains(html, `<bdi dir="ltr">492817</bdi>`) || strings.Contains(html, "src=") {
				t.Errorf("HTML:\n%s", html)
			}
		})
	}
}

// Nobody is promised time that they do not have.
func TestACodesLifeIsToldRoundedDown(t *testing.T) {
	for life, want := range map[time.Duration]string{
		10 * time.Second: "good for one minute ", 119 * time.Second: "good for one minute ", 5*time.Minute - time.Second: "good for 4 minutes ",
	} {
		got := exchange(t, email.Config{}, func(f *email.Factor, ctx context.Context) (string, error) {
			m := message(t, f)
			m.Life = life
			return f.Send(ctx, m)
		})
		if text := parts(t, got.raw)["text/plain"]; !strings.Contains(text, want) {
			t.Errorf("%v: no %q in\n%s", life, want, text)
		}
	}
}

func TestSubjectsReadBack(t *testing.T) {
	for _, brand := range []string{"Corp", "Zugang zu Köln", "=?utf-8?q?Corp?=", "公司登录系统与其他所有服务", "Corp 🔐🔐🔐🔐🔐🔐🔐🔐🔐🔐"} {
		got := exchange(t, email.Config{Brand: brand}, func(f *email.Factor, ctx context.Context) (string, error) {
			return f.Send(ctx, message(t, f))
		})
		subject, err := new(mime.WordDecoder).DecodeHeader(header(t, got.raw).Get("Subject"))
		if want := "Your login code for " + brand; err != nil || subject != want {
			t.Errorf("subject %q, %v; want %q", subject, err, want)
		}
	}
}

func TestHeader(t *testing.T) {
	got := exchange(t, email.Config{From: "Zugang Köln <login@corp.example.test>"}, func(f *email.Factor, ctx context.Context) (string, error) {
		return f.Send(ctx, message(t, f))
	})
	head, _, _ := strings.Cut(got.raw, "\r\n\r\n")
	if strings.Contains(head, "492817") {
		t.Errorf("the header holds the code:\n%s", head)
	}
	h := header(t, got.raw)
	from, err := h.AddressList("From")
	if err != nil || len(from) != 1 || from[0].Name != "Zugang Köln" || from[0].Address != "login@corp.example.test" {
		t.Errorf("From: %v, %v", from, err)
	}
	to, err := h.AddressList("To")
	if err != nil || len(to) != 1 || *to[0] != (mail.Address{Address: "alice@example.test"}) {
		t.Errorf("To: %v, %v", to, err)
	}
	if date, err := h.Date(); err != nil || !date.Equal(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("Date: %v, %v", date, err)
	}
	if id := h.Get("Message-Id"); !strings.HasSuffix(id, "@corp.example.test>") || len(id) < 40 {
		t.Errorf("Message-ID: %q", id)
	}
	if got := h.Get("Auto-Submitted"); got != "auto-generated" {
		t.Errorf("Auto-Submitted: %q", got)
	}
	if kind, _, err := mime.ParseMediaType(h.Get("Content-Type")); err != nil || kind != "multipart/alternative" {
		t.Errorf("Content-Type: %q, %v", kind, err)
	}
	if got.from != "login@corp.example.test" || got.to != "alice@example.test" {
		t.Errorf("path: %q to %q", got.from, got.to)
	}
}

// The names of the fields are the same whatever a user or a caller brings.
func TestNoHeaderIsInjected(t *testing.T) {
	want := []string{"Auto-Submitted", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To", "X-Auto-Response-Suppress"}
	for _, user := range []string{"alice", "a\r\nBcc: mallory@example.test", "a\nSubject: x\n\nhello", "\u202eecila", "<script>x</script>"} {
		got := exchange(t, email.Config{}, func(f *email.Factor, ctx context.Context) (string, error) {
			m := message(t, f)
			m.User = user
			return f.Send(ctx, m)
		})
		h := header(t, got.raw)
		var names []string
		for name := range h {
			names = append(names, name)
		}
		if slices.Sort(names); !slices.Equal(names, want) {
			t.Errorf("%q: fields %q", user, names)
		}
		body := parts(t, got.raw)
		if strings.Contains(h.Get("Subject"), "alice") || strings.Contains(body["text/html"], "<script") || strings.ContainsAny(body["text/plain"], "\u202e") {
			t.Errorf("%q:\n%s", user, got.raw)
		}
	}
}

func TestAddressOfARecordIsReadAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mailServer{}
		f := newFactor(t, email.Config{Servers: []string{relayA}}, network{"127.0.0.1:2501": m.serve(t, nil, false)})
		for _, to := range []string{"alice@example.test\r\nBcc: mallory@example.test", "a@example.test>\r\nDATA", "", "Alice <alice@example.test>"} {
			_, err := f.Send(t.Context(), login.Message{To: login.Address{Text: to}, Code: "1"})
			var failed *login.SendError
			if !errors.As(err, &failed) || !failed.Permanent || !errors.Is(err, login.ErrAddress) || m.connections() != 0 {
				t.Errorf("%q: %v, %d connections", to, err, m.connections())
			}
		}
	})
}

func TestNotices(t *testing.T) {
	kinds := []login.NoticeKind{login.NoticeRegistered, login.NoticeReplaced, login.NoticeRemoved,
		login.NoticeBypass, login.NoticeRecovery, login.NoticeRecoveryUsed}
	for _, language := range []string{"en", "ar", "ur"} {
		told := map[string]bool{}
		for _, kind := range kinds {
			got := exchange(t, email.Config{}, func(f *email.Factor, ctx context.Context) (string, error) {
				return f.Tell(ctx, login.Notice{To: message(t, f).To, Kind: kind, User: "alice", Language: language,
					Factor: "totp", By: "an administrator", At: time.Date(2026, 5, 1, 12, 30, 0, 0, time.UTC)})
			})
			bodies := parts(t, got.raw)
			for _, body := range bodies {
				if !strings.Contains(body, "2026-05-01 12:30 UTC") || !strings.Contains(body, "alice") {
					t.Errorf("%s, %s:\n%s", language, kind, body)
				}
			}
			told[bodies["text/plain"]] = true
			subject, err := new(mime.WordDecoder).DecodeHeader(header(t, got.raw).Get("Subject"))
			if err != nil || !strings.Contains(subject, "Sallyport") {
				t.Errorf("%s, %s: subject %q, %v", language, kind, subject, err)
			}
			told[subject] = true
		}
		if len(told) != 2*len(kinds) {
			t.Errorf("%s: %d different subjects and texts of %d notices", language, len(told), len(kinds))
		}
	}
}

func TestNoticeSaysWhat(t *testing.T) {
	got := exchange(t, email.Config{}, func(f *email.Factor, ctx context.Context) (string, error) {
		return f.Tell(ctx, login.Notice{To: message(t, f).To, Kind: login.NoticeRegistered, User: "alice", Factor: "sms", At: time.Now()})
	})
	text := parts(t, got.raw)["text/plain"]
	want := "Hello alice,\n\nA second step was registered for your login to Sallyport: text message codes.\n" +
		"This was done in a login with your password.\nTime: 2000-01-01 00:00 UTC\n\n"
	if text = strings.ReplaceAll(text, "\r\n", "\n"); !strings.HasPrefix(text, want) {
		t.Errorf("got %q, want %q first", text, want)
	}
	if strings.Contains(text, "by an administrator") {
		t.Errorf("an administrator is named:\n%s", text)
	}
}
