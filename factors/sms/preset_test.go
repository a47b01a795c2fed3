package sms

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sallyport/login"
)

// account is what the presets are tried with: each value holds what its place must escape.
func account(preset string) Config {
	c := Config{Preset: preset, Account: "AC123", Username: "key-1", Password: "s3cret&=+/ %\"", From: "Corp & Co"}
	if preset == "kannel" {
		c.URL = []string{"http://127.0.0.1:13013/cgi-bin/sendsms"}
	}
	if preset == "twilio" || preset == "bird" {
		c.From = "+15005550006"
	}
	return c
}

// The folder testdata holds a file for each preset: the requests as they are written, in English and
// Arabic, and answers as the gateway's documentation (Kannel's: as recorded) shows them, each named by
// the outcome that it means.
func TestPresets(t *testing.T) {
	for _, preset := range presetNames()[1:] {
		t.Run(preset, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join("testdata", preset+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			var kinds []string
			for _, file := range txtar.Parse(raw).Files {
				kind, detail, _ := strings.Cut(file.Name, " ")
				kinds = append(kinds, kind)
				if kind == "request" {
					t.Run(file.Name, func(t *testing.T) { comparePresetRequest(t, preset, detail, string(file.Data)) })
					continue
				}
				t.Run(file.Name, func(t *testing.T) { judgePresetAnswer(t, preset, file) })
			}
			for _, kind := range []string{"request", "taken", "refused", "busy"} {
				if !slices.Contains(kinds, kind) {
					t.Errorf("nothing about %s", kind)
				}
			}
		})
	}
}

func comparePresetRequest(t *testing.T, preset, language, want string) {
	w := &wire{answer: always(status("500 x"))}
	_, err := newFactor(t, account(preset), w).Send(t.Context(), message(language))
	if err == nil || len(w.requests) != 1 {
		t.Fatal(err, w.requests)
	}
	got := strings.TrimSpace(strings.ReplaceAll(w.requests[0], "\r\n", "\n"))
	if got != strings.TrimSpace(want) {
		t.Errorf("written:\n%s\nwant:\n%s", got, want)
	}
}

func judgePresetAnswer(t *testing.T, preset string, file txtar.File) {
	kind, rest, _ := strings.Cut(file.Name, " ")
	_, wantID, hasID := strings.Cut(rest, "id=")
	head, body, _ := strings.Cut(strings.TrimSuffix(string(file.Data), "\n"), "\n\n")
	w := &wire{answer: always(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body)}
	f := newFactor(t, account(preset), w)
	g := f.engine.gateways[0]
	r := f.engine.try(t.Context(), g, f.engine.site.with(login.Address{Text: "+923001234567"}, "text", ""))
	names := []string{"unknown", "unsent", "busy", "refused", "taken", "queued"}
	if names[r.outcome] != kind || hasID && r.id != wantID {
		t.Errorf("%s, id %q, %v", names[r.outcome], r.id, r.err)
	}
	_, wantReason, hasReason := strings.Cut(rest, "reason=")
	if hasReason && (r.err == nil || !strings.HasSuffix(r.err.Error(), "reason "+wantReason)) {
		t.Errorf("reason: %v", r.err)
	}
}

func TestEveryPresetPieceCanBeReplaced(t *testing.T) {
	c := account("twilio")
	c.URL = []string{"https://gw.example.test/x"}
	c.Method, c.ContentType, c.Body = "PUT", "application/json; charset=utf-8", `{"t":"{{.Text}}"}`
	c.Headers = map[string]string{"authorization": "", "X-Key": "{{.Password}}"}
	c.SuccessStatus, c.SuccessJSON, c.IDJSON = []int{202}, []string{"ok=true"}, "n"
	w := &wire{answer: always(withBody("202 Accepted", `{"ok":true,"n":7}`))}
	if server, err := newFactor(t, c, w).Send(t.Context(), message("en")); err != nil || server != "gw.example.test" {
		t.Fatal(server, err)
	}
	got := w.requests[0]
	if !strings.HasPrefix(got, "PUT /x HTTP/1.1\r\n") || strings.Contains(got, "Authorization") ||
		!strings.Contains(got, `X-Key: s3cret&=+/ %"`) || !strings.HasSuffix(got, `{"t":"Sallyport code: 135792. Do not share it. Good for 5 minutes."}`) {
		t.Error(got)
	}
	effective, ok := c.Effective().(Config)
	if !ok || effective.Method != "PUT" || effective.Timeout != defaultTimeout || effective.ReasonJSON != "code" {
		t.Errorf("%+v", effective)
	}
}

// An answer that repeats the request must not bring the code or the password into an id or an error.
func TestAnswersThatRepeatTheRequestShowNothing(t *testing.T) {
	for _, field := range []string{someCode, "code " + someCode, "923001234567", "s3cret&=+/ %\"", "a\nb", "a\x1bb", strings.Repeat("a", 100)} {
		for _, line := range []string{"201 Created", "400 Bad Request"} {
			w := &wire{answer: always(withBody(line, `{"sid":`+quoted(field)+`,"code":`+quoted(field)+`}`))}
			f := newFactor(t, account("twilio"), w)
			v := f.engine.site.with(login.Address{Text: "+923001234567"}, "code "+someCode, "")
			v["Code"] = someCode
			r := f.engine.try(t.Context(), f.engine.gateways[0], v)
			if r.id != "" || r.err != nil && strings.Contains(r.err.Error(), "reason") {
				t.Errorf("%q: %q, %v", field, r.id, r.err)
			}
		}
	}
}

func quoted(text string) string {
	escaped, err := inJSON.escape(text)
	if err != nil {
		return ""
	}
	return `"` + escaped + `"`
}

func TestUnknownOutcomeIsNeitherTakenNorPermanent(t *testing.T) {
	for name, answer := range map[string]string{
		"server error": status("500 Internal Server Error"), "bad gateway": status("502 Bad Gateway"),
		"success that is not JSON": withBody("200 OK", "<html>"), "request timeout": status("408 Request Timeout"),
	} {
		w := &wire{answer: always(answer)}
		_, err := newFactor(t, account("vonage-sms"), w).Send(t.Context(), message("en"))
		failure := (*login.SendError)(nil)
		if !errors.As(err, &failure) || failure.Permanent || len(w.requests) != 1 {
			t.Errorf("%s: %v after %d requests", name, err, len(w.requests))
		}
	}
}
