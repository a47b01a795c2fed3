package login_test

import (
	"encoding/base64"
	"testing"

	"golang.org/x/text/unicode/norm"

	"sallyport/login"
)

// TestR6DecomposedPasswords: each password is stored composed and typed decomposed, alone and with a code behind it.
func TestR6DecomposedPasswords(t *testing.T) {
	for _, stored := range []string{
		"Grüße-1", "Ångström", "Việt Nam", "한국어", "ё-й-ї", "ṩ", "שָׁלוֹם", "naïve²ﬁ",
	} {
		stored = norm.NFC.String(stored)
		w := newWorld(t)
		w.dir.users["alice"].password = stored
		typed := norm.NFD.String(stored)
		code, err := totpCode(aliceKey, w.now)
		w.must(err)
		encode := base64.StdEncoding.EncodeToString
		for _, r := range []struct {
			mode     login.Mode
			password string
			want     login.Verdict
		}{
			{login.ModeChallenge, typed, login.Challenge},
			{login.ModeChallenge, stored, login.Challenge},
			{login.ModeChallenge, typed + "x", login.Reject},
			{login.ModeAppend, typed + "," + code, login.Accept},
			{login.ModeAppend, "SCRV1:" + encode([]byte(typed)) + ":" + encode([]byte(code)), login.Accept},
		} {
			reply, err := w.engine.Begin(t.Context(), login.Request{
				Origin:   login.Origin{Client: "vpn", Policy: "staff", Mode: r.mode, CallingStationID: "here"},
				Username: "alice", Password: r.password,
			})
			if err != nil || reply.Verdict != r.want {
				t.Errorf("%+q in mode %v: %v (%s), %v, want %v", r.password, r.mode, reply.Verdict, reply.Code, err, r.want)
			}
		}
	}
}
