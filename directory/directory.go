// Package directory holds the one list of directories: the LDAP client (directory/ldap) and the
// embedded one (directory/local). A new kind is a folder of its own and a line in [New].
//
// # What "found" and "password right" mean
//
// A person is found when exactly one entry fits the name that was typed, after its domain was taken
// off and its spelling folded. From then on the entry's immutable id stands for the person; the name
// does not. A password is right when the directory says so about that very entry: an LDAP server
// accepts a bind as it, the local directory's hash fits. Everything that a directory refuses is one
// of login's Err values. Any other error means that the directory could not be asked, and nothing may
// be concluded from it, least of all that there is no such user.
package directory

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"sallyport/directory/ldap"
	"sallyport/directory/local"
	"sallyport/login"
)

// Config is one [directory.NAME] table. The keys of the type that was not chosen must be absent.
type Config struct {
	// Type is "ldap" or "local".
	Type string `toml:"type"`
	// UsersFile is, for "local", a TOML file of [[users]] tables.
	UsersFile string `toml:"users_file"`
	// Users are, for "local", people given in the table itself.
	Users []local.User `toml:"users"`
	// Config holds the keys of "ldap"; Domains is for both.
	ldap.Config
}

// Deps are what every directory is given.
type Deps struct {
	// Logger receives what an operator must know.
	Logger *slog.Logger
	// Now is the clock.
	Now func() time.Time
}

// Validate reports everything that is wrong with the table, joined, each fault with its key and a
// colon in front: "urls: ...". It reads no file and asks no server.
func (c Config) Validate() error {
	switch c.Type {
	case "ldap":
		foreign := c.local()
		foreign.Domains = nil // for both
		return errors.Join(append(misplaced(foreign, "local"), c.Config.Validate())...)
	case "local":
		foreign := c.Config
		foreign.Domains = nil
		return errors.Join(append(misplaced(foreign, "ldap"), c.local().Validate())...)
	case "":
		return errors.New(`type: missing; "ldap" or "local"`)
	}
	return fmt.Errorf(`type: unknown type %q; "ldap" or "local"`, c.Type)
}

// Effective returns what is in effect: a struct of the keys of the table's type, defaults included.
func (c Config) Effective() any {
	if c.Type == "local" {
		return struct {
			Type string `toml:"type"`
			local.Config
		}{c.Type, c.local()}
	}
	return struct {
		Type string `toml:"type"`
		ldap.Config
	}{c.Type, c.Config.Effective()}
}

// Files returns the files that a directory reads when it is built, and not again. (A secret's file is
// read with the configuration.)
func (c Config) Files() []string {
	var files []string
	for _, file := range []string{c.UsersFile, c.CAFile} {
		if file != "" {
			files = append(files, file)
		}
	}
	return files
}

func (c Config) local() local.Config {
	return local.Config{UsersFile: c.UsersFile, Users: c.Users, Domains: c.Domains}
}

// New builds the directory called name. What it returns has, besides [login.Directory], the methods
// Name, Ready and Status; those of type "ldap" also Run, Close and Stats.
func New(name string, cfg Config, deps Deps) (login.Directory, error) {
	if name == "" || strings.ContainsAny(name, ": \x00") {
		return nil, fmt.Errorf("%q is not a name for a directory: it stands in front of its users' ids, before a colon", name)
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Type == "local" {
		return orNil(local.New(name, cfg.local(), deps.Logger))
	}
	return orNil(ldap.New(name, cfg.Config, deps.Logger, deps.Now))
}

// orNil keeps a nil pointer from becoming a directory that is not nil.
func orNil[D login.Directory](d D, err error) (login.Directory, error) {
	if err != nil {
		return nil, err
	}
	return d, nil
}
