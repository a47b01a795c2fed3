package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/crypto/argon2"

	"sallyport/e2e/servers"
)

// password is everyone's.
const password = "correct horse battery staple"

// nodeConfig is what each node is configured with, besides what the harness adds.
const nodeConfig = `[[client]]
name = "load"
address = ["127.0.0.0/8"]
secret = %q
message_authenticator = "required"
policy = "everyone"

[directory.people]
type = "local"
users_file = %q

[policy.everyone]
directory = "people"
factors = ["totp"]
registration = "closed"

[factors.totp]
issuer = "Scale"

[login]
peak_rate = 5000
`

// person is somebody who is enrolled.
type person int

func (p person) name() string { return fmt.Sprintf("user%06d", int(p)) }

func (p person) id() string { return fmt.Sprintf("%08x-0000-4000-8000-00000000beef", int(p)) }

// userID is how the state names the person.
func (p person) userID() string { return "people:" + p.id() }

// newKey is a random TOTP key in base32.
func newKey() string {
	key := make([]byte, 20)
	rand.Read(key)
	return base32.StdEncoding.EncodeToString(key)
}

// cheapHash is the password's hash, for 64 KiB and one pass instead of 20 ms.
func cheapHash() string {
	salt := []byte("one for everyone")
	key := argon2.IDKey([]byte(password), salt, 1, 64, 1, 32)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=19$m=64,t=1,p=1$%s$%s", b64.EncodeToString(salt), b64.EncodeToString(key))
}

// key is the person's TOTP key: that of the load tool for those who log in, else a new one.
func (s *stage) key(p person) string {
	if int(p) < len(s.keys) {
		return s.keys[p]
	}
	return newKey()
}

// writePeople writes the directory of those who log in, and their keys for the load tool.
func (s *stage) writePeople() error {
	usersFile := filepath.Join(s.dir, "users.toml")
	s.config = fmt.Sprintf(nodeConfig, servers.ClientSecret, usersFile)
	hash := cheapHash()
	var users, keys bytes.Buffer
	for i := range s.people {
		p := person(i)
		s.keys = append(s.keys, newKey())
		fmt.Fprintf(&users, "[[users]]\nid = %q\nname = %q\npassword_hash = %q\n\n", p.id(), p.name(), hash)
		fmt.Fprintf(&keys, "%s %s\n", p.name(), s.keys[i])
	}
	return errors.Join(os.WriteFile(usersFile, users.Bytes(), 0o600), os.WriteFile(s.keysFile, keys.Bytes(), 0o600))
}
