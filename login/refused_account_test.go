package login_test

import (
	"context"
	"fmt"
	"testing"

	"sallyport/login"
)

// What the directory says of an account between the password and the code is told with the sentence of its own
// cause, since the password was right; where passwords are concealed, and in one request, it is told like everything
// else.
func TestD15AnAccountThatIsRefusedAtTheCode(t *testing.T) {
	const oneRefusal = "Wrong username, password or code."
	for _, c := range []struct {
		is          string
		audit, code login.Code
		says        string
		append      string
	}{
		{"locked", "account_locked", "account_locked", "This account is locked. Try again later, or ask your administrator.", oneRefusal},
		{"disabled", "account_disabled", "account_disabled", "This account is disabled. Ask your administrator.", oneRefusal},
		{"gone", "account_disabled", "account_disabled", "This account is disabled. Ask your administrator.", oneRefusal},
		{"expired", "password_expired", "password_expired", "Your password has expired. Change it, then log in again.",
			"Your password has expired. Change it, then log in again."},
		{"must-change", "password_must_change", "password_must_change", "Your password must be changed before you can log in.",
			"Your password must be changed before you can log in."},
		{"not-permitted", "not_permitted", "not_permitted", "You may not log in here. Ask your administrator.", oneRefusal},
	} {
		refuse := func(w *world) {
			if c.is == "gone" {
				delete(w.dir.users, "alice")
				return
			}
			w.dir.users["alice"].refusal = refusals()[c.is]
		}
		for _, text := range []string{"now", "wrong", "text:"} {
			t.Run(fmt.Sprintf("%s/%s", c.is, text), func(t *testing.T) {
				w := newWorld(t)
				w.play("> begin user=alice password=right\n< challenge step=otp")
				refuse(w)
				w.play("> answer code=" + text + "\n< reject code=" + string(c.code) + " audit=" + string(c.audit))
				if w.reply.Message != c.says {
					t.Errorf("told %q, want %q", w.reply.Message, c.says)
				}
			})
			t.Run(fmt.Sprintf("%s/%s/concealed", c.is, text), func(t *testing.T) {
				var told [2]string
				for n, password := range []string{"right", "wrong"} {
					w := newWorld(t)
					w.play("> begin user=alice policy=concealed password=" + password + "\n< challenge step=otp")
					refuse(w)
					origin := login.Origin{Client: "vpn", Policy: "concealed"}
					r, err := w.engine.Continue(context.Background(), login.Answer{
						Origin: origin, Username: "alice", State: w.reply.State, Text: w.code("alice", text),
					})
					r.State, r.Trace = "", ""
					told[n] = fmt.Sprintf("%+v %v", r, err)
					if r.Verdict != login.Challenge {
						t.Errorf("%s password: %s", password, told[n])
					}
				}
				if told[0] != told[1] {
					t.Errorf("the right password shows:\n%s\n%s", told[0], told[1])
				}
			})
		}
		t.Run(c.is+"/one request", func(t *testing.T) {
			w := newWorld(t)
			refuse(w)
			want := c.append
			w.play("> begin user=alice mode=append password=right code=now\n< reject")
			if w.reply.Message != want {
				t.Errorf("append: told %q, want %q", w.reply.Message, want)
			}
			w.play("> begin user=alice mode=otp-only code=now\n< reject code=password_invalid")
			if w.reply.Message != oneRefusal {
				t.Errorf("otp-only: told %q", w.reply.Message)
			}
		})
	}
}
