package login

import "golang.org/x/text/unicode/norm"

// preparePassword returns the form in which a password is put to a directory: Unicode's composed one (NFC, as
// RFC 8265 §4.2.2 and RFC 4511 §4.2 want it), whatever the client's keyboard or file system made of it. A "ü" of two
// code points, as macOS writes it, is then the "ü" that was stored. Nothing else is mapped: unlike SASLprep this
// leaves "²" and wide letters as they are, which servers that compare bytes hold as they were typed. It is one
// form, so a login is one bind.
func preparePassword(password string) string { return norm.NFC.String(password) }
