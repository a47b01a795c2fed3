package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sallyport/web/admin"
)

func TestClientsAreListed(t *testing.T) {
	got := runOne(t, clientVerb(), "", "list", "--socket", serveAdmin(t, newFakeNode()))
	wantOutcome(t, got, exitOK, `NAME  ADDRESSES     POLICY  MESSAGE-AUTHENTICATOR    LEARNED
gone  -             -       not configured any more  -
vpn   192.0.2.0/24  staff   auto                     2, last 1h ago
`)
	got = runOne(t, clientVerb(), "", "list", "--json", "--socket", serveAdmin(t, newFakeNode()))
	if got.code != exitOK || !strings.Contains(got.stdout, `"address": "192.0.2.1"`) {
		t.Errorf("exit %d: %s", got.code, got.stdout)
	}
}

func TestAClientIsForgottenOnlyOnPurpose(t *testing.T) {
	f := newFakeNode()
	socket := serveAdmin(t, f)
	got := runOne(t, clientVerb(), "", "forget", "vpn", "--socket", socket)
	if got.code != exitUsage || !strings.Contains(got.stderr, "needs --yes") || len(f.acts) > 0 {
		t.Errorf("exit %d, acts %v: %s", got.code, f.acts, got.stderr)
	}
	got = runOne(t, clientVerb(), "", "forget", "vpn", "--yes", "--socket", socket)
	wantOutcome(t, got, exitOK, "vpn: 2 addresses forgotten\n")
	got = runOne(t, clientVerb(), "", "forget", "vnp", "--yes", "--socket", socket)
	if got.code != exitFailed || fmt.Sprint(f.acts) != "[forget vpn]" {
		t.Errorf("a misspelt client: exit %d, acts %v", got.code, f.acts)
	}
}

func TestClientsThatSignFromSomeAddressesOnly(t *testing.T) {
	hour := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	signs := admin.Learned{Since: hour, Seen: hour.Add(time.Hour)}
	mute := admin.Learned{Since: hour.Add(time.Hour), Unsigned: true}
	for want, list := range map[string][]admin.Learned{
		"":                             nil,
		"1, last 1h ago":               {signs},
		"2, last 1h ago; 1 without it": {signs, mute, {Since: hour}},
		"2 without it":                 {mute, mute},
	} {
		if got := learned(admin.Client{Learned: list}, hour.Add(2*time.Hour)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
