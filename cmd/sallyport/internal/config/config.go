package config

import (
	"cmp"
	"net"
	"slices"
	"time"

	"sallyport/audit"
	"sallyport/directory"
	"sallyport/factors"
	"sallyport/login"
	"sallyport/radius"
)

// DefaultFile is where the configuration is looked for when nothing else is said.
const DefaultFile = "/etc/sallyport/sallyport.toml"

// Config is the whole configuration. It is not changed after [Load]; a reload makes another one.
type Config struct {
	Node        Node                        `toml:"node"`
	Cluster     Cluster                     `toml:"cluster"`
	Radius      Radius                      `toml:"radius"`
	Clients     []Client                    `toml:"client"`
	Directories map[string]directory.Config `toml:"directory"`
	Policies    map[string]Policy           `toml:"policy"`
	Factors     factors.Config              `toml:"factors"`
	Login       Login                       `toml:"login"`
	Status      Status                      `toml:"status"`
	Snapshot    Snapshot                    `toml:"snapshot"`
	Admin       Admin                       `toml:"admin"`
	Log         Log                         `toml:"log"`
	Audit       Audit                       `toml:"audit"`

	// Warnings are what is allowed, but unwise.
	Warnings Faults
	// Placeholders are the settings that still have a value of the documents' examples.
	Placeholders Faults

	// dictionary is what the check has read of Radius.Dictionaries; nil knows the RFCs alone.
	dictionary *radius.Dictionary
}

// Node is the [node] table.
type Node struct {
	// Name is the node's name in the cluster. It is kept with the state and does not change.
	Name string `toml:"name"`
	// DataDir holds the replicated state.
	DataDir string `toml:"data_dir"`
	// MasterKey seals the secrets in the state. "sallyport keys generate" makes one.
	MasterKey     login.Secret `toml:"master_key"`
	MasterKeyFile string       `toml:"master_key_file"`
}

// Cluster is the [cluster] table: how the nodes reach one another.
type Cluster struct {
	// Listen is the TCP address for the other nodes, an IP address and a port. Empty means that the
	// node is alone: no port is open.
	Listen string `toml:"listen"`
	// Advertise is the host and port at which the other nodes reach this one; empty means Listen.
	Advertise string `toml:"advertise"`
	// Profile is lan or wan: how soon a leader that is silent is replaced.
	Profile string `toml:"profile"`
}

// Address is where the other nodes reach this one; empty for a node that is alone.
func (c Cluster) Address() string { return cmp.Or(c.Advertise, c.Listen) }

// Radius is the [radius] table.
type Radius struct {
	// Listen are the UDP addresses, host:port.
	Listen []string `toml:"listen"`
	// AccountingListen are the UDP addresses for accounting; empty means none. [Load] makes it the next
	// port of each address of Listen where the file does not say.
	AccountingListen []string `toml:"accounting_listen"`
	// AccountingGiven says that the file has it.
	AccountingGiven bool
	// VendorID is the vendor of our own attributes.
	VendorID uint32 `toml:"vendor_id"`
	// Dictionaries are files in FreeRADIUS's format, for the reply attributes of clients.
	Dictionaries []string `toml:"dictionaries"`
}

// Client is a [[client]] table: a RADIUS client, or a network of them.
type Client struct {
	Name string `toml:"name"`
	// Address are addresses and networks; packets from elsewhere are not this client's.
	Address    []string     `toml:"address"`
	Secret     login.Secret `toml:"secret"`
	SecretFile string       `toml:"secret_file"`
	// MessageAuthenticator is auto, required or optional.
	MessageAuthenticator string `toml:"message_authenticator"`
	// ProxyStateLimit is how many Proxy-State attributes a request without Message-Authenticator
	// may have, under the rule optional.
	ProxyStateLimit uint8 `toml:"proxy_state_limit"`
	// Mode is challenge, append or otp-only.
	Mode string `toml:"mode"`
	// Append is comma or digits, AppendDigits the length of the code: the form of mode append.
	Append       string `toml:"append"`
	AppendDigits uint8  `toml:"append_digits"`
	Policy       string `toml:"policy"`
	// UI is true for clients that read our attributes.
	UI bool `toml:"ui"`
	// OnOutage is silent or reject.
	OnOutage string `toml:"on_outage"`
	// Charset of names and passwords: auto, utf-8 or latin-1.
	Charset string `toml:"charset"`
	// Prompts is ascii or utf-8: the characters of Reply-Message.
	Prompts string `toml:"prompts"`
	// Language is a BCP 47 tag of what is sent to people by this client's logins.
	Language string `toml:"language"`
	// Profile is plain, asa-sdi or upstream: the wording of prompts.
	Profile string `toml:"profile"`
	// Reply are attributes that go with an Accept.
	Reply []Reply `toml:"reply"`

	// replies are the rules that the check has made of Reply.
	replies []radius.ReplyRule
}

// Reply is a [[client.reply]] table: attributes for members of any of the groups, or for everybody
// where there are none.
type Reply struct {
	Groups     []string            `toml:"groups"`
	Attributes map[string][]string `toml:"attributes"`
}

// Policy is a [policy.NAME] table.
type Policy struct {
	Directory string   `toml:"directory"`
	Factors   []string `toml:"factors"`
	// Registration is a way to a first registration; there is no default.
	Registration string `toml:"registration"`
	// Group are other rules for members of groups, Exempt those who need no second factor.
	Group  []GroupRule `toml:"group"`
	Exempt []Exemption `toml:"exempt"`
	// ConcealPassword answers every password with a challenge.
	ConcealPassword bool `toml:"conceal_password"`
	// OneRSAMessage tells people one sentence for all failures of SecurID.
	OneRSAMessage bool `toml:"one_rsa_message"`
}

// GroupRule is a [[policy.NAME.group]] table. What it does not say is as the policy has it.
type GroupRule struct {
	Groups       []string `toml:"groups"`
	Deny         bool     `toml:"deny"`
	Factors      []string `toml:"factors"`
	Registration string   `toml:"registration"`
}

// Exemption is a [[policy.NAME.exempt]] table.
type Exemption struct {
	Rule    string    `toml:"rule"`
	Users   []string  `toml:"users"`
	Groups  []string  `toml:"groups"`
	Clients []string  `toml:"clients"`
	Reason  string    `toml:"reason"`
	Until   time.Time `toml:"until"`
}

// Login is the [login] table: times and limits of a login.
type Login struct {
	ChallengeLife    time.Duration `toml:"challenge_life"`
	RegistrationLife time.Duration `toml:"registration_life"`
	// SentLife is how long a code that was sent is awaited, DialogueLife an answer to another server.
	SentLife     time.Duration `toml:"sent_life"`
	DialogueLife time.Duration `toml:"dialogue_life"`
	// Attempts is the number of wrong codes that end a challenge.
	Attempts uint32 `toml:"attempts"`
	// SoftLock wrong codes in a row lock the factor for SoftLockFor, doubling up to SoftLockMax;
	// HardLock in a row lock it until an administrator unlocks it.
	SoftLock    uint32        `toml:"soft_lock"`
	SoftLockFor time.Duration `toml:"soft_lock_for"`
	SoftLockMax time.Duration `toml:"soft_lock_max"`
	HardLock    uint32        `toml:"hard_lock"`
	// PasswordTries wrong passwords are judged at once, then one more every PasswordTriesEvery; per
	// user, client and Calling-Station-Id, on this node.
	PasswordTries      uint32        `toml:"password_tries"`
	PasswordTriesEvery time.Duration `toml:"password_tries_every"`
	// RejectDelay is the least time from a request to a Reject.
	RejectDelay time.Duration `toml:"reject_delay"`
	// PeakRate is how many logins a second are expected at most; a tenth as many may be
	// registrations. The ledger keeps the verdicts of as many as can be open then.
	PeakRate uint32 `toml:"peak_rate"`
	// SecurIDWithoutQuorum is how long after the last contact with a leader passcodes are still
	// forwarded; 0 means never.
	SecurIDWithoutQuorum time.Duration `toml:"securid_without_quorum"`
}

// Status is the [status] table.
type Status struct {
	// Listen is the TCP address of the status port; empty means none.
	Listen string `toml:"listen"`
	// Hosts are the names under which the status port may be asked, besides addresses and the machine's name.
	Hosts []string `toml:"hosts"`
}

// StatusHosts are the names under which the status port may be asked: those of its own, and where the other nodes reach this one.
func (c *Config) StatusHosts() []string {
	hosts := slices.Clone(c.Status.Hosts)
	if host, _, err := net.SplitHostPort(c.Cluster.Advertise); err == nil {
		hosts = append(hosts, host)
	}
	return hosts
}

// Snapshot is the [snapshot] table.
type Snapshot struct {
	// Recipients are the public keys, "age1…", that backups are sealed to.
	Recipients []string `toml:"recipients"`
}

// Admin is the [admin] table.
type Admin struct {
	// Socket is the Unix socket through which the command line reaches the daemon.
	Socket string `toml:"socket"`
}

// Log is the [log] table.
type Log struct {
	// Format is json or text, Level debug, info, warn or error.
	Format string `toml:"format"`
	Level  string `toml:"level"`
}

// Audit is the [audit] table: how much is kept of this node's events, in data_dir/audit.
type Audit struct {
	// MaxAge is how long an event is kept, MaxMiB how large the store becomes.
	MaxAge time.Duration `toml:"max_age"`
	MaxMiB uint32        `toml:"max_mib"`
}

// Default returns the settings of an empty file.
func Default() Config {
	limits := login.DefaultLimits()
	return Config{
		Node: Node{
			DataDir:       "/var/lib/sallyport",
			MasterKeyFile: "/etc/sallyport/master.key",
		},
		Cluster: Cluster{Profile: "lan"},
		Radius:  Radius{Listen: []string{"0.0.0.0:1812"}, AccountingListen: []string{"0.0.0.0:1813"}, VendorID: 32473},
		Login: Login{
			ChallengeLife:      login.DefaultChallengeLife,
			RegistrationLife:   login.DefaultRegistrationLife,
			SentLife:           login.DefaultSentLife,
			DialogueLife:       login.DefaultDialogueLife,
			Attempts:           limits.Attempts,
			SoftLock:           limits.SoftLock,
			SoftLockFor:        limits.SoftLockFor,
			SoftLockMax:        limits.SoftLockMax,
			HardLock:           limits.HardLock,
			PasswordTries:      login.DefaultPasswordTries,
			PasswordTriesEvery: login.DefaultPasswordTriesEvery,
			RejectDelay:        time.Second,
			PeakRate:           500,

			SecurIDWithoutQuorum: 15 * time.Minute,
		},
		Status: Status{Listen: "127.0.0.1:9812"},
		Admin:  Admin{Socket: "/run/sallyport/admin.sock"},
		Log:    Log{Format: "text", Level: "info"},
		Audit:  Audit{MaxAge: audit.DefaultMaxAge, MaxMiB: audit.DefaultMaxBytes >> 20},
	}
}

// setDefaults fills in what a client need not say.
func (c *Client) setDefaults() {
	*c = Client{
		MessageAuthenticator: "auto", Mode: "challenge", Append: "comma", AppendDigits: 6,
		OnOutage: "silent", Charset: "auto", Prompts: "ascii", Profile: "plain",
	}
}
