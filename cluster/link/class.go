package link

import "fmt"

// Class says what a connection is for. The zero value is none of them.
type Class uint8

// The classes of connections.
const (
	// Raft carries raft's own messages, between members.
	Raft Class = iota + 1
	// Call carries everything else between members.
	Call
	// Join carries what a node says that is not a member yet. The caller is unknown: it has no
	// [Peer], and proves itself by what it sends.
	Join
)

// proofProtocol is the ALPN protocol of [ListenProof] and [Prove].
const proofProtocol = "sallyport-proof/1"

// String returns the name of the class.
func (c Class) String() string {
	switch c {
	case Raft:
		return "raft"
	case Call:
		return "call"
	case Join:
		return "join"
	}
	return fmt.Sprintf("class %d", uint8(c))
}

// protocol is the name of the class in ALPN (RFC 7301 §3.1).
func (c Class) protocol() string { return "sallyport-" + c.String() + "/1" }

// classOf returns the class that exactly these protocols ask for. A caller that offers several leaves
// the choice to us, which no caller of ours does.
func classOf(protocols []string) (Class, bool) {
	for _, c := range []Class{Raft, Call, Join} {
		if len(protocols) == 1 && protocols[0] == c.protocol() {
			return c, true
		}
	}
	return 0, false
}
