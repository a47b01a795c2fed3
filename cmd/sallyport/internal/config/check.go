package config

import (
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"sallyport/cluster"
	"sallyport/cluster/backup"
	"sallyport/cluster/link"
	"sallyport/cmd/sallyport/internal/regular"
	"sallyport/radius"
	"sallyport/web/admin"
	"sallyport/web/status"
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
	// now is when it is checked: exemptions end.
	now time.Time
}

func (c *checker) check() {
	c.node()
	c.cluster()
	c.part("radius", radius.Config{Listen: c.Radius.Listen, Accounting: c.Accounting()}.Validate())
	if c.Radius.VendorID == 0 {
		c.fault("radius.vendor_id", "must be at least 1")
	}
	c.dictionaries()
	c.status()
	c.admin()
	c.snapshot()
	c.audit()
	c.oneOf("log.format", c.Log.Format, "json", "text")
	c.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	c.login()
	c.clients()
	c.directories()
	c.secondFactors()
	c.policies()
	if len(c.faults)+len(c.refused) == 0 { // then the server has the last word
		c.part("radius", radius.Config{Listen: c.Radius.Listen, Accounting: c.Accounting(), Clients: c.RadiusClients(), VendorID: c.Radius.VendorID}.Validate())
	}
}

// fault notes a fault of a key, at its place or at that of the nearest table above it. What is wrong
// with a secret stands at its file where that is given.
func (c *checker) fault(key, format string, args ...any) {
	key = c.given(key)
	if !c.refused[key] {
		c.faults = append(c.faults, c.at(key).fault(key, format, args...))
	}
}

func (c *checker) warn(key, format string, args ...any) {
	key = c.given(key)
	c.warnings = append(c.warnings, c.at(key).fault(key, format, args...))
}

// given returns the key of the file that key is read from, where the file is what was given.
func (c *checker) given(key string) string {
	_, here := c.places[key]
	_, file := c.places[key+"_file"]
	if file && !here {
		return key + "_file"
	}
	return key
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

// dictionaries reads what clients' reply attributes and the RSA server's are named by.
func (c *checker) dictionaries() {
	const key = "radius.dictionaries"
	if !c.regular(key, c.Radius.Dictionaries...) {
		return
	}
	var err error
	if c.dictionary, err = radius.LoadDictionary(c.Radius.Dictionaries); err != nil {
		c.fault(key, "%v", err)
	}
}

// regular reports whether the files that a setting names, as far as it does, can be opened without
// waiting for anybody.
func (c *checker) regular(key string, files ...string) bool {
	good := true
	for _, file := range files {
		if file == "" {
			continue
		}
		if err := regular.Check(file); err != nil {
			c.fault(key, "%v", err)
			good = false
		}
	}
	return good
}

func (c *checker) status() {
	if c.Status.Listen == "" {
		return
	}
	c.part("status", status.Config{Listen: c.Status.Listen, Hosts: c.Status.Hosts}.Validate())
	if a, err := netip.ParseAddrPort(c.Status.Listen); err == nil && !a.Addr().Unmap().IsLoopback() {
		c.warn("status.listen", "%s can be reached from other machines, and this version asks for no login there: prefer 127.0.0.1, or see to a firewall", a)
		if len(c.Status.Hosts) == 0 {
			c.warn("status.listen", "asked under another name than this machine's (%s) or by none it answers 421: name in hosts what probes and Prometheus ask for, or have them ask for the IP address", machine())
		}
	}
}

// What the audit store keeps at least: it is removed in parts of both bounds.
const (
	leastAuditAge = time.Hour
	leastAuditMiB = 16
)

func (c *checker) audit() {
	if c.Audit.MaxAge < leastAuditAge {
		c.fault("audit.max_age", "must be at least %v", leastAuditAge)
	}
	if c.Audit.MaxMiB < leastAuditMiB {
		c.fault("audit.max_mib", "must be at least %d", leastAuditMiB)
	}
}

// machine is this machine's name, as far as it has one.
func machine() string {
	name, err := os.Hostname()
	if err != nil || name == "" {
		return "none"
	}
	return name
}

func (c *checker) admin() {
	if c.Admin.Socket == "" {
		c.fault("admin.socket", "is empty: without the socket nobody can be unlocked")
		return
	}
	if err := admin.ValidateSocket(c.Admin.Socket); err != nil {
		c.fault("admin.socket", "%v", err)
	}
}

// snapshot tries each recipient by itself, so that the fault stands at it.
func (c *checker) snapshot() {
	for i, text := range c.Snapshot.Recipients {
		if _, err := backup.ParseRecipients([]string{text}); err != nil {
			c.fault(element("snapshot.recipients", i), "%v", err)
		}
	}
}

func (c *checker) node() {
	if c.Node.Name == "" {
		c.fault("node.name", `missing: give this node a name, such as "node1"; it stays with the state`)
	}
	if c.Node.Name != "" && c.Cluster.Listen != "" {
		if err := link.CheckName(c.Node.Name); err != nil {
			c.fault("node.name", "%v", err)
		}
	}
	if c.Node.DataDir == "" {
		c.fault("node.data_dir", "is empty: name the folder for the state")
	}
	key := "node.master_key"
	if c.Node.MasterKeyFile != "" {
		key = "node.master_key_file" // perhaps by default
	}
	if _, err := cluster.ParseMasterKey([]byte(c.Node.MasterKey.Reveal())); err != nil {
		c.fault(key, "%v", err)
	}
	c.trivialKey(key)
}
