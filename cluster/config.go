package cluster

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/hashicorp/raft"

	"sallyport/cluster/faults"
)

// Config says how a node runs. Name, DataDir and MasterKey are required; a zero value elsewhere
// means the default.
type Config struct {
	// Name is the node's name, its identity in the cluster. It stays with the data directory.
	Name string
	// DataDir is where log and snapshots are kept; it is created with mode 0700.
	DataDir string
	// MasterKey is the 32 octets that [ParseMasterKey] returns.
	MasterKey []byte
	// Listen is where the node's port is opened, host:port; empty means that the node is alone.
	// Advertise is where the others reach it; Listen by default.
	Listen    string
	Advertise string
	// Version is that of the program, for people.
	Version string
	// Floors are the numbers, by factor, that count as used when a backup is restored at that time:
	// every code up to then. Nil means none.
	Floors func(now time.Time) map[string]uint64
	// SoloFor is how long after the last contact with a leader answers that another server judges may
	// still be forwarded; 0 is never.
	SoloFor time.Duration
	// Logger gets what an administrator may want to know. Nil discards it.
	Logger *slog.Logger
	// Now is the wall clock; nil means time.Now. Elapsed is a clock that only runs, whatever becomes
	// of the other: how long since some fixed moment. By both the log is stamped. Nil means what has
	// passed between two times of Now; those of time.Now carry a reading of a clock that nobody sets.
	Now     func() time.Time
	Elapsed func() time.Duration

	// OnHang is called when a write to the log store takes longer than HangAfter: a leader whose
	// disk hangs would lead for ever. Nil logs it and ends the process with status 70, so that
	// another node leads. It is called on a goroutine of its own.
	OnHang func(what string)
	// OnFault is called when a write to the log store fails, but not for want of room: what is on the
	// disk is not known then, so that an entry that failed may be there after a restart. Nil logs it and
	// ends the process with status 74.
	OnFault func(what string, err error)
	// HangAfter is 2 s by default.
	HangAfter time.Duration

	// HeartbeatTimeout, ElectionTimeout and LeaderLeaseTimeout are Raft's; 250, 250 and 125 ms by
	// default, for a LAN.
	HeartbeatTimeout   time.Duration
	ElectionTimeout    time.Duration
	LeaderLeaseTimeout time.Duration

	// PromoteAfter is how long a new node must have been well before it votes; 10 s by default.
	PromoteAfter time.Duration

	// SnapshotInterval is how often it is looked whether a snapshot is due; SnapshotThreshold how
	// many log entries make one due; TrailingLogs how many stay in the log after one. 60 s (up to
	// twice that), 2048 and 2048 by default. An entry is a whole batch, so at full load it is the
	// interval that decides.
	SnapshotInterval  time.Duration
	SnapshotThreshold uint64
	TrailingLogs      uint64

	// QueueSize bounds the commands that wait for the batch in flight; 4096 by default. More are
	// refused with [login.ErrUnavailable].
	QueueSize int
	// KeyLife is how long a State key is used for new tokens; 24 h by default. Two older ones are
	// kept for reading.
	KeyLife time.Duration
}

// ConfigError is what [Open] returns when a setting does not fit the machine or the data: another
// setting repairs it, a restart does not.
type ConfigError struct{ err error }

// Error returns the text of the wrapped error.
func (e *ConfigError) Error() string { return e.err.Error() }

// Unwrap returns the wrapped error.
func (e *ConfigError) Unwrap() error { return e.err }

// Validate returns every fault of the configuration at once.
func (c Config) Validate() error {
	var faults []error
	if c.Name == "" {
		faults = append(faults, errors.New("cluster: the node has no name; set name under [node]"))
	}
	if c.DataDir == "" {
		faults = append(faults, errors.New("cluster: no data directory; set data_dir under [node]"))
	}
	if len(c.MasterKey) != masterKeySize {
		faults = append(faults, fmt.Errorf("cluster: the master key has %d octets instead of %d; make one with \"sallyport keys generate\"", len(c.MasterKey), masterKeySize))
	}
	for _, d := range []time.Duration{c.HangAfter, c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout, c.SnapshotInterval, c.KeyLife, c.SoloFor, c.PromoteAfter} {
		if d < 0 {
			faults = append(faults, fmt.Errorf("cluster: a duration is negative: %v", d))
		}
	}
	if c.QueueSize < 0 {
		faults = append(faults, fmt.Errorf("cluster: the queue size is negative: %d", c.QueueSize))
	}
	if len(faults) == 0 {
		if err := raft.ValidateConfig(c.withDefaults().raft()); err != nil {
			faults = append(faults, fmt.Errorf("cluster: raft refuses its settings: %w", err))
		}
	}
	return errors.Join(faults...)
}

// raft returns what raft is told; its defaults elsewhere. Pre-vote stays on, so that a node that
// comes back does not end the leader's term.
func (c Config) raft() *raft.Config {
	r := raft.DefaultConfig()
	r.LocalID = raft.ServerID(c.Name)
	r.HeartbeatTimeout = c.HeartbeatTimeout
	r.ElectionTimeout = c.ElectionTimeout
	r.LeaderLeaseTimeout = c.LeaderLeaseTimeout
	r.SnapshotInterval = c.SnapshotInterval
	r.SnapshotThreshold = c.SnapshotThreshold
	r.TrailingLogs = c.TrailingLogs
	r.PreVoteDisabled = false
	r.CommitTimeout = commitTimeout
	return r
}

// commitTimeout is how long a follower may wait, with no entry following, for the news that the last
// one was committed.
const commitTimeout = 10 * time.Millisecond

// address is where the others reach this node.
func (c Config) address() string {
	if c.Advertise != "" {
		return c.Advertise
	}
	return c.Listen
}

// raftTimeout bounds one message of raft and its answer. What is lost in a partition is tried again
// soon after it has healed.
func (c Config) raftTimeout() time.Duration { return max(time.Second, 4*c.HeartbeatTimeout) }

// hangStatus is the exit status after a hang: EX_SOFTWARE of sysexits.h. systemd restarts on it.
const hangStatus = 70

// faultStatus is the exit status after a write that failed: EX_IOERR of sysexits.h. systemd restarts on
// it as well.
const faultStatus = 74

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Elapsed == nil {
		c.Elapsed = sinceNow(c.Now)
	}
	if c.OnHang == nil {
		logger := c.Logger
		c.OnHang = func(what string) {
			logger.Error("the log store hangs, so this node ends itself to let another lead", "operation", what)
			os.Exit(hangStatus)
		}
	}
	if c.OnFault == nil {
		logger := c.Logger
		c.OnFault = func(what string, err error) {
			logger.Error("the log store does not take a write, so this node ends itself: look at the disk; another node leads", "operation", what, "error", err.Error())
			os.Exit(faultStatus)
		}
	}
	orDefault(&c.HangAfter, 2*time.Second)
	orDefault(&c.HeartbeatTimeout, 250*time.Millisecond)
	orDefault(&c.ElectionTimeout, 250*time.Millisecond)
	orDefault(&c.LeaderLeaseTimeout, 125*time.Millisecond)
	orDefault(&c.PromoteAfter, faults.PromoteAfter(10*time.Second))
	interval, threshold := faults.Snapshots(60*time.Second, 2048)
	orDefault(&c.SnapshotInterval, interval)
	orDefault(&c.SnapshotThreshold, threshold)
	orDefault(&c.TrailingLogs, 2048)
	orDefault(&c.QueueSize, 4096)
	orDefault(&c.KeyLife, 24*time.Hour)
	return c
}

// sinceNow is how much has passed by now itself.
func sinceNow(now func() time.Time) func() time.Duration {
	begun := now()
	return func() time.Duration { return now().Sub(begun) }
}

func orDefault[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}
