package config

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"sallyport/cluster"
)

// checker looks at what the settings mean. It assumes nothing about those that decoding refused:
// a setting with a fault already is not judged again.
type checker struct {
	*Config
	places map[string]place
	// refused holds the settings that decoding found fault with.
	refused  map[string]bool
	faults   Faults
	warnings Faults
}

func (c *checker) check() {
	c.node()
	c.listen("radius.listen", c.Radius.Listen...)
	if len(c.Radius.Listen) == 0 {
		c.fault("radius.listen", "is empty: name at least one address, such as %q", "0.0.0.0:1812")
	}
	if c.Status.Listen != "" {
		c.listen("status.listen", c.Status.Listen)
	}
	c.oneOf("log.format", c.Log.Format, "json", "text")
	c.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	c.login()
	c.clients()
	c.directories()
	c.secondFactors()
	c.policies()
}

// fault notes a fault of a key, at its place or at that of the nearest table above it.
func (c *checker) fault(key, format string, args ...any) {
	if !c.refused[key] {
		c.faults = append(c.faults, c.at(key).fault(key, format, args...))
	}
}

func (c *checker) warn(key, format string, args ...any) {
	c.warnings = append(c.warnings, c.at(key).fault(key, format, args...))
}

func (c *checker) at(key string) place {
	for ; key != ""; key = parent(key) {
		if p, ok := c.places[key]; ok {
			return p
		}
	}
	return c.places[""]
}

// part notes what a part says about its own table: each error begins with a key, "urls: …".
func (c *checker) part(path string, err error) {
	if err == nil {
		return
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			c.part(path, e)
		}
		return
	}
	key, message, ok := strings.Cut(err.Error(), ": ")
	if !ok || strings.ContainsAny(key, " \"") {
		c.fault(path, "%v", err)
		return
	}
	c.fault(path+"."+key, "%s", message)
}

// oneOf checks a setting that knows a few words.
func (c *checker) oneOf(key, value string, words ...string) {
	if !slices.Contains(words, value) {
		c.fault(key, "must be %s", alternatives(words))
	}
}

// alternatives lists words as people do: "a", "b" or "c".
func alternatives(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strconv.Quote(w)
	}
	last := len(quoted) - 1
	if last == 0 {
		return quoted[0]
	}
	return strings.Join(quoted[:last], ", ") + " or " + quoted[last]
}

// listen checks addresses to listen on: an IP address and a port. Names are refused, since one name
// may be several addresses, or another one tomorrow.
func (c *checker) listen(key string, addresses ...string) {
	for i, a := range addresses {
		host, port, err := net.SplitHostPort(a)
		if err == nil && host != "" {
			_, err = netip.ParseAddr(host)
		}
		if err == nil {
			_, err = strconv.ParseUint(port, 10, 16)
		}
		if err != nil {
			c.fault(key, "%q is not an IP address with a port, such as %q", a, "192.0.2.1:1812")
		}
		if slices.Contains(addresses[:i], a) {
			c.fault(key, "%q stands here twice", a)
		}
	}
}

func (c *checker) node() {
	if c.Node.Name == "" {
		c.fault("node.name", `missing: give this node a name, such as "node1"; it stays with the state`)
	}
	if c.Node.DataDir == "" {
		c.fault("node.data_dir", "is empty: name the folder for the state")
	}
	key := "node.master_key"
	if c.Node.MasterKeyFile != "" {
		key = "node.master_key_file"
	}
	if _, err := cluster.ParseMasterKey([]byte(c.Node.MasterKey.Reveal())); err != nil {
		c.fault(key, "%v", err)
	}
	if c.Admin.Socket == "" {
		c.fault("admin.socket", "is empty: without the socket nobody can be unlocked")
	}
}

// login checks that limits and times leave a login possible, and end it.
func (c *checker) login() {
	l := c.Login
	for key, value := range map[string]uint32{
		"attempts": l.Attempts, "soft_lock": l.SoftLock, "hard_lock": l.HardLock, "peak_rate": l.PeakRate,
	} {
		if value == 0 {
			c.fault("login."+key, "must be at least 1")
		}
	}
	for key, value := range map[string]time.Duration{
		"challenge_life": l.ChallengeLife, "registration_life": l.RegistrationLife,
	} {
		if value < 10*time.Second || value > time.Hour {
			c.fault("login."+key, "must be between 10s and 1h")
		}
	}
	if l.SoftLockFor < time.Second || l.SoftLockMax < l.SoftLockFor {
		c.fault("login.soft_lock_for", "must be at least 1s, and at most soft_lock_max")
	}
	if l.HardLock < l.SoftLock {
		c.fault("login.hard_lock", "must not be less than soft_lock")
	}
	if l.RejectDelay > 5*time.Second {
		c.fault("login.reject_delay", "must be at most 5s: clients do not wait longer")
	}
}
