// Package sms is the second factor of codes sent to a telephone. Messages leave through HTTP gateways;
// sites that speak SMPP put Kannel in front.
//
// There is one engine: a request made from templates ([Exchange]), and rules that say what an answer
// means. A preset is nothing but data for it, and a site may replace each piece. Whoever writes a
// template writes {{.Text}} and cannot get it wrong: where a variable stands decides how it is escaped,
// and what does not stay one value in its place is refused at the start.
//
// A text message costs money and disturbs a person, so a message is handed over at most once: another
// try follows only where the request cannot have been accepted. See [Factor.Send].
//
// Numbers follow libphonenumber's rules (github.com/nyaruka/phonenumbers) and are kept as E.164. Every
// text, in every language, fits one SMS part: 160 septets of the GSM alphabet (3GPP TS 23.038) or 70
// code units of UCS-2. That is checked at the start.
//
// Not here: limits on sending, which hold in the whole cluster and are the ledger's; delivery reports;
// messages of several parts.
package sms
