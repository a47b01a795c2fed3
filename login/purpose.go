package login

// Purpose is what a keyed hash is for: see [KeyRing.Tag]. Two uses with one purpose could take the tag of
// one for that of the other, so each purpose has one use. A new use is a new constant at the end of the
// list, and its name in the table below; the zero value is none.
type Purpose uint8

// The purposes.
const (
	_ Purpose = iota
	// PurposeUser: a user's handle, by which a State names its user.
	PurposeUser
	// PurposeClient: the client in a State, which is good for no other.
	PurposeClient
	// PurposeFactor: the factor in a State.
	PurposeFactor
	// PurposeName: the name that was typed, in a State.
	PurposeName
	// PurposeCodeKey: the key of a challenge from which the codes that are sent in it are derived.
	PurposeCodeKey
	// PurposeOneTimeCode: a recovery, bypass or invitation code, as it is stored.
	PurposeOneTimeCode
	// PurposeAddress: an address, by which sends to it are counted.
	PurposeAddress
	// PurposeAttempt: a name at a station of a client, whose wrong passwords are counted.
	PurposeAttempt
	// PurposeStation: a station of a client, likewise.
	PurposeStation
	// PurposeEverywhere: a name at all stations of a client, likewise.
	PurposeEverywhere
	// PurposeTry: a password with the code beside it, so that the same one again is not another try.
	PurposeTry
	// PurposeBegin: a first request with its password, which rejoins the challenge of the same one.
	PurposeBegin
	// PurposeWord: a word in place of a code, which rejoins the send of the same one.
	PurposeWord
	// PurposeAgain: a login without State, whose verdict is repeated for a short time.
	PurposeAgain
	// PurposePacket: an exact packet, whose verdict is repeated.
	PurposePacket
	// PurposeMove: a State with what was answered or done, which is done once.
	PurposeMove
	// PurposeToken: a State, whose verdict is repeated.
	PurposeToken
	// PurposeAnswer: an answer in a challenge, which counts once.
	PurposeAnswer
	// PurposePasscode: a user's passcode, which is forwarded once.
	PurposePasscode
	// PurposeGuess: a wrong answer of a login without State, which counts once while the failures stand.
	PurposeGuess
	// PurposePassword: the password of a login, in its State.
	PurposePassword
)

// purposeNames are what is hashed. A name never changes: what is stored, and what is under way at an
// upgrade, would not be found any more.
var purposeNames = [...]string{
	PurposeUser:        "user",
	PurposeClient:      "client",
	PurposeFactor:      "factor",
	PurposeName:        "name",
	PurposeCodeKey:     "code key",
	PurposeOneTimeCode: "one-time code",
	PurposeAddress:     "address",
	PurposeAttempt:     "attempt",
	PurposeStation:     "station",
	PurposeEverywhere:  "everywhere",
	PurposeTry:         "try",
	PurposeBegin:       "begin",
	PurposeWord:        "word",
	PurposeAgain:       "again",
	PurposePacket:      "request",
	PurposeMove:        "move",
	PurposeToken:       "token",
	PurposeAnswer:      "answer",
	PurposePasscode:    "passcode",
	PurposeGuess:       "guess",
	PurposePassword:    "password",
}
