package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"sallyport/web/admin"
)

// code is the form of a one-time code.
const code = `[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}`

// wantMatch compares what was written with a pattern.
func wantMatch(t *testing.T, got outcome, stdout, stderr string) {
	t.Helper()
	for text, pattern := range map[string]string{got.stdout: stdout, got.stderr: stderr} {
		if !regexp.MustCompile("^" + pattern + "$").MatchString(text) {
			t.Errorf("exit %d: %q is not %q", got.code, text, pattern)
		}
	}
	if got.code != exitOK {
		t.Errorf("exit %d", got.code)
	}
}

func TestCodesStandAloneOnStdout(t *testing.T) {
	f := newFakeNode()
	socket := serveAdmin(t, f)
	got := runOne(t, userVerb(), "", "invite", "carol", "--for", "48h", "--socket", socket)
	wantMatch(t, got, code+"\n", `carol \(corp:c3\): invitation, good for 1 use until 2026-11-25 14:00 UTC \(in 2d\); shown this once\n`)
	got = runOne(t, userVerb(), "", "bypass", "alice", "--reason", "telephone lost", "--uses", "3", "--socket", socket)
	wantMatch(t, got, code+"\n", `alice \(corp:a1\): bypass code, good for 3 uses until 2026-11-24 14:00 UTC \(in 1d\); shown this once\n`)
	got = runOne(t, userVerb(), "", "recovery-codes", "alice", "--socket", socket)
	wantMatch(t, got, "("+code+"\n){10}", `alice \(corp:a1\): ten recovery codes, each good once; shown this once\n`)
	want := fmt.Sprintf("[grant corp:c3 invitation 1 for 1, uid %[1]d grant corp:a1 bypass 1 for 3, uid %[1]d: telephone lost grant corp:a1 recovery 10 for 1, uid %[1]d]", os.Getuid())
	if acts := fmt.Sprint(f.acts); acts != want {
		t.Errorf("acts %s\nwant %s", acts, want)
	}
	got = runOne(t, userVerb(), "", "invite", "carol", "--json", "--socket", socket)
	var r admin.CodesReply
	if err := json.Unmarshal([]byte(got.stdout), &r); err != nil || len(r.Codes) != 1 || got.stderr != "" {
		t.Errorf("got %s%s, %v", got.stdout, got.stderr, err)
	}
}

func TestAnInvitationThatLeadsNowhereSaysSo(t *testing.T) {
	got := runOne(t, userVerb(), "", "invite", "alice", "--socket", serveAdmin(t, newFakeNode()))
	wantMatch(t, got, code+"\n", `sallyport: note: alice \(corp:a1\) has registered email, totp: where that counts, an invitation leads nowhere before "sallyport user reset"
alice \(corp:a1\): invitation, good for 1 use until 2026-11-24 14:00 UTC \(in 1d\); shown this once
`)
}

func TestAnEnrolmentIsHandedOver(t *testing.T) {
	f := newFakeNode()
	socket := serveAdmin(t, f)
	got := runOne(t, userVerb(), "", "enrol", "carol", "--factor", "totp", "--socket", socket)
	wantMatch(t, got, `key  ([A-Z2-7]{4} ){7}[A-Z2-7]{4}\nuri  otpauth://totp/\S+\n`,
		`carol \(corp:c3\): registered with totp; the key is shown this once\n`)
	got = runOne(t, userVerb(), "", "enrol", "carol", "--factor", "totp", "--qr", "--socket", socket)
	if !strings.Contains(got.stdout, "█") || !strings.Contains(got.stdout, "otpauth://") {
		t.Errorf("no QR code: %s", got.stdout)
	}
	got = runOne(t, userVerb(), "", "enrol", "carol", "--factor", "email", "--socket", socket)
	wantOutcome(t, got, exitOK, "carol (corp:c3): registered with email, carol@corp.example\n")
	got = runOne(t, userVerb(), "", "enrol", "alice", "--factor", "email", "--address", "a@home.example", "--yes", "--socket", socket)
	wantOutcome(t, got, exitOK, "alice (corp:a1): registered with email, a@home.example\n")
}

func TestS19AResetSaysTheWayBack(t *testing.T) {
	f := newFakeNode()
	socket := serveAdmin(t, f)
	got := runOne(t, userVerb(), "", "reset", "alice", "--yes", "--for", "4h", "--socket", socket)
	wantMatch(t, got, `alice \(corp:a1\): registration removed\na new one is possible with the password and the invitation `+code+` until 2026-11-23 18:00 UTC \(in 4h\)\nit is shown once: give it to the person on a way that shows who they are\n`, "")
	got = runOne(t, userVerb(), "", "reset", "alice", "--yes", "--then", "nothing", "--socket", socket)
	wantOutcome(t, got, exitOK, "alice (corp:a1): registration removed\n")
	if len(f.windows) > 0 {
		t.Errorf("windows %v", f.windows)
	}
	got = runOne(t, userVerb(), "", "reset", "alice", "--yes", "--renew", "--factor", "totp", "--socket", socket)
	wantOutcome(t, got, exitOK, "alice (corp:a1): registers anew after the next login\n")
}

func TestWindowsAreOpenedListedAndClosed(t *testing.T) {
	f := newFakeNode()
	socket := serveAdmin(t, f)
	got := runOne(t, userVerb(), "", "windows", "--socket", socket)
	if got.code != exitOK || got.stdout != "" || got.stderr != "no window is open\n" {
		t.Errorf("none: %+v", got)
	}
	got = runOne(t, userVerb(), "", "window", "alice", "--for", "4h", "--socket", socket)
	if want := "sallyport: note: alice (corp:a1) has registered email, totp: where that counts, a window leads nowhere before \"sallyport user reset\"\n"; got.stderr != want {
		t.Errorf("stderr %q", got.stderr)
	}
	wantOutcome(t, got, exitOK, "alice (corp:a1): may register with the password alone until 2026-11-23 18:00 UTC (in 4h)\n")
	got = runOne(t, userVerb(), "", "window", "--group", "interns", "--directory", "corp", "--socket", socket)
	wantOutcome(t, got, exitOK, "group interns of corp: may register with the password alone until 2026-11-26 14:00 UTC (in 3d)\n")
	got = runOne(t, userVerb(), "", "windows", "--socket", socket)
	wantOutcome(t, got, exitOK, "WHO                    CLOSES\nalice (corp:a1)        in 4h\ngroup interns of corp  in 3d\n")
	got = runOne(t, userVerb(), "", "window", "alice", "--close", "--socket", socket)
	wantOutcome(t, got, exitOK, "alice (corp:a1): window closed\n")
	got = runOne(t, userVerb(), "", "window", "alice", "--close", "--socket", socket)
	wantOutcome(t, got, exitOK, "alice (corp:a1): no window was open\n")
	got = runOne(t, userVerb(), "", "window", "--group", "staff", "--directory", "corp", "--close", "--socket", socket)
	wantOutcome(t, got, exitOK, "group staff of corp: no window was open\n")
}

func TestAnActThatSaysTooLittleOrTooMuchIsRefused(t *testing.T) {
	f := newFakeNode()
	socket := serveAdmin(t, f)
	for name, tt := range map[string]struct {
		args []string
		code int
		say  string
	}{
		"an enrolment without a factor":   {[]string{"enrol", "carol"}, exitUsage, "which factor?"},
		"an enrolment that replaces":      {[]string{"enrol", "alice", "--factor", "totp"}, exitUsage, "replace what alice (corp:a1) has registered with totp: needs --yes"},
		"a factor that is not configured": {[]string{"enrol", "carol", "--factor", "sms"}, exitFailed, `no factor "sms" is configured`},
		"a bypass without a reason":       {[]string{"bypass", "alice"}, exitUsage, "say why with --reason"},
		"a bypass of no use":              {[]string{"bypass", "alice", "--reason", "x", "--uses", "0"}, exitUsage, "--uses is at least 1"},
		"a bypass for a month":            {[]string{"bypass", "alice", "--reason", "x", "--for", "720h"}, exitFailed, "--for: a minute to 168 hours"},
		"an invitation for no time":       {[]string{"invite", "alice", "--for", "0s"}, exitFailed, "a minute to 168 hours"},
		"a way that does not exist":       {[]string{"reset", "alice", "--then", "email"}, exitUsage, `--then is one of invite, window, nothing`},
		"a renewal with a way":            {[]string{"reset", "alice", "--renew", "--then", "window"}, exitUsage, "--renew removes nothing, so there is no way back to open: leave out --then and --for"},
		"a renewal for a while":           {[]string{"reset", "alice", "--renew", "--for", "4h"}, exitUsage, "leave out --then and --for"},
		"nothing for a while":             {[]string{"reset", "alice", "--then", "nothing", "--for", "4h"}, exitUsage, "--then nothing opens nothing: leave out --for"},
		"a window of nobody":              {[]string{"window"}, exitUsage, "which user?"},
		"a window of a group of nowhere":  {[]string{"window", "--group", "interns"}, exitUsage, "--directory NAME"},
		"a window of two":                 {[]string{"window", "alice", "--group", "interns"}, exitUsage, `leave out "alice" or --group`},
		"a window closed for a while":     {[]string{"window", "alice", "--close", "--for", "1h"}, exitUsage, "leave out --for"},
		"a window for a year":             {[]string{"window", "alice", "--for", "8760h"}, exitFailed, "a minute to 720 hours"},
	} {
		t.Run(name, func(t *testing.T) {
			got := runOne(t, userVerb(), "", append(tt.args, "--socket", socket)...)
			if got.code != tt.code || !strings.Contains(got.stderr, tt.say) || got.stdout != "" {
				t.Errorf("exit %d: %s%s", got.code, got.stdout, got.stderr)
			}
		})
	}
	if len(f.acts)+len(f.windows) > 0 {
		t.Errorf("acts %v, windows %v", f.acts, f.windows)
	}
}
