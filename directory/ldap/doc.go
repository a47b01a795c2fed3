// Package ldap checks passwords by binding to LDAP servers, and reads people's entries from them:
// OpenLDAP, 389 Directory Server, Active Directory and what behaves like them (RFC 4511, 4513).
//
// # How a password is checked
//
// A service account searches for the one entry that the name fits; then the password is tried by a
// simple bind as that entry, on a connection of its own. An entry found less than a minute ago is
// not searched for again, the bind is always made. With a bind template the search is left out
// (direct.go): the bind comes first, and then the entry is read, by the service account or by the user;
// an entry that cannot be read or does not fit the search filter is a refusal, because silence after a
// right password would confirm it. A name that nobody has costs a bind too, to a DN that cannot exist,
// so that it takes as long as a wrong password.
//
// # What can go wrong
//
// A refusal of the server becomes one of the Err values of [login.Directory]; entry flags, Active
// Directory's sub-codes and the password policy control tell them apart (refusal.go, flags.go).
// Everything else means "could not ask", and the next server is asked: at once when the first one
// failed, always within the caller's deadline (ask.go). Searches are put to the next server as well
// when one is silent for a while. A password is not, since a wrong one counts towards the directory's
// lockout wherever it is tried: the next server gets it only when this one failed or its share of the
// time is over, and it is never repeated over a connection that broke after it was sent (pool.go).
//
// # What is spoken on the wire
//
// Three operations and no more: simple bind, search, StartTLS (operations.go), each asked and answered
// in the caller's goroutine (exchange.go), in the part of BER that LDAP uses (ber.go). A login needs
// nothing else, and for it go-ldap's connection, which serves many questions at once and builds a tree
// of every message, costs three times the CPU and ten times the memory. Filters, names, result codes and
// errors are go-ldap's.
//
// # What is bounded
//
// Questions in flight and waiting (gate.go), connections (pool.go), the octets of an answer and the
// time for it (wire.go), remembered entries (cache.go). Referrals are never followed, and nothing is
// ever sent to a host that is not configured. Passwords are never kept and never logged.
package ldap
