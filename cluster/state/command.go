package state

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// version is the first octet of every command and batch.
const version = 1

// Kind is the type octet of a command. Numbers are never used again for something else.
type Kind uint8

// The kinds of commands.
const (
	KindOpen Kind = iota + 1
	KindSettle
	KindCancel
	KindRegister
	KindReset
	KindUnlock
	KindLearn
	KindForget
	KindFound
	KindRotate
	KindSendFailed
	KindClaim
	KindConclude
	KindGrant
	KindRenew
	KindOpenWindow
	KindCertify
	KindIssueToken
	KindUseToken
	KindAnnounce
	KindRemoveNode
	KindRaiseLevel
	KindRaiseEpoch
)

// Command is one change: an [Open], [SendFailed], [Settle], [Claim], [Conclude], [Cancel], [Register],
// [Grant], [Renew], [Reset], [Unlock], [OpenWindow], [Learn], [Forget], [Found], [Rotate], [Certify],
// [IssueToken], [UseToken], [Announce], [RemoveNode], [RaiseLevel] or [RaiseEpoch].
type Command interface {
	message
	kind() Kind
	apply(*txn) Result
}

func newCommand(k Kind) Command {
	switch k {
	case KindOpen:
		return new(Open)
	case KindSettle:
		return new(Settle)
	case KindCancel:
		return new(Cancel)
	case KindRegister:
		return new(Register)
	case KindReset:
		return new(Reset)
	case KindUnlock:
		return new(Unlock)
	case KindLearn:
		return new(Learn)
	case KindForget:
		return new(Forget)
	case KindFound:
		return new(Found)
	case KindRotate:
		return new(Rotate)
	case KindSendFailed:
		return new(SendFailed)
	case KindClaim:
		return new(Claim)
	case KindConclude:
		return new(Conclude)
	case KindGrant:
		return new(Grant)
	case KindRenew:
		return new(Renew)
	case KindOpenWindow:
		return new(OpenWindow)
	}
	return newClusterCommand(k)
}

// newClusterCommand is newCommand for what concerns the nodes, and not their users.
func newClusterCommand(k Kind) Command {
	switch k {
	case KindCertify:
		return new(Certify)
	case KindIssueToken:
		return new(IssueToken)
	case KindUseToken:
		return new(UseToken)
	case KindAnnounce:
		return new(Announce)
	case KindRemoveNode:
		return new(RemoveNode)
	case KindRaiseLevel:
		return new(RaiseLevel)
	case KindRaiseEpoch:
		return new(RaiseEpoch)
	}
	return nil
}

// Encode returns the octets of a command.
func Encode(c Command) []byte {
	b := make([]byte, 0, 256)
	return appendMessage(append(b, version, byte(c.kind())), c)
}

// Decode reads what [Encode] wrote, also by a newer program as far as this one knows the fields.
// The command shares the memory of b.
func Decode(b []byte) (Command, error) {
	var w wire
	return decode(&w, b)
}

func decode(w *wire, b []byte) (Command, error) {
	if len(b) < 2 {
		return nil, errors.New("command: too short")
	}
	if b[0] != version {
		return nil, fmt.Errorf("command: version %d is not known", b[0])
	}
	c := newCommand(Kind(b[1]))
	if c == nil {
		return nil, fmt.Errorf("command: type %d is not known", b[1])
	}
	if err := w.decode(b[2:], c); err != nil {
		return nil, fmt.Errorf("command: type %d: %w", b[1], err)
	}
	return c, nil
}

// Fields of a batch.
const (
	batchStamp   protowire.Number = 1
	batchCommand protowire.Number = 2
)

// EncodeBatch returns a log entry: encoded commands and the time at which the leader accepted them,
// in nanoseconds since 1970.
func EncodeBatch(stamp int64, commands [][]byte) []byte {
	size := 16
	for _, c := range commands {
		size += len(c) + 6
	}
	b := append(make([]byte, 0, size), version)
	b = protowire.AppendTag(b, batchStamp, protowire.VarintType)
	b = protowire.AppendVarint(b, protowire.EncodeZigZag(stamp))
	for _, c := range commands {
		b = protowire.AppendTag(b, batchCommand, protowire.BytesType)
		b = protowire.AppendBytes(b, c)
	}
	return b
}

// decodeBatch returns the stamp and the encoded commands, which share the memory of b.
func decodeBatch(b []byte) (stamp int64, commands [][]byte, err error) {
	if len(b) == 0 || b[0] != version {
		return 0, nil, errors.New("batch: version is not known")
	}
	for b = b[1:]; len(b) > 0; {
		f, n := consumeField(b)
		if n < 0 {
			return 0, nil, fmt.Errorf("batch: %w", errTruncated)
		}
		b = b[n:]
		switch {
		case f.number == batchStamp && f.typ == protowire.VarintType:
			stamp = protowire.DecodeZigZag(f.num)
		case f.number == batchCommand && f.typ == protowire.BytesType:
			commands = append(commands, f.octs)
		}
	}
	return stamp, commands, nil
}
