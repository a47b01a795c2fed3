package login_test

import (
	"slices"
	"testing"

	"sallyport/login"
)

// Whoever registers, replaces or recovers, the person is told at every address that was known before:
// the registered ones and the directory's.
func TestPeopleAreToldWhereTheyWereReached(t *testing.T) {
	for name, tt := range map[string]struct {
		script string
		told   map[string][]login.NoticeKind
	}{
		"a first factor": {
			"> begin user=carol password=right\n< challenge step=register-totp\n> answer of=carol code=now\n< accept registered=true",
			map[string][]login.NoticeKind{"carol@corp.example": {login.NoticeRegistered}},
		},
		"an address that is replaced": {
			`> enrol alice email=old@example.org sms=+15550002
> renew alice factor=email
> begin user=alice password=right policy=email
< challenge step=otp factor=email
> answer policy=email code=mail
< challenge step=register-address
> answer policy=email code=text:new@example.org
< challenge step=confirm-address
> wait 60s
> answer policy=email code=text:y
< challenge step=otp
> answer policy=email code=mail
< accept registered=true`,
			map[string][]login.NoticeKind{
				"old@example.org": {login.NoticeReplaced}, "+15550002": {login.NoticeReplaced}, "new@example.org": nil,
			},
		},
		"a recovery code": {
			"> enrol alice email=old@example.org\n> issue alice kind=recovery\n> begin user=alice password=right\n< challenge\n> answer code=recovery1\n< accept",
			map[string][]login.NoticeKind{"old@example.org": {login.NoticeRecoveryUsed}},
		},
		"a login that changes nothing": {
			"> enrol alice email=old@example.org\n> begin user=alice password=right\n< challenge\n> answer code=now\n< accept",
			map[string][]login.NoticeKind{"old@example.org": nil},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.play(tt.script)
			if err := w.outbox.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			for address, want := range tt.told {
				got := append(w.mail.noticesOf(address), w.phone.noticesOf(address)...)
				if !slices.Equal(got, want) {
					t.Errorf("%s was told %q, want %q", address, got, want)
				}
			}
		})
	}
}
