// Package engine performs logins of two steps over RADIUS/UDP, many at a time: Access-Request with
// the password, Access-Challenge, Access-Request with the code and the State, Access-Accept.
//
// Each source port has a reader that moves the logins on when a reply arrives and sends their next
// request at once, so that a login costs four system calls and no switch between goroutines; one
// goroutine sends again what was not answered (RFC 5080 §2.2.1), octet for octet.
//
// A closed loop keeps a number of logins in flight, each port starting the next one when one ends.
// An open loop starts logins at a rate, whatever the server does, and measures from the time at which
// each was meant to start: a server that stalls is charged for all who had to wait.
package engine
