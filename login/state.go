package login

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"
)

// ErrState means that a State token was not sealed by this cluster, was altered, or was issued to
// another client.
var ErrState = errors.New("state not valid")

// The State token, sealed: version, key id, nonce, then an AEAD over a fixed body. 96 octets, which
// are 128 characters of base64url: printable, because real clients cut a State at its first NUL, and
// half of what one attribute holds, because some clients have small buffers (RFC 2865 §5.24).
const (
	stateVersion   = 2
	stateNonceLen  = 12
	stateHeaderLen = 2 + stateNonceLen
	stateBodyLen   = 66
	stateLen       = stateHeaderLen + stateBodyLen + 16
	stateLabel     = "sallyport state 2 "
)

// token is what a State token says. Counters are never in it: whoever holds an old token could
// turn them back.
type token struct {
	challenge    ChallengeID
	handle       Handle
	client       [8]byte
	step         Step
	factor       [4]byte
	version      uint32
	epoch        uint32
	clusterEpoch uint32
	// password is the tag of the password that the login began with; the zero value is one of no password.
	password [4]byte
	expires  time.Time
	name     [7]byte
	// sequence is that of the candidate or of the dialogue's prompt that the token is about.
	sequence uint8
	flags    tokenFlags
}

// tokenFlags are what else a token says, in one octet.
type tokenFlags uint8

// The flags.
const (
	// flagDecoy: there is no such user, or the password was wrong. Nothing will be right.
	flagDecoy tokenFlags = 1 << iota
	// flagRegistering: the factor of the token is being registered.
	flagRegistering
	// flagInvited: the invitation was shown to be right; registering uses it up.
	flagInvited
	// flagDialogue: the answer is for a dialogue with the RSA server.
	flagDialogue
	// flagRenewing: the user has answered with the factor that is now registered anew.
	flagRenewing

	// vainShift is where the count of answers in vain begins, three bits of it.
	vainShift = 5
	maxVain   = 7
)

func (t token) has(f tokenFlags) bool { return t.flags&f != 0 }

// vain is how many answers in a row could not even be judged. Who repeats an old token gains nothing
// by it: this ends a client that goes on by itself, and guesses are counted by the ledger.
func (t token) vain() uint8 { return uint8(t.flags >> vainShift) }

func (t *token) setVain(n uint8) {
	t.flags = t.flags&(1<<vainShift-1) | tokenFlags(n)<<vainShift
}

// stateSteps gives each step its octet in a token. Append only.
func stateSteps() []Step {
	return []Step{
		StepPassword, StepChooseFactor, StepRegisterTOTP, StepRegisterAddress, StepConfirmAddress, StepOTP,
		StepPasscode, StepNewPIN, StepConfirmPIN, StepNextTokencode, StepChangePassword,
	}
}

func stepOctet(s Step) byte {
	for i, known := range stateSteps() {
		if known == s {
			return byte(i)
		}
	}
	return 0
}

// seal returns the token's text. Each call has its own nonce, so that no two replies carry the same
// State.
func (r *KeyRing) seal(t token) (string, error) {
	out := make([]byte, stateHeaderLen, stateLen)
	out[0], out[1] = stateVersion, r.current
	if _, err := rand.Read(out[2:stateHeaderLen]); err != nil {
		return "", err
	}
	body := make([]byte, 0, stateBodyLen)
	body = append(body, t.challenge[:]...)
	body = append(body, t.handle[:]...)
	body = append(body, t.client[:]...)
	body = append(body, stepOctet(t.step))
	body = append(body, t.factor[:]...)
	body = binary.BigEndian.AppendUint32(body, t.version)
	body = binary.BigEndian.AppendUint32(body, t.epoch)
	body = binary.BigEndian.AppendUint32(body, t.clusterEpoch)
	body = append(body, t.password[:]...) // where version 2 had the time of issue at first, which nobody read
	body = binary.BigEndian.AppendUint32(body, uint32(t.expires.Unix()))
	body = append(body, t.name[:]...)
	body = append(body, t.sequence, byte(t.flags))
	out = r.seals[r.current].Seal(out, out[2:stateHeaderLen], body, r.stateAAD(out[:2]))
	return base64.RawURLEncoding.EncodeToString(out), nil
}

// open returns what the State token says, or [ErrState]. It does not judge expiry or client.
func (r *KeyRing) open(state string) (token, error) {
	var t token
	if len(state) != base64.RawURLEncoding.EncodedLen(stateLen) {
		return t, ErrState // the decoder passes over line ends
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(state)
	if err != nil || len(raw) != stateLen || raw[0] != stateVersion {
		return t, ErrState
	}
	aead := r.seals[raw[1]]
	if aead == nil {
		return t, ErrState
	}
	b, err := aead.Open(nil, raw[2:stateHeaderLen], raw[stateHeaderLen:], r.stateAAD(raw[:2]))
	if err != nil || len(b) != stateBodyLen {
		return t, ErrState
	}
	next := func(n int) []byte {
		p := b[:n]
		b = b[n:]
		return p
	}
	number := func() uint32 { return binary.BigEndian.Uint32(next(4)) }
	copy(t.challenge[:], next(16))
	copy(t.handle[:], next(8))
	copy(t.client[:], next(8))
	step := int(next(1)[0])
	if steps := stateSteps(); step < len(steps) {
		t.step = steps[step]
	}
	copy(t.factor[:], next(4))
	t.version, t.epoch, t.clusterEpoch = number(), number(), number()
	copy(t.password[:], next(4))
	t.expires = time.Unix(int64(number()), 0)
	copy(t.name[:], next(7))
	t.sequence, t.flags = next(1)[0], tokenFlags(next(1)[0])
	return t, nil
}

// keysAhead is how many keys younger than its own a ring takes for possible: keys are numbered in turn.
const keysAhead = 8

// mayLag reports whether a State that this ring refuses may be from a newer ring of the cluster: t is
// what it says, zero where it cannot be opened.
func (r *KeyRing) mayLag(state string, t token) bool {
	if t.clusterEpoch > r.epoch {
		return true
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(state)
	if err != nil || len(raw) != stateLen || raw[0] != stateVersion || r.seals[raw[1]] != nil {
		return false
	}
	return raw[1]-r.current <= keysAhead // in octets, which go round
}

func (r *KeyRing) stateAAD(header []byte) []byte {
	aad := make([]byte, 0, len(stateLabel)+len(r.clusterID)+len(header))
	aad = append(aad, stateLabel...)
	aad = append(aad, r.clusterID...)
	return append(aad, header...)
}

// The short keyed hashes inside a token.

func (r *KeyRing) clientTag(client string) [8]byte {
	sum := r.sum(PurposeClient, []byte(client))
	return [8]byte(sum[:8])
}

func (r *KeyRing) factorTag(factor string) [4]byte {
	sum := r.sum(PurposeFactor, []byte(factor))
	return [4]byte(sum[:4])
}

func (r *KeyRing) nameTag(username string) [7]byte {
	sum := r.sum(PurposeName, []byte(username))
	return [7]byte(sum[:7])
}

// passwordTag recognises a password that comes again, in whatever composition, and with blanks around it or with what
// nobody sees. It is short: a text that is taken for the password by mistake, one of four billion, is asked for again.
func (r *KeyRing) passwordTag(password string) [4]byte {
	sum := r.sum(PurposePassword, []byte(visible(preparePassword(password))))
	return [4]byte(sum[:4])
}
