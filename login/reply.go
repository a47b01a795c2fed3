package login

import (
	"net/netip"
	"time"
)

// Origin says through which door a request came. Front ends fill it in; nothing in it is believed
// to be the person's identity.
type Origin struct {
	// Client is the configured name of the RADIUS client (or of another door). A State token is
	// only good for the client that it was issued to.
	Client string
	// Policy names the policy that applies to this client.
	Policy string
	// UI says that the client reads the machine-readable attributes, so that secrets need not
	// stand in the text.
	UI bool
	// RejectOnOutage says that the front end refuses where it could not be decided; without it, it
	// stays silent. The audit tells which.
	RejectOnOutage bool
	// Address is the address that the request came from.
	Address netip.Addr
	// CallingStationID is what the client says of the person's end (RFC 2865 §5.31); may be empty. The audit
	// has it as it came; what is counted and found again by it is the station in it, without a port.
	CallingStationID string
	// Mode says how the client asks; the zero value is [ModeChallenge].
	Mode Mode
	// AppendDigits is the length of the code that follows the password without a delimiter, in
	// [ModeAppend]. Zero means that a comma stands between them.
	AppendDigits int
	// Language is the BCP 47 tag of what is sent to people of this client; "" means the default.
	Language string
	// Profile is how prompts are worded.
	Profile Profile
	// Doubtful says that others of this client come signed, and this request did not: it may be made of parts of one that
	// somebody has read. Its wrong passwords are counted apart, so that they hold up nobody else.
	Doubtful bool
	// RequestKey identifies the packet whichever node it reaches: equal bytes from the same
	// client have the same key. The zero value means none.
	RequestKey Tag
}

// Mode says how a client asks for a login.
type Mode uint8

// The modes.
const (
	// ModeChallenge: the password first, the second factor as the answer to a challenge.
	ModeChallenge Mode = iota
	// ModeAppend: password and second factor in one request.
	ModeAppend
	// ModeOTPOnly: another system has checked the password; the request carries the second factor.
	ModeOTPOnly
)

// Profile is how prompts are worded for a client.
type Profile uint8

// The profiles.
const (
	// ProfilePlain: our own words for our own prompts; what the RSA server says is relayed.
	ProfilePlain Profile = iota
	// ProfileASASDI: the texts by which a Cisco ASA recognises the prompts of a dialogue with RSA
	// ("SDI over RADIUS").
	ProfileASASDI
	// ProfileUpstream: what the RSA server says, byte for byte.
	ProfileUpstream
)

// Request begins a login. Username is the text typed, not yet normalised.
type Request struct {
	Origin
	Username string
	Password string
}

// Answer continues a login. Username is what the client repeats next to the answer; empty is
// allowed, and so is another spelling of the name that the login began with. The name of anybody
// else is not.
type Answer struct {
	Origin
	Username string
	State    string
	Text     string
	Action   Action
}

// Reply is what a front end tells its client. The zero value is a Reject.
type Reply struct {
	Verdict Verdict
	// Code is the code meant for the person: it never tells more about an account than Message.
	// The audit event may hold a more precise one.
	Code Code
	// Message is the sentence or the prompt for the person, never empty, ASCII, at most 200 octets.
	Message string
	// State and Prompt are set with a Challenge.
	State  string
	Prompt Prompt
	// Factor is the factor asked for, or the one that earned the Accept.
	Factor string
	// Registered is true when this login registered the factor.
	Registered bool
	// Name is the directory's own spelling of the user's name, Groups are the user's groups and Attributes what an
	// upstream server gave, with an Accept.
	Name   string
	Groups []string
	// GroupBase is that of the groups' [Membership].
	GroupBase  string
	Attributes []Attribute
	// Trace is the id under which audit events of this login are found.
	Trace string
	// Proof is what the request has shown. It is for the front end alone and is never sent: it tells that a
	// password was right also where the policy conceals that.
	Proof Proof
}

// Prompt describes what is asked of the person.
type Prompt struct {
	Step Step
	// Echo says that the answer may be shown while it is typed.
	Echo bool
	// MaskedAddress is where a code was sent, masked; empty where nothing is sent. At confirm-address it
	// is the address in full, since the person is to check it.
	MaskedAddress string
	// ResendAfter is the time until a resend is allowed, Expires the time until the challenge ends.
	ResendAfter time.Duration
	Expires     time.Duration
	// AttemptsLeft counts the wrong answers that are still allowed, this one included.
	AttemptsLeft int
	// Choices lists the factors at choose-factor, and elsewhere those that may be used instead.
	Choices []string
	// Text is a prompt relayed from another server, unchanged; empty where the prompt is ours.
	Text Secret
	// registering says that what is asked for proves a candidate, detail what was wrong with an address.
	// renewing says that an administrator requires the registration, elsewhere that no code was sent here
	// because one was sent for another login, clock that the clock which made the code is wrong, unsure that the address may be that of a landline, empty that an
	// empty answer is one.
	registering, renewing, elsewhere, clock, unsure, empty bool
	detail                                                 string
	// OTPAuthURI and SecretKey are set at register-totp. The key is grouped in fours. Both are secret.
	OTPAuthURI Secret
	SecretKey  Secret
	// Issuer is the name under which an authenticator app lists the account, set at register-totp.
	Issuer string
}
