package login_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sallyport/factors/totp"
	"sallyport/login"
)

// TestConversations plays the scripts of testdata. A script reads as a manual:
//
//	> begin user=alice password=right
//	< challenge step=otp left=3
//	> answer code=now
//	< accept earned=password+totp
//
// A line with > does something, a line with < says what must come of it. "state=N" answers the N-th
// State that the script was given (1 is the first, -1 the one before the last); without it the last
// one is answered. Codes:
// now, next, prev (the time steps around the clock), wrong, wrong2 …, or text:….
func TestConversations(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t)
			w.play(string(text))
			login.Golden(t, filepath.Join("scripts", filepath.Base(path)), w.told.String())
		})
	}
}

// play plays a script.
func (w *world) play(text string) {
	w.t.Helper()
	t, checked := w.t, true
	for n, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		w.where = fmt.Sprintf("line %d: %s", n+1, strings.TrimSpace(line))
		switch fields[0] {
		case ">":
			w.heard(line)
			if !checked {
				t.Fatalf("%s: the reply before it was not checked", w.where)
			}
			checked = !w.do(fields[1], fields[2:])
		case "<":
			w.expect(fields[1], fields[2:])
			w.tell()
			checked = true
		default:
			t.Fatalf("%s: not understood", w.where)
		}
	}
	if !checked {
		t.Fatalf("%s: the last reply was not checked", w.where)
	}
}

// heard notes a line of a script, for the golden file of what was replied.
func (w *world) heard(line string) { fmt.Fprintln(&w.told, strings.Join(strings.Fields(line), " ")) }

// tell notes the last reply as a person and a client see it.
func (w *world) tell() {
	if w.err != nil {
		fmt.Fprintln(&w.told, "< silent")
		return
	}
	r, p := w.reply, w.reply.Prompt
	text := r.Message
	if key := p.SecretKey.Reveal(); key != "" {
		text = strings.ReplaceAll(text, key, "KEY")
	}
	if decoy := w.events[len(w.events)-1]; r.Verdict == login.Challenge && strings.HasPrefix(decoy.Policy, "concealed") {
		// Which factor a decoy asks for, and the address that is shown, follow from a key that is random.
		text, p.MaskedAddress, r.Factor, p.ResendAfter, p.Expires = "", "", "", 0, 0
	}
	fmt.Fprintf(&w.told, "< %s code=%s step=%s factor=%s echo=%v masked=%s resend=%s expires=%s left=%d choices=%s registered=%v\n\t%q\n",
		r.Verdict, r.Code, p.Step, r.Factor, p.Echo, p.MaskedAddress, p.ResendAfter, p.Expires, p.AttemptsLeft,
		strings.Join(p.Choices, ","), r.Registered, text)
}

// do performs a line of a script and reports whether it has a reply to be checked.
func (w *world) do(verb string, fields []string) bool {
	w.t.Helper()
	args := arguments(fields)
	origin := login.Origin{
		Client: args.or("client", "vpn"), Policy: args.or("policy", "staff"), UI: args["ui"] == "true",
		Mode: modes()[args["mode"]], Profile: profiles()[args["profile"]], RequestKey: tagOf(args["packet"]),
		Address: netip.MustParseAddr("192.0.2.1"), CallingStationID: w.unquote(args["calling"]),
	}
	ctx := context.Background()
	if w.replicas != nil {
		defer w.replicas.turn(w, verb)()
	}
	switch verb {
	case "begin":
		w.reply, w.err = w.engine.Begin(ctx, login.Request{Origin: origin, Username: w.unquote(args["user"]), Password: w.password(args)})
		w.note()
		return true
	case "answer":
		w.reply, w.err = w.engine.Continue(ctx, login.Answer{
			Origin: origin, Username: args["user"], State: w.state(args["state"]), Text: w.code(args["of"], args["code"]),
			Action: login.Action(args["action"]),
		})
		w.note()
		return true
	case "wait":
		d, err := time.ParseDuration(fields[0])
		if err != nil {
			w.t.Fatalf("%s: %v", w.where, err)
		}
		w.now = w.now.Add(d)
	case "jump": // which the ledger's time does not follow
		d, err := time.ParseDuration(fields[0])
		w.must(err)
		w.now, w.log = w.now.Add(d), w.log-d
	case "clock":
		w.distrusted = fields[0] == "distrusted"
	case "reset":
		w.must(w.ledger.Reset(ctx, "test:"+fields[0], args["factor"]))
	case "reset-pending":
		if err := w.ledger.Reset(ctx, "test:"+fields[0], ""); !errors.Is(err, login.ErrNotEnrolled) {
			w.t.Fatalf("%s: %v", w.where, err)
		}
	case "unlock":
		w.must(w.ledger.Unlock(ctx, "test:"+fields[0], args["factor"]))
	case "account":
		w.dir.users[fields[0]].refusal = refusals()[args["is"]]
	case "password":
		w.dir.users[fields[0]].password = fields[1]
	case "remove":
		delete(w.dir.users, fields[0])
	case "directory":
		w.dir.down = fields[0] == "down"
	default:
		w.administer(verb, fields, args)
	}
	return false
}

// unquote lets a script write an empty text or one with odd octets as a Go string.
func (w *world) unquote(s string) string {
	if !strings.HasPrefix(s, `"`) {
		return s
	}
	text, err := strconv.Unquote(s)
	w.must(err)
	return text
}

// note remembers the State of the reply, and the key that a registration showed.
func (w *world) note() {
	if w.reply.State != "" {
		w.states = append(w.states, w.reply.State)
	}
	if key := w.reply.Prompt.SecretKey.Reveal(); key != "" {
		w.keys[w.events[len(w.events)-1].User] = key
		w.newKey = !slices.Contains(w.shown, key)
		w.shown = append(w.shown, key)
	}
}

func (w *world) state(which string) string {
	switch n, err := strconv.Atoi(which); {
	case which == "" && len(w.states) > 0:
		return w.states[len(w.states)-1]
	case err == nil && n >= 1 && n <= len(w.states):
		return w.states[n-1]
	case err == nil && n < 0 && -n < len(w.states):
		return w.states[len(w.states)-1+n]
	case which == "altered":
		s := []byte(w.states[len(w.states)-1])
		s[60] ^= 1
		return string(s)
	default:
		return which
	}
}

func (w *world) code(of, which string) string {
	if text, ok := strings.CutPrefix(which, "text:"); ok {
		return w.unquote(text)
	}
	if code, ok := w.sentOrIssued(which); ok {
		return code
	}
	if of == "" {
		of = "alice"
	}
	if strings.HasPrefix(which, "wrong") {
		return w.wrongCode(of, which)
	}
	if steps, ok := strings.CutPrefix(which, "step"); ok {
		offset, err := strconv.ParseInt(steps, 10, 64)
		w.must(err)
		return w.codeAt(of, offset)
	}
	offsets := map[string]int64{"": 0, "now": 0, "next": 1, "prev": -1}
	offset, ok := offsets[which]
	if !ok {
		w.t.Fatalf("%s: no such code", w.where)
	}
	return w.codeAt(of, offset)
}

// wrongCode returns one of several codes that fit none of the steps around the clock.
func (w *world) wrongCode(of, which string) string {
	n, _ := strconv.Atoi(strings.TrimPrefix(which, "wrong"))
	right := []string{w.codeAt(of, -2), w.codeAt(of, -1), w.codeAt(of, 0), w.codeAt(of, 1), w.codeAt(of, 2)}
	for i := 0; ; i++ {
		code := fmt.Sprintf("%06d", i)
		if slices.Contains(right, code) {
			continue
		}
		if n--; n < 0 {
			return code
		}
	}
}

func (w *world) codeAt(of string, offset int64) string {
	w.t.Helper()
	code, err := totpCode(w.keys[of], w.now.Add(time.Duration(offset)*totp.TimeStep))
	w.must(err)
	return code
}

// expect checks the last reply and its audit event against a line of a script.
func (w *world) expect(kind string, fields []string) {
	w.t.Helper()
	if len(w.events) == 0 {
		w.t.Fatalf("%s: nothing was audited", w.where)
	}
	event := w.events[len(w.events)-1]
	got := map[string]string{
		"code": string(w.reply.Code), "audit": string(event.Code), "step": string(w.reply.Prompt.Step),
		"left": strconv.Itoa(w.reply.Prompt.AttemptsLeft), "registered": strconv.FormatBool(w.reply.Registered),
		"earned": strings.ReplaceAll(event.Earned, " ", "-"), "user": event.UserID, "expires": w.reply.Prompt.Expires.String(),
		"repeated": strconv.FormatBool(event.Repeated), "factor": w.reply.Factor,
		"reason": strings.ReplaceAll(event.Reason, " ", "-"), "key": strconv.FormatBool(w.reply.Prompt.SecretKey.Reveal() != ""),
		"newkey": strconv.FormatBool(w.newKey),
		"masked": w.reply.Prompt.MaskedAddress, "resend": w.reply.Prompt.ResendAfter.String(),
		"choices": strings.Join(w.reply.Prompt.Choices, ","), "sent": w.taken(), "forwarded": strconv.Itoa(len(w.rsa.seen)),
		"text": strings.ReplaceAll(w.reply.Message, " ", "_"), "attributes": strconv.Itoa(len(w.reply.Attributes)),
		"groups": strings.Join(w.reply.Groups, ","), "name": w.reply.Name,
	}
	verdict := w.reply.Verdict.String()
	if w.err != nil {
		verdict = "silent"
		var u *login.UnavailableError
		if !errors.As(w.err, &u) {
			w.t.Errorf("%s: error of another kind: %v", w.where, w.err)
		}
	}
	if verdict != kind {
		w.t.Fatalf("%s: got %s, code %s, audit %s (%s) %v", w.where, verdict, w.reply.Code, event.Code, event.Reason, w.err)
	}
	for key, want := range arguments(fields) {
		if key == "says" {
			if !strings.Contains(got["text"], want) {
				w.t.Errorf("%s: the text is %q", w.where, w.reply.Message)
			}
			continue
		}
		if key == "failures" {
			got[key] = w.failures(event)
		}
		if value, ok := got[key]; !ok || value != want {
			w.t.Errorf("%s: %s is %q", w.where, key, value)
		}
	}
	if w.err == nil {
		checkReply(w.t, w.where, w.reply)
	}
}

// failures counts the wrong answers in a row to the factor that an event is about.
func (w *world) failures(event login.Event) string {
	w.must(w.ledger.Refresh(context.Background()))
	e, err := w.ledger.Enrolment(context.Background(), event.UserID)
	w.must(err)
	return strconv.Itoa(int(e.Credentials[event.Factor].Failures))
}

// checkReply holds what is true of every reply.
func checkReply(t testing.TB, where string, r login.Reply) {
	t.Helper()
	if r.Message == "" || len(r.Message) > 200 {
		t.Errorf("%s: message of %d octets", where, len(r.Message))
	}
	if (r.State != "") != (r.Verdict == login.Challenge) {
		t.Errorf("%s: a %s with State %q", where, r.Verdict, r.State)
	}
	if r.Trace == "" && r.Code != login.CodeStateInvalid {
		t.Errorf("%s: no trace id", where)
	}
}

type args map[string]string

func arguments(fields []string) args {
	a := make(args)
	for _, f := range fields {
		if key, value, ok := strings.Cut(f, "="); ok {
			a[key] = value
		}
	}
	return a
}

func (a args) or(key, otherwise string) string {
	if v, ok := a[key]; ok {
		return v
	}
	return otherwise
}
