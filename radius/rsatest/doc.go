// Package rsatest is a stand-in for RSA Authentication Manager: a RADIUS server that keeps users,
// tokens and PINs and behaves towards a client as Authentication Manager does. Tests use it, and the
// demo, which has no RSA server at hand. It never leaves the machine it runs on.
//
// What it does: a passcode is the PIN and the tokencode of the minute. A tokencode is good once, and
// none older than the last one used is good again. Wrong passcodes in a row lead to Next Tokencode
// mode, where there is one chance, and then to a lockout. A user in New PIN mode chooses a PIN and
// repeats it, or is given one, and then logs in with it. The texts are those of Authentication
// Manager, as far as they are public; Prompt is 0; a State has the form of version 8.6, or that of its
// predecessor, which ends in a NUL.
//
// A [Manager] keeps the users; each [Manager.Start] adds a server, as a replica: tokens and PINs are
// shared, dialogues belong to the server that began them. A server can lose replies, fall silent or
// be closed, and counts how often each passcode came.
//
// Its tokencodes are an HMAC of the minute; real tokens have another algorithm.
package rsatest
