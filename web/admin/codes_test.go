package admin

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"sallyport/login"
)

// wantStored checks that codes are stored as their tags, and are in no log.
func wantStored(t *testing.T, d *daemon, id string, codes []string) Grant {
	t.Helper()
	keys, err := ring()
	if err != nil {
		t.Fatal(err)
	}
	g := d.users.grants[len(d.users.grants)-1]
	if len(codes) != len(g.Codes) || g.UserID != id {
		t.Fatalf("%d codes for %s, want %d for %s", len(g.Codes), g.UserID, len(codes), id)
	}
	for i, code := range codes {
		if g.Codes[i].Tag != keys.CodeTag(g.Factor, id, login.NormalizeCode(code)) {
			t.Errorf("code %d is not stored under its tag", i)
		}
		if strings.Contains(d.log.String(), code) {
			t.Errorf("the log holds a code: %s", d.log)
		}
	}
	return g
}

func TestAnInvitationIsOneCodeForADay(t *testing.T) {
	d := startDaemon(t)
	r, err := d.Invite(t.Context(), InviteAct{UserAct: UserAct{User: "bob"}})
	if err != nil {
		t.Fatal(err)
	}
	g := wantStored(t, d, "corp:b2", r.Codes)
	if g.Factor != login.CredentialInvitation || len(g.Codes) != 1 || g.Codes[0].Uses != 1 || !g.Codes[0].Until.Equal(clock.Add(24*time.Hour)) {
		t.Errorf("granted %+v", g)
	}
	if r.User.Invitation == nil || !r.User.Invitation.Until.Equal(*r.Until) || r.User.Name != "bob" || len(r.User.Factors) != 0 {
		t.Errorf("got %+v", r.User)
	}
	if len(d.told) > 0 {
		t.Errorf("told %v", d.told)
	}
}

func TestABypassCodeHasAReasonAndAnEnd(t *testing.T) {
	d := startDaemon(t)
	act := BypassAct{UserAct: UserAct{User: "alice"}, Reason: " phone lost\t", Uses: 3, ForSeconds: 7200}
	r, err := d.Bypass(t.Context(), act)
	if err != nil {
		t.Fatal(err)
	}
	g := wantStored(t, d, "corp:a1", r.Codes)
	if want := fmt.Sprintf("uid %d: phone lost", os.Getuid()); g.Note != want || r.User.Bypass.Note != want || r.User.Bypass.Left != 3 ||
		!g.Codes[0].Until.Equal(clock.Add(2*time.Hour)) {
		t.Errorf("granted %+v, shown %+v", g, r.User.Bypass)
	}
	if want := (told{"alice", "", "an administrator", login.NoticeBypass, false}); len(d.told) != 1 || d.told[0] != want {
		t.Errorf("told %v", d.told)
	}
	if want := `act="user bypass" outcome=done`; !strings.Contains(d.log.String(), want) || !strings.Contains(d.log.String(), `reason="phone lost"`) {
		t.Errorf("no %s in %s", want, d.log)
	}
}

func TestRecoveryCodesAreTenAndDoNotEnd(t *testing.T) {
	d := startDaemon(t)
	r, err := d.RecoveryCodes(t.Context(), UserAct{User: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	g := wantStored(t, d, "corp:a1", r.Codes)
	if len(g.Codes) != 10 || !g.Codes[9].Until.IsZero() || r.User.Recovery.Left != 10 || r.User.Recovery.Until != nil || r.Until != nil {
		t.Errorf("granted %+v, shown %+v", g, r.User.Recovery)
	}
	if len(d.told) != 1 || d.told[0].kind != login.NoticeRecovery {
		t.Errorf("told %v", d.told)
	}
}

func TestCodesThatAreUsedUpOrEndedAreNotShown(t *testing.T) {
	for name, codes := range map[string][]login.OneTimeCode{
		"none": nil, "ended": {{Uses: 1, Until: clock}}, "used up": {{Until: clock.Add(time.Hour)}},
	} {
		if got := codesOf(login.Credential{Codes: codes}, clock); got != nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestWhatCannotBeIssuedIsRefused(t *testing.T) {
	d := startDaemon(t)
	bypass := func(change func(*BypassAct)) error {
		act := BypassAct{UserAct: UserAct{User: "alice"}, Reason: "phone lost"}
		change(&act)
		_, err := d.Bypass(t.Context(), act)
		return err
	}
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"no reason":        {bypass(func(a *BypassAct) { a.Reason = " " }), "no reason was given"},
		"a long reason":    {bypass(func(a *BypassAct) { a.Reason = strings.Repeat("x", 201) }), "longer than 200 octets"},
		"control":          {bypass(func(a *BypassAct) { a.Reason = "a\x1b[31m" }), "cannot be printed"},
		"too many uses":    {bypass(func(a *BypassAct) { a.Uses = 101 }), "100 times at most"},
		"too long":         {bypass(func(a *BypassAct) { a.ForSeconds = 7*24*3600 + 1 }), "--for: a minute to 168 hours"},
		"too short":        {bypass(func(a *BypassAct) { a.ForSeconds = -1 }), "a minute to 168 hours"},
		"who has left":     {bypass(func(a *BypassAct) { a.User = "carol" }), "no directory knows Carol (corp:c3)"},
		"an ID of nobody":  {bypass(func(a *BypassAct) { a.User = "corp:z9" }), "no directory knows corp:z9"},
		"nobody's name":    {bypass(func(a *BypassAct) { a.User = "mallory" }), "no user is known"},
		"an unknown field": {mustFail(call[CodesReply](t.Context(), d.Caller, http.MethodPost, "/v1/user/bypass", map[string]any{"use": 1})), "unknown field"},
	} {
		if tt.err == nil || !strings.Contains(tt.err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", name, tt.err, tt.want)
		}
	}
	if len(d.users.grants) > 0 || len(d.told) > 0 {
		t.Errorf("granted %v, told %v", d.users.grants, d.told)
	}
}

func mustFail(_ CodesReply, err error) error { return err }

func TestCodesThatCouldNotBeStoredAreNotTold(t *testing.T) {
	d := startDaemon(t)
	d.users.actErr = fmt.Errorf("propose: %w", login.ErrUnavailable)
	r, err := d.RecoveryCodes(t.Context(), UserAct{User: "alice"})
	if statusOf(err) != http.StatusServiceUnavailable || len(r.Codes) > 0 || len(d.told) > 0 {
		t.Errorf("got %v, %v, told %v", r, err, d.told)
	}
	if !strings.Contains(d.log.String(), `act="user recovery-codes" outcome=failed`) {
		t.Errorf("log %s", d.log)
	}
	if errors.Is(err, login.ErrUnavailable) {
		t.Error("the daemon's own error crossed the socket")
	}
}
