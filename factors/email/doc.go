// Package email is the second factor of codes sent by mail: [Factor] is a [login.Sender] that
// submits messages (RFC 6409) to the site's mail servers.
//
// Passwords, tokens and codes travel under TLS only: smtp:// demands STARTTLS (RFC 3207), smtps:// is
// encrypted from the start (RFC 8314), and the certificate's chain and name are checked. AUTH
// (RFC 4954) knows PLAIN, LOGIN, OAUTHBEARER (RFC 7628) and XOAUTH2, which Microsoft 365 asks for.
//
// # Fail-over
//
// Servers are tried in the order of the configuration. One that fails before it has seen the
// recipient goes to the end of the order for half a minute. A refused recipient or message (5xx) ends
// the delivery at once; what may pass (4xx, a lost connection) is tried on the next server, and then
// again with growing pauses until the context ends, which is when the code does.
//
// # Messages
//
// A message has a text and an HTML part (multipart/alternative), each from a template: the files in
// templates/, or those of the same name in the folder that the setting templates names, which holds
// nothing else:
//
//	code.en.subject   code.en.txt   code.en.html
//	notice.en.subject notice.en.txt notice.en.html
//
// "en" is a language tag (RFC 5646); ar, en and ur are there. A folder may replace single files of
// these, and brings all six of any other language. The files are Go templates (text/template,
// html/template) without further functions. All of them know
//
//	.Brand      the setting brand
//
// the text and the HTML of both also
//
//	.User       the directory's spelling of the login name
//
// and those of code, which must show it,
//
//	.Code       the code
//	.Minutes    how long it is good, a whole number
//	.Trace      the id under which an administrator finds this login; may be empty
//
// A subject knows neither the code, since telephones show subjects while they are locked, nor the
// login name, since a header holds no text of a user. All three of notice know
//
//	.Kind       registered, replaced, removed, bypass, recovery, recovery-used
//	.Factor     totp, email, sms, securid; empty where the notice is about none
//
// and its text and HTML
//
//	.By         who did it; empty for the person themselves
//	.At         when, in UTC
//
// Every template is tried at the start; one that does not parse, or asks for another value, stops it
// with file and line.
package email
