package login

import (
	"context"
	"errors"
	"time"
)

// ChallengeID names a challenge over all its prompts. It is random and travels only sealed.
type ChallengeID [16]byte

// Handle is a user's keyed hash, short enough for a State token.
type Handle [8]byte

// Tag is a keyed hash that stands for something that must not be stored: an answer, a password, a
// packet. Made by [KeyRing.Tag]. The zero value means none.
type Tag [16]byte

// ErrUnavailable means that the ledger could not commit or cannot be read now (no leader, no
// quorum, disk). What was asked may or may not have happened: it is repeated under the same key or
// left unanswered, never turned into a reject.
var ErrUnavailable = errors.New("cluster unavailable")

// ErrNotEnrolled means that nothing is stored about the user, or not about that factor.
var ErrNotEnrolled = errors.New("not enrolled")

// ErrFull means that the ledger keeps as many challenges as it may, in all or of this user; the login
// was shed.
var ErrFull = errors.New("too many logins in progress")

// Ledger is the replicated state. All methods are safe for concurrent use. They return
// [ErrUnavailable], possibly wrapped, when nothing may be concluded.
//
// Reads are of this node's own state, which may lag behind what other nodes have committed: what they
// find was so a moment ago, and that they find nothing means nothing before a Refresh. Commits are
// judged by the newest state, wherever it is.
type Ledger interface {
	// Now is the time by which everything that expires is judged: challenges, verdicts, locks. It
	// never goes back and does not follow a jump of this node's clock, so it may differ from it.
	Now() time.Time
	// Refresh returns when reads have everything that was committed anywhere before the call. It costs
	// a question to the leader, but no commit. An error means that absence proves nothing.
	Refresh(ctx context.Context) error
	// Solo returns a ledger on the last known state of this node alone, for the time without a quorum.
	// It knows the reads, Claim, Conclude and Cancel; all else is ErrUnavailable. What is committed in it
	// is on this node only. It is the same one for as long as there is no quorum, and whoever holds it may
	// go on using it afterwards, for what began in it. ok is false where there is a quorum, and where
	// nothing may go on without one.
	Solo() (l Ledger, ok bool)
	// Keys returns the current key ring. The ring is immutable and may be kept for one request.
	Keys(ctx context.Context) (*KeyRing, error)
	// Enrolment returns what is stored about the user, records sealed; of a user never seen, an
	// empty Enrolment with that ID and epoch 0.
	Enrolment(ctx context.Context, userID string) (Enrolment, error)
	// EnrolmentByHandle finds the user by handle; found is false when no such user is stored.
	EnrolmentByHandle(ctx context.Context, h Handle) (e Enrolment, found bool, err error)
	// Record opens the record of one of the enrolment's credentials; it is empty where the factor
	// is not registered. An error means that it cannot be read: nothing may be concluded.
	Record(ctx context.Context, e Enrolment, factor string) ([]byte, error)
	// Open stores what a challenge needs besides its State token: a candidate that is being
	// registered, a code that is to be sent. It rejoins the challenge that is open under the same
	// Rejoin tag, and repeats what was done under the same Key. It costs a commit.
	Open(ctx context.Context, o Opening) (Opened, error)
	// Opened returns what is known of a challenge: what Open stored, or what its answers left.
	// found is false when nothing was stored under this id, or it is forgotten.
	Opened(ctx context.Context, id ChallengeID) (o Opened, found bool, err error)
	// SendFailed notes that a code did not leave, so that another may be sent at once. It costs a
	// commit.
	SendFailed(ctx context.Context, f SendFailure) error
	// Settle commits the effect of one answer and returns the verdict; the same answer under the
	// same token has the same outcome, for ever and on every node. It costs a commit.
	Settle(ctx context.Context, s Settlement) (Outcome, error)
	// Claim gives the right to forward one answer to the server that judges it, to one caller in the
	// whole cluster, once. It costs a commit, as does Conclude, which commits what became of it.
	Claim(ctx context.Context, s Settlement, c Claim) (Outcome, error)
	Conclude(ctx context.Context, s Settlement, c Conclusion) (Outcome, error)
	// Recorded returns the verdict that this node's state holds for the answer of s, as Settle or Claim
	// would repeat it; found is false where it holds none yet. It is a read.
	Recorded(ctx context.Context, s Settlement) (o Outcome, found bool, err error)
	// Window reports whether an administrator has opened the window for a first registration for one
	// of the subjects: user ids, and groups as [GroupSubject] writes them.
	Window(ctx context.Context, subjects []string) (bool, error)
	// Cancel ends a challenge: no answer to it will be accepted. It costs a commit.
	Cancel(ctx context.Context, c Cancellation) error
}

// Enrolment is what the ledger knows about a user.
type Enrolment struct {
	UserID string
	// Name is the directory's spelling of the login name when it was last stored.
	Name string
	// Epoch rises with every change of the user's factors; it ends pending challenges.
	Epoch uint32
	// LastFactor is the factor that the last completed login used; may be empty.
	LastFactor string
	// Credentials are the user's factors by name.
	Credentials map[string]Credential
}

// Opening asks to store a challenge, or to change one that is open.
type Opening struct {
	ID     ChallengeID
	UserID string
	Name   string
	Handle Handle
	Client string
	Factor string
	// Epoch is the user's epoch that the challenge was built on.
	Epoch uint32
	// Record is the candidate that is being registered; it takes the place of an earlier one, whose
	// codes are then void. It is stored sealed. Without it, Sequence must be that of the challenge's
	// candidate, 0 where there is none.
	Record   []byte
	Sequence uint8
	// Key names this request: the State token and the answer. What was done under it is not done
	// again. Zero in a first request.
	Key Tag
	// Rejoin is the tag of (client, user, Calling-Station-Id, password); a challenge opened less
	// than RejoinWithin ago under the same tag is returned instead of storing this one.
	Rejoin       Tag
	RejoinWithin time.Duration
	// Send asks to send a code as well; nil asks for none. Where sending is refused, a challenge that
	// is not stored yet is not stored.
	Send *Send
	// Decoy says that there is no such user, or that the password was wrong: no counter but the
	// challenge's own is touched.
	Decoy bool
	// Life is how long the challenge lives, from each send anew.
	Life time.Duration
	// Keep is how long verdicts are kept after the challenge's end, Capacity how many challenges
	// the ledger keeps at most (0 = no bound).
	Keep     time.Duration
	Capacity uint64
}

// Send asks to send a code.
type Send struct {
	// Act is random: the caller whose Act is recorded with the send delivers it, nobody else.
	Act Tag
	// Destination is the tag of the address, Country its region; both for the limits.
	Destination Tag
	Country     string
	Limits      SendLimits
}

// Opened is a stored challenge.
type Opened struct {
	ID      ChallengeID
	UserID  string
	Name    string
	Client  string
	Factor  string
	Epoch   uint32
	Record  []byte
	Expires time.Time
	// Sequence rises with each candidate, and with each prompt of a dialogue.
	Sequence uint8
	// Sends are the codes sent in this challenge to its present candidate, oldest first.
	Sends []Sent
	// Failures counts the wrong answers to this challenge.
	Failures uint32
	// Closed means that no further answer will be judged: the challenge was accepted, used up or
	// cancelled. The candidate is then forgotten; Record is empty.
	Closed bool

	// The rest is the answer to an [Opening] only.

	// Stale means that epoch or sequence had moved on; nothing changed.
	Stale bool
	// Fresh means that this very call made the last of Sends: its caller delivers the code.
	Fresh bool
	// Refusal says why nothing was sent: resend_too_soon or rate_limited; "" otherwise. SendAt is when
	// it would be allowed.
	Refusal Code
	SendAt  time.Time
}

// Sent is one code that was sent.
type Sent struct {
	Factor string
	// Number is the send number: it rises for the user's factor over all its challenges.
	Number uint64
	At     time.Time
	// Failed means that it is known not to have left.
	Failed bool
}

// SendFailure says which code did not leave.
type SendFailure struct {
	Challenge ChallengeID
	Client    string
	UserID    string
	Factor    string
	Number    uint64
}

// Settlement is the effect of one answer, to be committed.
type Settlement struct {
	Challenge ChallengeID
	// Token tags the State token that was answered, Answer the answer under this challenge,
	// Request the packet (may be zero). A verdict is repeated for the same (Token, Answer) and
	// for the same Request.
	Token   Tag
	Answer  Tag
	Request Tag

	Client string
	UserID string
	Name   string
	Handle Handle
	// ClusterEpoch, Epoch and Version are what the challenge was built on; when one has moved on,
	// the answer is stale and changes nothing.
	ClusterEpoch uint32
	Epoch        uint32
	Factor       string
	Version      uint32

	// What the answer uses up. At most one of Number, Code and Exempt is set; all zero means that
	// the answer is wrong. Number and Memo are the factor's [Finding]; Code is the tag of one of the
	// credential's [OneTimeCode]s; Exempt names the policy's exemption, which uses up nothing.
	Number uint64
	Memo   []byte
	Code   Tag
	Exempt string
	// Pass says that a right answer does not end the login: more is asked after it. The outcome is
	// then [CodePrompt].
	Pass bool

	// Register is the record that becomes the user's credential when the answer is accepted;
	// nil where nothing is registered. It is stored sealed. Sequence is that of the candidate.
	Register []byte
	Sequence uint8
	// Invitation is the tag of the invitation that a registration uses up; zero where it needs none.
	Invitation Tag
	// Count says that wrong answers count although a candidate is being registered: guesses at a code
	// that was sent to somebody's address.
	Count bool
	// Guess is for logins without a State: the tag of (client, user, answer), or zero. A wrong answer counts
	// once under it, and is not right under it, until the factor's failures are cleared.
	Guess Tag
	// Near is that of the [Finding].
	Near Near

	// Again is for logins without a State: the tag of (client, user, Calling-Station-Id, password,
	// answer), or zero. A verdict is repeated for the same Again while the challenge lives.
	Again Tag

	// Decoy says that there is no such user, or that the password was wrong: the answer is wrong, and
	// no counter but the challenge's own is touched. Conceal counts an answer to a locked factor as a
	// wrong one, so that a lock does not show.
	Decoy   bool
	Conceal bool

	// Expires is when the challenge ends.
	Expires time.Time
	Limits  Limits
}

// Claim asks for the right to forward an answer.
type Claim struct {
	// Act is random and names the caller.
	Act Tag
	// Passcode is the tag of (user, passcode): whoever else comes with it is refused. Zero inside a
	// dialogue, whose Sequence in the [Settlement] must be that of the challenge.
	Passcode Tag
	// Within is how long the outcome is awaited. After that it is securid_unavailable.
	Within time.Duration
	// Reusable says that the server may take the passcode again in another login: it is free when its
	// outcome is known.
	Reusable bool
}

// Conclusion is what became of a claimed answer.
type Conclusion struct {
	Act Tag
	// Code is accepted, securid_rejected, securid_misconfigured, securid_unavailable, or [CodePrompt]
	// when the dialogue goes on.
	Code Code
	// Dialogue is what the dialogue goes on with; it is stored sealed in place of the earlier one.
	Dialogue []byte
	// Grant is what goes with the Accept: octets, at most 2 KiB.
	Grant string
	// Release frees the passcode: no server can have read it.
	Release bool
}

// Limits are the thresholds that decide a verdict. They travel in the command, so that nodes whose
// files differ agree.
type Limits struct {
	// Attempts is the number of wrong answers that end a challenge.
	Attempts uint32
	// SoftLock wrong answers in a row lock the factor for SoftLockFor, doubling with each further
	// SoftLock of them, up to SoftLockMax. HardLock in a row lock it until it is unlocked.
	SoftLock    uint32
	SoftLockFor time.Duration
	SoftLockMax time.Duration
	HardLock    uint32
	// Keep is how long a verdict is kept after the challenge's end.
	Keep time.Duration
	// Capacity is how many challenges the ledger keeps at most; 0 means no bound.
	Capacity uint64
}

// Outcome is the ledger's verdict on a settlement.
type Outcome struct {
	// Code is accepted, otp_invalid, otp_replayed, attempts_exhausted, account_locked,
	// state_expired or state_invalid; of a claimed answer also what its [Conclusion] said; [CodePrompt]
	// when the answer was right and the login goes on.
	Code Code
	// AttemptsLeft counts the wrong answers that this challenge still allows.
	AttemptsLeft int
	// Stale means that the epoch or the version had moved on: read again, or give up.
	Stale bool
	// Repeated means that the verdict had been given before.
	Repeated bool
	// Claimed means that the caller shall forward the answer, Pending that another does so.
	Claimed bool
	Pending bool
	// Sequence is that of the dialogue that goes on, Grant what goes with the Accept (octets).
	Sequence uint8
	Grant    string
	// Factor is the credential whose one-time code was accepted; empty otherwise.
	Factor string
	// Near says that this wrong answer and the one before it were right at times that are off by as much:
	// the clock that made them is wrong.
	Near bool
	// Remaining counts the uses that are left of a [OneTimeCode], or of all of its credential's.
	Remaining int
}

// Cancellation ends a challenge; the fields are those of a [Settlement].
type Cancellation struct {
	Challenge ChallengeID
	Client    string
	UserID    string
	Handle    Handle
	Epoch     uint32
	Expires   time.Time
	Keep      time.Duration
	Capacity  uint64
}
