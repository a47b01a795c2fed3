//go:build e2e

package e2e

import (
	"testing"

	"sallyport/e2e/servers"
	"sallyport/login"
	"sallyport/radius/rsatest"
)

// outages are a right passcode while the RSA server is not what it should be, and a code while the mail
// server refuses.
const outages = `
== securid | the shared secrets differ
> {password}
< passcode factor=securid | Enter your PIN
> {passcode}
< reject securid_misconfigured | The RSA SecurID configuration is not valid. Ask your administrator.

== securid | the RSA server is down
> {password}
< passcode factor=securid | Enter your PIN
> {passcode}
< reject securid_unavailable | There is a problem with the RSA server. Try again later.

== email | the mail server refuses
! enrol {user} --factor email --address {home}
> {password}
< otp factor=email masked={home-masked} code=send_failed | The code could not be sent. Try again. Enter the code
> {wrong}
< otp code=send_failed left=2 | The code could not be sent.

== email | the mail server takes mail again, and nobody has to wait
> {password}
< otp factor=email masked={home-masked} code=send_failed left=2 | The code could not be sent.
> r = resend
< otp left=2 sent={home} | Enter the code sent to {home-masked}
> {code}
< accept earned=password+email
`

// TestFailures: an error of the configuration, one of the RSA server and one of sending have a sentence
// each at every entrance.
func TestFailures(t *testing.T) {
	t.Parallel()
	flows, err := parseFlows("outages", outages)
	if err != nil {
		t.Fatal(err)
	}
	p := newParty(flows)
	w := startWorld(t, worldOptions{people: p.everybody(), securid: "timeout = \"1s\""})
	enter := entrances(t, w)
	// One after the other, and at once: the last flow is within the time in which a login is joined again.
	play := func(n, person int) {
		for _, name := range entranceNames {
			t.Run(flows[n].name+"/"+name, func(t *testing.T) {
				w.visitor(t, p.people[name][person], flows[n].rsa).play(flows[n], enter[name])
			})
		}
	}
	other := w.replaceRSA(t, "another-shared-secret-entirely")
	play(0, 0)
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	play(1, 1)
	if err := w.mail.Chaos(t.Context(), servers.Chaos{Recipient: 550}); err != nil {
		t.Fatal(err)
	}
	play(2, 2)
	if err := w.mail.Chaos(t.Context(), servers.Chaos{}); err != nil {
		t.Fatal(err)
	}
	play(3, 2)
}

// replaceRSA puts an RSA server with another shared secret in the place of the world's.
func (w *world) replaceRSA(t *testing.T, secret login.Secret) *rsatest.Server {
	t.Helper()
	address := w.token.Addr()
	if err := w.token.Close(); err != nil {
		t.Fatal(err)
	}
	other, err := rsatest.New(rsatest.Config{Secret: secret}).Start(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	return other
}
