package admin

import "time"

// SnapshotInfo says what a snapshot of the cluster's state holds.
type SnapshotInfo struct {
	ClusterID string `json:"cluster_id"`
	// Epoch is the cluster's epoch, which a restore raises; Level its feature level.
	Epoch uint32 `json:"epoch"`
	Level uint32 `json:"level"`
	// Node is the one whose state it is.
	Node string `json:"node"`
	// Index and Term are those of the last log entry in it, LogTime the time of the log there.
	Index   uint64    `json:"index"`
	Term    uint64    `json:"term"`
	LogTime time.Time `json:"log_time"`
	Users   int       `json:"users"`
	// Stale means that the node has no contact with a leader: Behind entries that it knows of are
	// missing, and perhaps others.
	Stale  bool   `json:"stale"`
	Behind uint64 `json:"behind,omitempty"`
	// KeyCheck, in hexadecimal digits, tells whether a master key is the one that the secrets in the
	// state are sealed under.
	KeyCheck string `json:"key_check"`
	// Losses are what a restore has made void; nil where there was none.
	Losses *Losses `json:"losses,omitempty"`
}

// Losses are what a restore has made void, and who is to be looked at.
type Losses struct {
	// Foreign means that the backup was of another cluster.
	Foreign bool `json:"foreign"`
	// Bypass, Invitations and Recovery are codes that were good, by user; Windows were open, by subject.
	Bypass      Lost `json:"bypass"`
	Invitations Lost `json:"invitations"`
	Recovery    Lost `json:"recovery"`
	Windows     Lost `json:"windows"`
	// Unregistered are users whose registration since the backup is gone: they need an invitation. Older are
	// users with a factor of then that was reset or registered anew since.
	Unregistered Lost `json:"unregistered"`
	Older        Lost `json:"older"`
}

// Lost counts things of one kind; Of names whose they are, the first 20, and More says that there are others.
type Lost struct {
	Count int      `json:"count"`
	Of    []string `json:"of,omitempty"`
	More  bool     `json:"more,omitempty"`
}

// BackupAct asks for a backup, sealed to age recipients or with a passphrase.
type BackupAct struct {
	// Recipients are public keys, "age1…"; none, and no passphrase, means those of the daemon's
	// configuration.
	Recipients []string `json:"recipients,omitempty"`
	// Passphrase takes the place of recipients. It goes over the socket and nowhere else.
	Passphrase string `json:"passphrase,omitempty"`
}

// Backup says what a backup holds. The backup itself is the body of the answer.
type Backup struct {
	SnapshotInfo
	// SealedTo are the recipients; none where it is a passphrase.
	SealedTo []string `json:"sealed_to"`
}

// backupHeader is the header of an answer in which a [Backup] stands as JSON.
const backupHeader = "Sallyport-Backup"
