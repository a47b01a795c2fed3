package login

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// Sender is a [Factor] whose code is sent to an address: a mail address, a telephone number. The code
// is derived from a key of the challenge and the send number, so that any node can check it and none
// stores it (HOTP, RFC 4226). Its record is the address in the form of [Address].Text. Verify is not
// asked of a Sender: the engine compares with Code. Implementations are safe for concurrent use.
type Sender interface {
	Factor
	// ParseAddress reads what a person typed, what a directory holds or what a record says. An error
	// wraps [ErrAddress].
	ParseAddress(text string) (Address, error)
	// DirectoryAddress is the address that the directory holds for this user; "" when there is none. Of several it
	// is the first that the factor can use ([FirstAddress]).
	DirectoryAddress(u User) string
	// Code is the code of a send number under a challenge's key of 32 octets.
	Code(key []byte, number uint64) (string, error)
	// Limits are the bounds on sending; they travel in the command.
	Limits() SendLimits
	// Send delivers a code. It returns nil when the next server took it; it retries what may pass
	// until ctx ends, and returns at once what is permanent. It names the server that decided.
	Send(ctx context.Context, m Message) (server string, err error)
	// Tell delivers a notice, likewise.
	Tell(ctx context.Context, n Notice) (server string, err error)
}

// FirstAddress returns the first of a directory's values that parse takes without a doubt, else the first that it
// takes, else the first that is not empty.
func FirstAddress(parse func(string) (Address, error), value string, others []string) string {
	var usable, any string
	for _, text := range append([]string{value}, others...) {
		if any == "" {
			any = text
		}
		a, err := parse(text)
		switch {
		case err != nil:
		case !a.Unsure:
			return text
		case usable == "":
			usable = text
		}
	}
	return cmp.Or(usable, any)
}

// ErrAddress means that a text is no address that this factor can use. What wraps it says why, in
// words for the person, and does not quote the text.
var ErrAddress = errors.New("this address cannot be used")

// Address is where a code is sent. The zero value is none.
type Address struct {
	// Text is the canonical form: what is stored and sent to (E.164 for telephones).
	Text string
	// Display is how it is shown in full, where the person confirms it.
	Display string
	// Masked is how it is shown afterwards: "a•••e@example.org".
	Masked string
	// Country is the ISO 3166 region of a telephone number; "" otherwise.
	Country string
	// Unsure says that it may be no place for a message, as a landline: the person is asked.
	Unsure bool
}

// Message is a code on its way to a person.
type Message struct {
	To   Address
	Code Secret
	// User is the directory's spelling of the login name.
	User string
	// Language is a BCP 47 tag ("en", "ar", "ur"); "" means the factor's default.
	Language string
	// Life is how long the code is good.
	Life time.Duration
	// Trace is the id under which the audit events of this login are found.
	Trace string
}

// NoticeKind says what a person is told about their account.
type NoticeKind string

// The kinds of notices.
const (
	// NoticeRegistered: a factor was registered where there was none.
	NoticeRegistered NoticeKind = "registered"
	// NoticeReplaced: a factor's record was replaced by another.
	NoticeReplaced NoticeKind = "replaced"
	// NoticeRemoved: a factor was removed.
	NoticeRemoved NoticeKind = "removed"
	// NoticeBypass: an administrator issued a bypass code.
	NoticeBypass NoticeKind = "bypass"
	// NoticeRecovery: recovery codes were made.
	NoticeRecovery NoticeKind = "recovery"
	// NoticeRecoveryUsed: a recovery code was used to log in.
	NoticeRecoveryUsed NoticeKind = "recovery-used"
)

// Notice tells a person that something about their account has changed. It holds no secret.
type Notice struct {
	To       Address
	Kind     NoticeKind
	User     string
	Language string
	// Factor is the factor that it is about; "" where it is about none.
	Factor string
	// By names who did it: "" for the person themselves, else "an administrator".
	By string
	At time.Time
}

// SendLimits are the bounds on sending. They hold in the whole cluster. A zero count is no bound.
type SendLimits struct {
	// Between is the least time between two sends to one user.
	Between time.Duration
	// User, Destination, Country and Global are the bounds for one user's factor, one address, one
	// country, and all of a factor.
	User, Destination, Country, Global SendRate
}

// SendRate is how much may be sent in any hour and in any day.
type SendRate struct {
	Hour uint32 `toml:"hour"`
	Day  uint32 `toml:"day"`
}

// DefaultSendLimits returns the bounds of the design, section 12.
func DefaultSendLimits() SendLimits {
	return SendLimits{
		Between: time.Minute,
		User:    SendRate{Hour: 5, Day: 10}, Destination: SendRate{Hour: 5, Day: 10},
		Global: SendRate{Hour: 2000, Day: 20000},
	}
}

// SendError is an error of [Sender].Send or Tell that says what went wrong with which server.
type SendError struct {
	Server string
	// Permanent means that trying again will not help: the address or the configuration is wrong.
	Permanent bool
	// Err quotes neither the code nor the text of the message.
	Err error
}

// Error names the server.
func (e *SendError) Error() string {
	if e.Server == "" {
		return e.Err.Error()
	}
	return e.Server + ": " + e.Err.Error()
}

// Unwrap returns what went wrong.
func (e *SendError) Unwrap() error { return e.Err }
