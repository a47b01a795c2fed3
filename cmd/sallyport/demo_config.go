package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sallyport/cluster"
	"sallyport/cmd/sallyport/internal/config"
	"sallyport/web/admin"
)

// demoFolder returns the folder for the demo's state, and what to do with it at the end.
func demoFolder(state string) (folder string, clean func() error, err error) {
	if state == "" {
		folder, err = os.MkdirTemp("", "sallyport-demo-")
		return folder, func() error { return os.RemoveAll(folder) }, err
	}
	if folder, err = filepath.Abs(state); err != nil {
		return "", nil, err
	}
	if err := admin.ValidateSocket(demoSocket(folder)); err != nil {
		return "", nil, usageErrorf("--state: the folder's path is too long for the socket in it: %w", err)
	}
	return folder, func() error { return nil }, os.MkdirAll(folder, 0o700)
}

// demoOptions are what the demo decides of a node.
type demoOptions struct {
	node                   string
	folder, listen, status string
	// cluster is the address for the other nodes; empty for a node that is alone.
	cluster string
	// ui makes the demo's client one that reads the attributes.
	ui bool
	// level is that of the log.
	level string
}

// demoConfig returns the configuration of a demo's node that is alone. It is a text like any other
// configuration, and what runs on it is the daemon itself.
func demoConfig(o demoOptions, w *demoWorld) (*config.Config, error) {
	if err := demoMasterKey(demoKeyFile(o.folder)); err != nil {
		return nil, err
	}
	users, err := demoUsers()
	if err != nil {
		return nil, err
	}
	return config.Parse("demo", []byte(demoText(o, w, users)))
}

func demoText(o demoOptions, w *demoWorld, users string) string {
	return fmt.Sprintf(`
[node]
name = %q
data_dir = %q
master_key_file = %q
%s
[radius]
listen = %q

[[client]]
name = "demo"
address = ["127.0.0.0/8", "::1"]
secret = %q
message_authenticator = "optional"
policy = "demo"
ui = %t
prompts = "utf-8"

[policy.demo]
directory = "demo"
factors = ["totp", "email", "sms"]
registration = "first-login"
%s%s
[factors.totp]
issuer = %q

[status]
listen = %q

[admin]
socket = %q

[log]
level = %q

[directory.demo]
type = "local"
%s`, o.node, filepath.Join(o.folder, "data"), demoKeyFile(o.folder), o.clusterTable(), o.listen, demoSecret, o.ui,
		demoGroups(), w.factors(), demoBrand, o.status, demoSocket(o.folder), o.level, users)
}

func (o demoOptions) clusterTable() string {
	if o.cluster == "" {
		return ""
	}
	return fmt.Sprintf("\n[cluster]\nlisten = %q\n", o.cluster)
}

func demoKeyFile(folder string) string { return filepath.Join(folder, "master.key") }

func demoSocket(folder string) string { return filepath.Join(folder, "admin.sock") }

// demoMasterKey makes a master key unless an earlier demo did.
func demoMasterKey(file string) error {
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	key, err := cluster.GenerateMasterKey()
	if err != nil {
		return err
	}
	return writeNew(file, key)
}

// demoGroups is what the policy says of the groups: one factor for each.
func demoGroups() string {
	var b strings.Builder
	for _, group := range []string{demoApps, demoMails, demoPhones, demoTokens} {
		fmt.Fprintf(&b, "\n[[policy.demo.group]]\ngroups = [%q]\nfactors = [%q]\n", group, demoPerson{group: group}.factor())
	}
	return b.String()
}
