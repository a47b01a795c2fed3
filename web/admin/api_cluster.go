package admin

import "time"

// How long a token for joining is good: by default, and at most.
const (
	DefaultTokenLife = 15 * time.Minute
	MaxTokenLife     = 24 * time.Hour
)

// Members is the cluster as the node that was asked sees it.
type Members struct {
	ClusterID string `json:"cluster_id"`
	// Epoch rises with each restored snapshot; Level is what all nodes agreed to understand.
	Epoch uint32 `json:"epoch"`
	Level uint32 `json:"level"`
	// Node is the one that was asked, Leader the one that leads; empty when none is known.
	Node   string `json:"node"`
	Leader string `json:"leader"`
	// Quorum is how many voters must be up, FailureTolerance how many of those that are up may go down.
	Quorum           int  `json:"quorum"`
	FailureTolerance int  `json:"failure_tolerance"`
	Healthy          bool `json:"healthy"`
	// Nodes are sorted by name.
	Nodes []Member `json:"nodes"`
}

// The roles of a [Member].
const (
	RoleLeader   = "leader"
	RoleVoter    = "voter"
	RoleNonVoter = "non-voter"
	RoleJoining  = "joining"
)

// Member is one node. What is measured is as old as the last contact with it.
type Member struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	// Role is one of [RoleLeader], [RoleVoter], [RoleNonVoter] and [RoleJoining].
	Role    string `json:"role"`
	Version string `json:"version"`
	Level   uint32 `json:"level"`
	// Up says that the node answers.
	Up bool `json:"up"`
	// LastContactMS is how long ago it last answered, ClockOffsetMS by how much its clock is ahead of
	// that of the node that was asked: milliseconds. LastContactMS is negative when it never answered.
	LastContactMS float64 `json:"last_contact_ms"`
	ClockOffsetMS float64 `json:"clock_offset_ms"`
	// LastIndex is the last log entry that it has, Applied the last one that its state has seen, Lag
	// how many it is behind.
	LastIndex uint64 `json:"last_index"`
	Applied   uint64 `json:"applied"`
	Lag       uint64 `json:"lag"`
	// FreeBytes and TotalBytes are those of its data directory's disk.
	FreeBytes  uint64 `json:"free_bytes"`
	TotalBytes uint64 `json:"total_bytes"`
	// Settings recognises the policies, factors and limits of its configuration.
	Settings string `json:"settings,omitempty"`
	// Reason is what is wrong with it, or what a node that joins waits for; empty where nothing is.
	Reason string `json:"reason,omitempty"`
}

// Voter says whether the node counts for the quorum.
func (m Member) Voter() bool { return m.Role == RoleLeader || m.Role == RoleVoter }

// Find returns the node with this name.
func (m Members) Find(name string) (Member, bool) {
	for _, n := range m.Nodes {
		if n.Name == name {
			return n, true
		}
	}
	return Member{}, false
}

// TokenAct issues a token with which one node joins, once.
type TokenAct struct {
	Node string `json:"node"`
	// ForSeconds is how long it is good; 0 means [DefaultTokenLife].
	ForSeconds int64 `json:"for_seconds,omitempty"`
	// NonVoter says that the node never counts for the quorum.
	NonVoter bool `json:"non_voter,omitempty"`
}

// TokenReply holds a token, told this once.
type TokenReply struct {
	Node  string    `json:"node"`
	Token string    `json:"token"`
	Until time.Time `json:"until"`
}

// RemoveNodeAct takes a node out of the cluster.
type RemoveNodeAct struct {
	Node string `json:"node"`
	// Force removes it also where this puts the quorum at risk.
	Force bool `json:"force,omitempty"`
}

// ClockReply says what a node's clock shows, and by how many milliseconds it was set at run time.
type ClockReply struct {
	Now   time.Time `json:"now"`
	SetMS int64     `json:"set_ms"`
}

// TransferAct has another node lead.
type TransferAct struct {
	// Node is the one that is to lead; empty means any voter that is up to date.
	Node string `json:"node,omitempty"`
}
