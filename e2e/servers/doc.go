// Package servers starts the real servers that tests and benchmarks speak to: Debian's slapd, Samba's
// AD domain controller, FreeRADIUS, Mailpit, whose mailboxes are read over its API, Kannel with a
// simulated SMSC, in which text messages are read, and Sallyport itself; each as a plain process on
// loopback with files of its own, and with certificates of a CA made on the spot. It also runs the
// clients that ask them: radclient, pam_radius_auth through pamtester, and ocserv, a VPN server, through
// openconnect. A [Dialogue] is a login by typing at one of the last two.
//
// Every server comes in two forms: StartX(t, options) for tests, which fails the test when the
// server does not come up and ends it with the test, and NewX(dir, options) for programs, which
// returns an error and is ended by Stop. Nothing here waits by sleeping: a server is ready when it
// answers.
package servers

import "time"

// T is the part of [testing.TB] that starting a server needs.
type T interface {
	Helper()
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	Cleanup(func())
	TempDir() string
}

// readyWithin is how long a server may take until it answers: Samba on a busy machine of two cores
// needs up to 15 s.
const readyWithin = 60 * time.Second
