package state

import (
	"google.golang.org/protobuf/encoding/protowire"

	"sallyport/login"
)

// Open stores a challenge, or rejoins one; see [login.Opening]. Times and durations are nanoseconds.
type Open struct {
	ID           login.ChallengeID
	UserID       string
	Name         string
	Handle       login.Handle
	Client       string
	Factor       string
	Epoch        uint32
	Record       []byte // sealed
	Rejoin       login.Tag
	RejoinWithin int64
	Life         int64
	Keep         int64
	Capacity     uint64
	Sequence     uint8
	Key          login.Tag
	Send         *Send // nil asks for none
	Decoy        bool
}

func (c *Open) kind() Kind { return KindOpen }

func (c *Open) wire(w *wire) {
	w.fixed(1, c.ID[:])
	w.str(2, &c.UserID)
	w.str(3, &c.Name)
	w.fixed(4, c.Handle[:])
	w.name(5, &c.Client)
	w.name(6, &c.Factor)
	number(w, 7, &c.Epoch)
	w.octets(8, &c.Record)
	w.fixed(9, c.Rejoin[:])
	w.int(10, &c.RejoinWithin)
	w.int(11, &c.Life)
	w.int(12, &c.Keep)
	number(w, 13, &c.Capacity)
	number(w, 14, &c.Sequence)
	w.fixed(15, c.Key[:])
	optional[Send](w, 16, &c.Send)
	w.bool(17, &c.Decoy)
}

// Settle commits the effect of one answer; see [login.Settlement]. Times and durations are
// nanoseconds.
type Settle struct {
	Challenge    login.ChallengeID
	Token        login.Tag
	Answer       login.Tag
	Request      login.Tag
	Client       string
	UserID       string
	Name         string
	Handle       login.Handle
	ClusterEpoch uint32
	Epoch        uint32
	Factor       string
	Version      uint32
	Number       uint64
	Memo         []byte
	Register     []byte // sealed; empty where nothing is registered
	Expires      int64
	Limits       Limits
	Code         login.Tag
	Exempt       string
	Pass         bool
	Sequence     uint8
	Invitation   login.Tag
	Again        login.Tag
	Decoy        bool
	Conceal      bool
	Count        bool
	// Guess names the answer of a login without a State, whatever challenge it makes; zero elsewhere.
	Guess login.Tag
	Near  Near
}

// Near is a number at which a wrong answer would have been right, and how far it is ahead of now in
// nanoseconds; the zero value means none.
type Near struct {
	Number uint64
	Ahead  int64
}

// wire writes the fields n and n+1.
func (n *Near) wire(w *wire, first protowire.Number) {
	number(w, first, &n.Number)
	w.int(first+1, &n.Ahead)
}

// Limits are the thresholds of a settlement; see [login.Limits]. Durations are nanoseconds.
type Limits struct {
	Attempts    uint32
	SoftLock    uint32
	SoftLockFor int64
	SoftLockMax int64
	HardLock    uint32
	Keep        int64
	Capacity    uint64
}

func (c *Settle) kind() Kind { return KindSettle }

func (c *Settle) wire(w *wire) {
	w.fixed(1, c.Challenge[:])
	w.fixed(2, c.Token[:])
	w.fixed(3, c.Answer[:])
	w.fixed(4, c.Request[:])
	w.name(5, &c.Client)
	w.str(6, &c.UserID)
	w.str(7, &c.Name)
	w.fixed(8, c.Handle[:])
	number(w, 9, &c.ClusterEpoch)
	number(w, 10, &c.Epoch)
	w.name(11, &c.Factor)
	number(w, 12, &c.Version)
	number(w, 13, &c.Number)
	w.octets(14, &c.Memo)
	w.octets(15, &c.Register)
	w.int(16, &c.Expires)
	number(w, 17, &c.Limits.Attempts)
	number(w, 18, &c.Limits.SoftLock)
	w.int(19, &c.Limits.SoftLockFor)
	w.int(20, &c.Limits.SoftLockMax)
	number(w, 21, &c.Limits.HardLock)
	w.int(22, &c.Limits.Keep)
	number(w, 23, &c.Limits.Capacity)
	if w.done() {
		return
	}
	w.fixed(24, c.Code[:])
	w.name(25, &c.Exempt)
	w.bool(26, &c.Pass)
	number(w, 27, &c.Sequence)
	w.fixed(28, c.Invitation[:])
	w.fixed(29, c.Again[:])
	w.bool(30, &c.Decoy)
	w.bool(31, &c.Conceal)
	w.bool(32, &c.Count)
	w.fixed(33, c.Guess[:])
	c.Near.wire(w, 34)
}

// Cancel ends a challenge; see [login.Cancellation]. Times and durations are nanoseconds.
type Cancel struct {
	Challenge login.ChallengeID
	Client    string
	UserID    string
	Handle    login.Handle
	Epoch     uint32
	Expires   int64
	Keep      int64
	Capacity  uint64
}

func (c *Cancel) kind() Kind { return KindCancel }

func (c *Cancel) wire(w *wire) {
	w.fixed(1, c.Challenge[:])
	w.name(2, &c.Client)
	w.str(3, &c.UserID)
	w.fixed(4, c.Handle[:])
	number(w, 5, &c.Epoch)
	w.int(6, &c.Expires)
	w.int(7, &c.Keep)
	number(w, 8, &c.Capacity)
}
