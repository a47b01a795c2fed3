// Package securid is the second factor of RSA SecurID. Nothing is judged here: a passcode is forwarded
// to RSA Authentication Manager, which consumes it and says yes, no, or what else it wants to know.
//
// What the package knows is the shape of a passcode, so that one that cannot be right uses up no
// attempt at the RSA server ([Factor.Acceptable]), how that server wants users named, and by which
// texts it asks for a new PIN or the next tokencode ([Config.Steps]). The wording can be edited there,
// so it is never more than a hint: every challenge is relayed with its text unchanged.
//
// Two things are done to what a person typed: what was pasted along and nobody sees is dropped, around and
// within a tokencode white space and dashes too; and the digits of every script become ASCII, because
// Authentication Manager knows no others. Case is kept.
//
// Sending is the business of an [Upstream].
package securid
