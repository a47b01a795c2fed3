package state

import "sallyport/login"

// Register stores a credential without a challenge: an administrator's enrolment. Version is the
// version that it replaces; when it has moved on, the result is [Conflict].
type Register struct {
	UserID  string
	Name    string
	Handle  login.Handle
	Factor  string
	Version uint32
	Record  []byte // sealed for Version + 1
}

func (c *Register) kind() Kind { return KindRegister }

func (c *Register) wire(w *wire) {
	w.str(1, &c.UserID)
	w.str(2, &c.Name)
	w.fixed(3, c.Handle[:])
	w.name(4, &c.Factor)
	number(w, 5, &c.Version)
	w.octets(6, &c.Record)
}

// Reset removes a user's record for a factor, or for all when Factor is empty, and raises the epoch.
// A user who is not stored yet is stored without a record, so that pending registrations end.
type Reset struct {
	UserID string
	Factor string
	// Act names this command when it comes again; zero in those of earlier programs.
	Act login.Tag
	// Handle is the user's, without which nobody is stored.
	Handle login.Handle
}

func (c *Reset) kind() Kind { return KindReset }

func (c *Reset) wire(w *wire) {
	w.str(1, &c.UserID)
	w.name(2, &c.Factor)
	w.fixed(3, c.Act[:])
	w.fixed(4, c.Handle[:])
}

// Unlock clears the counters and locks of a factor, or of all when Factor is empty.
type Unlock struct {
	UserID string
	Factor string
	// Act names this command when it comes again; zero in those of earlier programs.
	Act login.Tag
}

func (c *Unlock) kind() Kind { return KindUnlock }

func (c *Unlock) wire(w *wire) {
	w.str(1, &c.UserID)
	w.name(2, &c.Factor)
	w.fixed(3, c.Act[:])
}

// Learn remembers that requests of a client come from an address (4 or 16 bytes): with a
// Message-Authenticator, or without one. Sender says which program behind the address it was, see
// [login.SenderTag]. The last two are known from [signersByClient] on, and zero in those of earlier programs.
type Learn struct {
	Client   string
	Address  []byte
	Sender   login.SenderTag
	Unsigned bool
}

func (c *Learn) kind() Kind { return KindLearn }

func (c *Learn) wire(w *wire) {
	w.name(1, &c.Client)
	w.octets(2, &c.Address)
	w.fixed(3, c.Sender[:])
	w.bool(4, &c.Unsigned)
}

// Forget removes what was learned about a client.
type Forget struct {
	Client string
	// Act names this command when it comes again; zero in those of earlier programs.
	Act login.Tag
}

func (c *Forget) kind() Kind { return KindForget }

func (c *Forget) wire(w *wire) {
	w.name(1, &c.Client)
	w.fixed(2, c.Act[:])
}

// Found gives a new cluster its id, its epoch, its first key and its feature level (see [Level]); it does
// nothing when there is one. A level of 0 is that of the releases that wrote none: 1.
type Found struct {
	ClusterID string
	Check     []byte // of the master key
	Key       StateKey
	Level     uint32
}

func (c *Found) kind() Kind { return KindFound }

func (c *Found) wire(w *wire) {
	w.str(1, &c.ClusterID)
	w.octets(2, &c.Check)
	number(w, 3, &c.Key.ID)
	w.octets(4, &c.Key.Sealed)
	number(w, 5, &c.Level)
}

// Rotate makes Key the current State key; it does nothing unless the current one is Previous.
type Rotate struct {
	Previous uint8
	Key      StateKey
}

func (c *Rotate) kind() Kind { return KindRotate }

func (c *Rotate) wire(w *wire) {
	number(w, 1, &c.Previous)
	number(w, 2, &c.Key.ID)
	w.octets(3, &c.Key.Sealed)
}

// Grant puts one-time codes in place of those that a credential holds; none removes them. Factor is one
// of the credentials of package login that are no factors.
type Grant struct {
	UserID string
	Name   string
	Handle login.Handle
	Factor string
	Codes  []OneTimeCode
	Note   string
	Act    login.Tag
}

func (c *Grant) kind() Kind { return KindGrant }

func (c *Grant) wire(w *wire) {
	w.str(1, &c.UserID)
	w.str(2, &c.Name)
	w.fixed(3, c.Handle[:])
	w.name(4, &c.Factor)
	list[OneTimeCode](w, 5, &c.Codes)
	w.str(6, &c.Note)
	w.fixed(7, c.Act[:])
}

// Renew makes a user register a factor anew at the next login.
type Renew struct {
	UserID string
	Factor string
	Act    login.Tag
}

func (c *Renew) kind() Kind { return KindRenew }

func (c *Renew) wire(w *wire) {
	w.str(1, &c.UserID)
	w.name(2, &c.Factor)
	w.fixed(3, c.Act[:])
}

// OpenWindow opens the window for first registrations of a subject until a time in nanoseconds since
// 1970; one that is past closes it.
type OpenWindow struct {
	Subject string
	Until   int64
	Act     login.Tag
}

func (c *OpenWindow) kind() Kind { return KindOpenWindow }

func (c *OpenWindow) wire(w *wire) {
	w.str(1, &c.Subject)
	w.int(2, &c.Until)
	w.fixed(3, c.Act[:])
}
