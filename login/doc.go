// Package login owns the conversation between a person and Sallyport: password, registration,
// challenge, verdict. It owns the words of that conversation ([Request], [Answer], [Reply], [User],
// [Enrolment], [Settlement], [Code]) and the small interfaces that it needs ([Directory], [Factor],
// [Ledger]). It knows no socket, no Raft and no LDAP; whoever serves a front end calls [Engine.Begin]
// and [Engine.Continue], and whoever wires the daemon hands in the parts.
//
// # The conversation
//
// Each row is one line of the table in conversation.go: in this step, this input, leads there.
//
//	step           input          next
//	password       username,      Reject, when the directory or the policy says no
//	               password       otp, when a factor is registered
//	                              register-totp, when none is and the policy allows it
//	otp            answer         Accept; otp again (wrong, attempts left); Reject (used up, locked)
//	               resend, empty  otp again, nothing counted (an authenticator app has nothing to send)
//	               cancel         Reject
//	register-totp  answer         Accept and registered; register-totp again with the same key; Reject
//	               resend, empty  register-totp again, nothing counted
//	               cancel         Reject
//
// # Where things are kept
//
// A challenge that registers nothing is not stored anywhere: the sealed State token (state.go)
// carries what the next node needs to know. Counters, used time steps and verdicts are never in the
// token; they are in the [Ledger], and change by one [Settlement] per answer. Only after the ledger
// has accepted a settlement does [Engine.accept], the single exit, produce an Accept.
package login
