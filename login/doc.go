// Package login owns the conversation between a person and Sallyport: password, registration,
// challenge, verdict. It owns the words of that conversation ([Request], [Answer], [Reply], [User],
// [Enrolment], [Settlement], [Code]) and the small interfaces that it needs ([Directory], [Ledger], and
// [Factor] with its three kinds: [Registrar], [Sender], [Forwarder]). It knows no socket, no Raft and no
// LDAP; whoever serves a front end calls [Engine.Begin] and [Engine.Continue], and whoever wires the
// daemon hands in the parts.
//
// # The conversation
//
// A login begins with username and password, in [Engine.Begin]:
//
//	the directory or the policy says no      Reject (a decoy, where passwords are concealed)
//	the policy exempts the user              Accept
//	factors are held, not all of them locked otp or passcode, of the one used last, else of the preferred one
//	all of them are locked                   otp for a bypass or recovery code where there is one; else Reject
//	none is held, there is a bypass code     otp, for that code
//	none is held, registering is allowed     choose-factor where there is a choice; else register-totp,
//	                                         register-address, or otp to the directory's address
//	none is held, there is an invitation     otp, for that code; then as above
//	else                                     Reject
//
// Each further answer or action, in [Engine.Continue], is one line of the table in conversation.go: in
// this step, this input, leads there. What has no line asks the step again, and nothing counts.
//
//	step              input         next
//	choose-factor     answer,       the factor's step: otp, passcode, register-totp, register-address;
//	                  use-factor    choose-factor again when it is none of the choices
//	register-totp     answer        Accept and registered; register-totp again with the same key; Reject
//	                  edit-address  choose-factor, where there is a choice
//	register-address  answer        confirm-address; register-address again when it cannot be one
//	                  edit-address  choose-factor, where there is a choice
//	confirm-address   answer        yes: otp, and a code is sent; another address: confirm-address
//	                  resend        otp, and a code is sent
//	                  edit-address  register-address
//	otp               answer        Accept, and registered where the address was a candidate; otp again
//	                                (wrong, attempts left); Reject (used up, locked); a registration, after
//	                                an invitation or where the factor is to be registered anew
//	                  resend        otp again; another code is sent where one was sent
//	                  edit-address  register-address, for a candidate; else choose-factor
//	passcode          answer        Accept; passcode again; new-pin, confirm-pin, next-tokencode or passcode,
//	                                as the RSA server asks; Reject
//	                  edit-address  choose-factor, where there is a choice
//	new-pin           answer        as for passcode
//	confirm-pin       answer        as for passcode
//	next-tokencode    answer        as for passcode
//	the first six     use-factor    the step of that factor, where it is a choice
//	any               cancel        Reject
//
// By typing, an action is a word in place of the answer: nothing or "r" is resend, "b" is edit-address
// (going back), the name of a factor is use-factor. In a dialogue with the RSA server whatever is typed
// is an answer, except nothing.
//
// In the modes without a challenge ([ModeAppend], [ModeOTPOnly]) Begin takes password and second factor
// at once and replies with the verdict (atonce.go). Whatever is wrong, it has one refusal; in ModeOTPOnly
// nobody is exempt.
//
// Where a policy conceals passwords, what is a Reject in the first table is a decoy (conceal.go): a
// challenge that always fails. Whatever else differs between a right and a wrong password before a right
// code is left out: choices, registrations, locks, refusals to send.
//
// # Where things are kept
//
// A challenge that registers nothing and sends nothing is not stored anywhere before its first answer:
// the sealed State token (state.go) carries what the next node needs to know. Candidates, the numbers of
// the codes that were sent, and dialogues with the RSA server are in the [Ledger] under the challenge.
// Counters, used numbers and verdicts are never in the token; they are in the ledger, and change by one
// [Settlement] per answer, or by a [Claim] and a [Conclusion] where another server judges it. Only after
// the ledger has accepted one does [Engine.accept], the single exit, produce an Accept.
//
// # What may be concluded
//
// A node reads its own state, which may lag behind what others have committed; commits are judged by the
// newest. So what is found may be used, and what is not found is made sure of by [Ledger].Refresh before
// anything is concluded from it (fresh.go). The way of a registered user, password and right code on a
// node that keeps up, has no Refresh.
//
//	read                                        older than the cluster: then
//	a key that State was sealed under           Refresh, then state_invalid; likewise a higher cluster epoch
//	the user of a State, or its epoch           Refresh, then state_invalid
//	the candidate or dialogue of a State        Refresh, then state_invalid; silence for a dialogue
//	codes sent, records, drift, one-time codes  a code counts as wrong only after Refresh
//	no factor held, or all of them locked       Refresh, then a registration, a code in its place, Reject
//	no window, no invitation                    Refresh, then Reject
//	what a dialogue goes on with                Refresh: it was committed a moment ago
//	epoch or version, where a request without   the ledger says that it is stale: Refresh, then once more
//	State read them itself
//	epoch or version in a State                 the ledger says that it is stale: state_invalid
//	last factor, choices, attempts left,        shown as they are: nothing is decided by them
//	a lock, a closed challenge
//	any of them, where passwords are concealed  Refresh in every request: its time must not tell
//
// Without a quorum there is no Refresh, and whatever needs one is left unanswered. What leads to the RSA
// server goes on by the last known state, where the ledger allows it (alone.go): a login whose user would
// be asked for a passcode, on this node alone. A dialogue that was begun so ends there, also when the
// quorum is back; no other node answers it.
//
// What outlives a request, messages on their way and forwarded answers, runs in the [Outbox].
package login
