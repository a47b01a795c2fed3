// Package packet writes the Access-Requests of the load tool and reads what comes back (RFC 2865,
// Message-Authenticator of RFC 3579 §3.2), into buffers that are used again, so that the tool takes
// as little as it can of the machine that it shares with the server under test.
//
// It knows only what a login needs; the daemon's own wire is package radius.
package packet
