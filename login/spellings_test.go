package login_test

import (
	"fmt"
	"strings"
	"testing"

	"sallyport/login"
)

// However a code is typed, it is that code or it is wrong: nothing beyond it lets anyone in.
func TestSpellingsOfACode(t *testing.T) {
	right, wrong := spellings(newWorld(t).code("alice", "now"))
	if len(right)+len(wrong) < 200 {
		t.Fatalf("%d spellings", len(right)+len(wrong))
	}
	for verdict, typed := range map[login.Verdict][]string{login.Accept: right, login.Challenge: wrong} {
		for _, text := range typed {
			if got := answerInANewWorld(t, text); got.Verdict != verdict {
				t.Errorf("%q: %v %s, want %v", text, got.Verdict, got.Code, verdict)
			}
		}
	}
}

func answerInANewWorld(t *testing.T, text string) login.Reply {
	t.Helper()
	w, origin := newWorld(t), login.Origin{Client: "vpn", Policy: "staff"}
	first, err := w.engine.Begin(t.Context(), login.Request{Origin: origin, Username: "alice", Password: "right"})
	if err != nil {
		t.Fatal(err)
	}
	reply, err := w.engine.Continue(t.Context(), login.Answer{Origin: origin, State: first.State, Text: text})
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return reply
}

// spellings are ways to type a code that mean it, and ways that do not.
func spellings(code string) (right, wrong []string) {
	other := func(zero rune) string {
		return strings.Map(func(r rune) rune { return zero + r - '0' }, code)
	}
	right = []string{
		code, " " + code, code + " ", code[:3] + " " + code[3:], code[:3] + "-" + code[3:], code[:3] + "\u00a0" + code[3:],
		code + "\r\n", "\t" + code, other('٠'), other('۰'), "\u200f" + other('٠'), "\u2066" + code + "\u2069", strings.Join(strings.Split(code, ""), " "),
	}
	wrong = []string{
		"+" + code, "-" + code[1:], code + ".0", "0x" + code, code + "\x00", "\x00" + code, code[:3] + "\x00" + code[3:], code + "\x001",
		code + "e0", "0" + code, code + "0", code[:5], code[1:], code + code, strings.Repeat(code, 11), code[:3] + "," + code[3:], code[:3] + "." + code[3:],
		code[:3] + "\n" + code[3:], other('０'), other('०'), other('৭'), "'" + code + "'", `"` + code + `"`, "(" + code + ")", "%" + code, code + "%00",
		code + ";", code + "' OR '1'='1", "{" + code + "}", "null", "true", "[]", "NaN", "1e6", "0", "000000", "999999", "*", "?", "......",
		code[:5] + "l", code[:5] + "O", "I" + code[1:], "٠" + code[1:5], "²" + code[1:], "①" + code[1:], code[:5] + "\u0301",
	}
	for i := range code {
		for d := byte('0'); d <= '9'; d++ {
			if d != code[i] {
				wrong = append(wrong, code[:i]+string(d)+code[i+1:])
			}
		}
		for _, put := range []string{"_", "/", "\x7f", "\ufeff", "\u200b", "½", "x", "ù", ":", "=", "#", "~"} {
			wrong = append(wrong, code[:i]+put+code[i+1:], code[:i]+put+code[i:])
		}
	}
	return right, drop(wrong, code)
}

// drop leaves out what happens to be the code after all.
func drop(list []string, code string) (kept []string) {
	for _, text := range list {
		if login.FoldDigits(text) != code {
			kept = append(kept, text)
		}
	}
	return kept
}

// However a name is typed, it is one user with one counter, or nobody.
func TestSpellingsOfAUser(t *testing.T) {
	same := []string{
		"alice", "ALICE", "Alice", "aLiCe", `CORP\alice`, `corp\ALICE`, "alice@corp.example", "Alice@CORP.EXAMPLE",
		" alice", "alice ", "  alice  ", "ａｌｉｃｅ", "ＡＬＩＣＥ", "\uff21lice",
	}
	nobody := []string{
		"", " ", "\x00", "alice\x00", "\x00alice", "ali\x00ce", "al ice", "alice\u00a0", "\u00a0alice", "alice\u200b", "\u200balice", "al\u200cice",
		"alıce", "alíce", "ali\u0301ce", "аlice", "αlice", "alice\u202e", "\u202ealice", "\u2066alice\u2069", "alice\r\n", "alice\n", "\talice",
		"alice\x7f", "alice\xff", "\xc0\x80alice", "alice*", "*", "ali*", "(alice)", "alice)(uid=*", "*)(objectClass=*", "alice,dc=corp", "cn=alice",
		`\alice`, `CORP\\alice`, `OTHER\alice`, "alice@other.example", "alice@corp.example@corp.example", "alice@", "@corp.example", "alice/admin",
		"alice;", "alice'--", `alice"`, "alice%00", "alice%20", "../alice", "alice.", ".alice", "-alice", "+alice", "alice1", "1alice", "a",
		strings.Repeat("a", 253), strings.Repeat("a", 254), strings.Repeat("alice", 60), "аліса", "أليس",
	}
	if len(same)+len(nobody) < 60 {
		t.Fatalf("%d spellings", len(same)+len(nobody))
	}
	w := newWorld(t)
	origin := login.Origin{Client: "vpn", Policy: "staff"}
	for n, name := range same {
		origin.CallingStationID = fmt.Sprint(n)
		r, err := w.engine.Begin(t.Context(), login.Request{Origin: origin, Username: name, Password: "right"})
		if err != nil || r.Verdict != login.Challenge || w.events[len(w.events)-1].UserID != "test:alice" {
			t.Errorf("%q: %v %s, %v", name, r.Verdict, w.events[len(w.events)-1].UserID, err)
			continue
		}
		if _, err := w.engine.Continue(t.Context(), login.Answer{Origin: origin, Username: name, State: r.State, Text: w.code("alice", fmt.Sprint("wrong", n))}); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		w.must(w.ledger.Unlock(t.Context(), "test:alice", ""))
	}
	for n, name := range nobody {
		origin.CallingStationID = fmt.Sprint("nobody", n)
		r, err := w.engine.Begin(t.Context(), login.Request{Origin: origin, Username: name, Password: "right"})
		if err != nil || r.Verdict != login.Reject {
			t.Errorf("%q is taken for %s: %v, %v", name, w.events[len(w.events)-1].UserID, r.Verdict, err)
		}
	}
}

// One code in several spellings is one guess, and one Accept: the wrong one counts once, the right one is repeated.
func TestR8SpellingsOfACodeAreOneAnswer(t *testing.T) {
	w, origin := newWorld(t), login.Origin{Client: "vpn", Policy: "staff"}
	first, err := w.engine.Begin(t.Context(), login.Request{Origin: origin, Username: "alice", Password: "right"})
	w.must(err)
	answer := func(state, text string) login.Reply {
		reply, err := w.engine.Continue(t.Context(), login.Answer{Origin: origin, State: state, Text: text})
		w.must(err)
		return reply
	}
	state := first.State
	for _, text := range []string{"333333", "333 333", "333-333", "３３３３３３", "\u202a333\u2011333", "٣٣٣٣٣٣"} {
		reply := answer(state, text)
		if reply.Verdict != login.Challenge || reply.Prompt.AttemptsLeft != 2 {
			t.Errorf("%+q: %v, %d attempts left", text, reply.Verdict, reply.Prompt.AttemptsLeft)
		}
		state = reply.State
	}
	code := w.code("alice", "now")
	for _, text := range []string{" " + code[:3] + "\u2011" + code[3:], code, code[:3] + " " + code[3:]} {
		if reply := answer(state, text); reply.Verdict != login.Accept {
			t.Errorf("%+q: %v %s", text, reply.Verdict, reply.Code)
		}
	}
}
