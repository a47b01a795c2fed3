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
	"sallyport/directory/local"
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

// demoConfig returns the configuration of the demo. It is a text like any other configuration, and
// what runs on it is the daemon itself.
func demoConfig(folder, listen, status string) (*config.Config, error) {
	key := filepath.Join(folder, "master.key")
	if err := demoMasterKey(key); err != nil {
		return nil, err
	}
	users, err := demoUsers()
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf(`
[node]
name = "demo"
data_dir = %q
master_key_file = %q

[radius]
listen = %q

[[client]]
name = "demo"
address = ["127.0.0.0/8", "::1"]
secret = %q
message_authenticator = "optional"
policy = "demo"

[policy.demo]
directory = "demo"
factors = ["totp"]
registration = "first-login"

[factors.totp]
issuer = "Sallyport demo"

[status]
listen = %q

[admin]
socket = %q

[log]
level = "error"

[directory.demo]
type = "local"
%s`, filepath.Join(folder, "data"), key, listen, demoSecret, status, demoSocket(folder), users)
	return config.Parse("demo", []byte(text))
}

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

// demoUsers returns the two users as tables. Their ids are fixed, so that what they register outlives
// a restart.
func demoUsers() (string, error) {
	var b strings.Builder
	for _, u := range []struct{ name, password string }{
		{demoUser, demoPassword}, {demoOtherUser, demoOtherPassword},
	} {
		hash, err := local.Hash(u.password)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "[[directory.demo.users]]\nid = %q\nname = %q\npassword_hash = %q\n", u.name, u.name, hash)
	}
	return b.String(), nil
}
