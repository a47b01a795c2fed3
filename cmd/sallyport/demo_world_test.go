package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/smtp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sallyport/login"
	"sallyport/radius"
)

func openTestWorld(t *testing.T, w io.Writer, now func() time.Time) *demoWorld {
	t.Helper()
	world, err := openWorld(&board{w: w}, slog.New(slog.DiscardHandler), now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := world.close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return world
}

// sendMail hands a mail to the mailbox.
func sendMail(w *demoWorld, text string) error {
	text = strings.ReplaceAll(text, "\n", "\r\n")
	return smtp.SendMail(w.mailbox.listener.Addr().String(), nil, "a@example.org", []string{"b@example.org"}, []byte(text))
}

func TestTheMailboxShowsTheTextOfAMail(t *testing.T) {
	shown := newOutput()
	w := openTestWorld(t, shown, time.Now)
	const mail = "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nContent-Type: multipart/alternative; boundary=b\n\n" +
		"--b\nContent-Type: text/html\n\n<p>not this</p>\n--b\nContent-Type: text/plain; charset=utf-8\n\nThe code:\n\n    123456 \x1b[2J\n--b--\n"
	if err := sendMail(w, mail); err != nil {
		t.Fatal(err)
	}
	if want := "│ To: b@example.org\n│ Subject: Grüße\n│\n│ The code:\n│\n│     123456 ?[2J\n└─"; !strings.Contains(shown.String(), want) {
		t.Errorf("shown is\n%s", shown)
	}
}

func TestTheMailboxRefusesWhatHasNoText(t *testing.T) {
	shown := newOutput()
	w := openTestWorld(t, shown, time.Now)
	for name, mail := range map[string]string{
		"html alone":      "Subject: x\nContent-Type: text/html\n\n<p>hello</p>\n",
		"a broken header": "no header at all\n",
		"a broken part":   "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--c\n",
	} {
		if err := sendMail(w, mail); err == nil || !strings.Contains(err.Error(), "this is no mail with a text") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if shown.String() != "" {
		t.Errorf("shown is\n%s", shown)
	}
}

func TestThePhoneRefusesWhatIsNoMessage(t *testing.T) {
	shown := newOutput()
	w := openTestWorld(t, shown, time.Now)
	for name, tt := range map[string]struct {
		body string
		want int
	}{
		"a message":    {`{"to":"+12025550147","text":"code: 1\u001b[2J"}`, http.StatusAccepted},
		"no JSON":      {`to=+12025550147`, http.StatusBadRequest},
		"far too long": {`{"text":"` + strings.Repeat("x", maxDemoText) + `"}`, http.StatusBadRequest},
	} {
		r, err := http.Post(w.phone.url(), "application/json", strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != tt.want {
			t.Errorf("%s: status %d, want %d", name, r.StatusCode, tt.want)
		}
	}
	if got := shown.String(); strings.Count(got, "┌─") != 1 || !strings.Contains(got, "┌─ phone +12025550147 ─") || !strings.Contains(got, "│ code: 1?[2J\n") {
		t.Errorf("shown is\n%s", got)
	}
}

// Several parts write on the board at once, and each box stays whole.
func TestBoxesDoNotMix(t *testing.T) {
	var shown strings.Builder // guarded by the board alone
	b := &board{w: &shown}
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			for range 20 {
				if err := b.post("box", "one\ntwo"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	var one strings.Builder
	if err := (&board{w: &one}).post("box", "one\ntwo"); err != nil {
		t.Fatal(err)
	}
	if shown.String() != strings.Repeat(one.String(), 160) {
		t.Error("boxes are mixed")
	}
}

func TestLongLinesAreBrokenAtBlanks(t *testing.T) {
	for line, want := range map[string]string{
		"":                       "",
		"    123456":             "    123456",
		"a few words more":       "a few|words more",
		"anunbrokenword and one": "anunbrokenword|and one",
	} {
		if got := strings.Join(wrapped(line, 10), "|"); got != want {
			t.Errorf("%q is %q, want %q", line, got, want)
		}
	}
}

// The hint is always a passcode that the RSA server takes, or will take from the time that it names.
func TestTheTokensHintIsGood(t *testing.T) {
	var late atomic.Int64 // the RSA server looks at the clock too
	w := openTestWorld(t, io.Discard, func() time.Time {
		return time.Date(2026, 1, 5, 12, 0, 30, 0, time.Local).Add(time.Duration(late.Load()))
	})
	caller, err := radius.Dial(radius.CallerConfig{Server: w.token.server.Addr(), Secret: w.token.secret})
	if err != nil {
		t.Fatal(err)
	}
	defer caller.Close()
	try := func() login.Verdict {
		t.Helper()
		_, passcode, _ := strings.Cut(w.token.hint("erin", login.StepPasscode), "type ")
		r, err := caller.Exchange(t.Context(), radius.Message{Username: "erin", Password: login.Secret(passcode)})
		if err != nil {
			t.Fatal(err)
		}
		return r.Verdict
	}
	for range 2 { // this minute's tokencode, and the next one's
		if try() != login.Accept {
			t.Fatalf("refused: %s", w.token.hint("erin", login.StepPasscode))
		}
	}
	const later = "good from 12:01:00"
	if hint := w.token.hint("erin", login.StepPasscode); !strings.Contains(hint, later) {
		t.Errorf("the hint is %q, want one that is %s", hint, later)
	}
	late.Store(int64(30 * time.Second))
	if try() != login.Accept {
		t.Errorf("refused at the time that it is good from")
	}
}
