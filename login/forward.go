package login

import (
	"context"
	"encoding/binary"
	"regexp"
	"strings"
	"time"
)

// Forwarder is a [Factor] whose answers another server judges, each of them once: RSA SecurID. It
// needs no registration here. Challenge asks for the first passcode; Verify is not asked of it.
// Implementations are safe for concurrent use.
type Forwarder interface {
	Factor
	// Acceptable reports whether answer can be a passcode at the first prompt. What cannot is told at
	// once and is not forwarded, so that it uses up no attempt at the other server.
	Acceptable(answer string) bool
	// Canonical is the form of an answer that is forwarded: answers of one form are one answer.
	Canonical(answer string) string
	// Forward sends one answer and waits for what becomes of it, for as long as ctx and its own
	// settings allow. It is called once per answer in the whole cluster.
	Forward(ctx context.Context, f Forwarding) Forwarded
	// Within is the longest that Forward takes: who waits for another node's answer waits as long.
	Within() time.Duration
}

// Reuser is a [Forwarder] some of whose answers may be right in more than one login, by the rules of the
// server that judges them: a PIN in place of which it sends a code.
type Reuser interface {
	// Reusable reports whether answer is one of them. All others are forwarded once.
	Reusable(answer string) bool
}

// Forwarding is an answer on its way to the server that judges it.
type Forwarding struct {
	// Username is the directory's spelling of the login name.
	Username string
	Answer   Secret
	// CallingStationID and Client say where the login comes from.
	CallingStationID string
	Client           string
	// Dialogue continues a dialogue with the server that began it; nil begins a login.
	Dialogue *Dialogue
}

// Dialogue is what must be kept between two answers of one dialogue (New PIN, Next Tokencode). Its
// text may hold a PIN that the server made: it is stored sealed and never logged.
type Dialogue struct {
	// Server is the server that holds the dialogue; nobody else can continue it.
	Server string
	// State is the server's State, octet for octet.
	State []byte
	// Step is what is asked, as far as it was recognised; StepPasscode otherwise.
	Step Step
	// Text is the server's prompt, unchanged.
	Text Secret
	// Echo says that the server lets the answer be shown.
	Echo bool
	// Empty says that an empty answer is one. A text that asks for Enter says so too: see
	// [Dialogue.TakesEmpty].
	Empty bool
}

// EmptyWord is what people type at a prompt that takes an empty answer where their client sends none.
const EmptyWord = "enter"

// asksForEnter finds the words by which a prompt asks for an empty answer. "Type it and press Enter" does not,
// see TakesEmpty.
var asksForEnter = regexp.MustCompile(`(\pL+)?[^\pL]*\b(?:(?:press|hit|push|tap|strike)(?: the)? (?:enter|return)\b|(?:leave|left)(?: \pL+){0,3} (?:blank|empty)\b)`)

// TakesEmpty reports whether the prompt asks for an empty answer, such as "press Enter for a system-generated
// PIN".
func (d *Dialogue) TakesEmpty() bool {
	if d.Empty {
		return true
	}
	words := strings.NewReplacer("<", "", ">", "", "[", "", "]", "", "(", "", ")", "", `"`, "", "'", "", "“", "", "”", "").Replace(d.Text.Reveal())
	words = strings.ToLower(strings.Join(strings.Fields(words), " "))
	for _, found := range asksForEnter.FindAllStringSubmatch(words, -1) {
		if before := found[1]; before != "and" && before != "then" {
			return true
		}
	}
	return false
}

// ForwardResult is what became of a forwarded answer. The zero value is "rejected".
type ForwardResult uint8

// The results.
const (
	ForwardRejected ForwardResult = iota
	ForwardAccepted
	// ForwardChallenged: the server asks for more; Forwarded.Dialogue says what.
	ForwardChallenged
	// ForwardMisconfigured: the shared secret is wrong, or the server does not know this node.
	ForwardMisconfigured
	// ForwardUnavailable: no server gave an authentic answer.
	ForwardUnavailable
)

// Forwarded is the outcome of a forwarded answer.
type Forwarded struct {
	Result ForwardResult
	// Server is the server that answered, or that was asked last.
	Server   string
	Dialogue *Dialogue
	// Attributes are those of the server's Accept that are passed on, in their order.
	Attributes []Attribute
	// Consumed is false only when no server can have read the answer: it may then be used again.
	Consumed bool
	// Reason tells the administrator more. It quotes no Reply-Message: one may hold a PIN.
	Reason string
}

// Attribute is a RADIUS attribute that a login carries without reading it. Vendor is 0 for the
// standard's own attributes.
type Attribute struct {
	Vendor uint32
	Type   uint8
	Value  []byte
}

// maxGrant is what the ledger keeps with a verdict, in octets.
const maxGrant = 2048

// encodeAttributes is how attributes are kept with a verdict: vendor, type, length, value. What does
// not fit is left out: an Accept of the server must not be lost for it.
func encodeAttributes(attributes []Attribute) string {
	var b []byte
	for _, a := range attributes {
		if len(b)+7+len(a.Value) > maxGrant {
			continue
		}
		b = binary.BigEndian.AppendUint32(b, a.Vendor)
		b = append(b, a.Type)
		b = binary.BigEndian.AppendUint16(b, uint16(len(a.Value)))
		b = append(b, a.Value...)
	}
	return string(b)
}

// decodeAttributes reads what encodeAttributes wrote; what is cut short ends there.
func decodeAttributes(grant string) []Attribute {
	var attributes []Attribute
	for b := []byte(grant); len(b) >= 7; {
		n := 7 + int(binary.BigEndian.Uint16(b[5:]))
		if n > len(b) {
			break
		}
		attributes = append(attributes, Attribute{Vendor: binary.BigEndian.Uint32(b), Type: b[4], Value: b[7:n]})
		b = b[n:]
	}
	return attributes
}
