package local

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/pelletier/go-toml/v2"

	"sallyport/directory/internal/names"
	"sallyport/login"
)

// Config is a [directory.NAME] table of type "local".
type Config struct {
	// UsersFile is a TOML file of [[users]] tables.
	UsersFile string `toml:"users_file"`
	// Users are people handed over by the program, next to those of the file.
	Users []User `toml:"users"`
	// Domains are the domains that mean this directory: with EXAMPLE, the name EXAMPLE\alice means
	// alice, and other domains nobody. Without Domains a name is taken whole.
	Domains []string `toml:"domains"`
}

// User is a [[users]] table.
type User struct {
	// ID names the person for good, whatever becomes of the name; [NewID] makes one.
	ID string `toml:"id"`
	// Name is the login name. Its spellings (case, width) are one name.
	Name string `toml:"name"`
	// PasswordHash is what [Hash] returned.
	PasswordHash login.Secret `toml:"password_hash"`
	// Disabled accounts may not log in.
	Disabled bool     `toml:"disabled"`
	Mail     string   `toml:"mail"`
	Phone    string   `toml:"phone"`
	Groups   []string `toml:"groups"`
}

// Validate reports everything that is wrong with the table, joined, each fault with its key and a
// colon in front. It reads no file.
func (c Config) Validate() error {
	var faults []error
	if c.UsersFile == "" && len(c.Users) == 0 {
		faults = append(faults, errors.New("users_file: missing; name the file with the [[users]] tables"))
	}
	if _, err := names.NewDomains(c.Domains); err != nil {
		faults = append(faults, fmt.Errorf("domains: %w", err))
	}
	if _, err := index(c.Users); err != nil {
		faults = append(faults, fmt.Errorf("users: %w", err))
	}
	return errors.Join(faults...)
}

// readFile reads the users of a file. Faults never quote the file: it holds hashes.
func readFile(file string) ([]User, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if text, err = login.ParseText(text); err != nil {
		return nil, fmt.Errorf("%s %w", file, err)
	}
	var content struct {
		Users []User `toml:"users"`
	}
	decoder := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	if err := decoder.Decode(&content); err != nil {
		return nil, fmt.Errorf("%s:%w", file, place(err))
	}
	return content.Users, nil
}

// place says where and what without the excerpt that the decoder adds.
func place(err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) {
		var faults []error
		for _, e := range strict.Errors {
			row, column := e.Position()
			faults = append(faults, fmt.Errorf("%d:%d: unknown key %q", row, column, e.Key()))
		}
		return errors.Join(faults...)
	}
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		row, column := decode.Position()
		return fmt.Errorf("%d:%d: not valid TOML, or a value of the wrong kind", row, column)
	}
	return errors.New(" not valid TOML")
}

// index checks users and returns them by normalised name.
func index(users []User) (map[string]*person, error) {
	var faults []error
	byName := make(map[string]*person, len(users))
	ids := make(map[string]string, len(users))
	for i, u := range users {
		fault := func(format string, args ...any) {
			faults = append(faults, fmt.Errorf("user %d (%q): "+format, append([]any{i + 1, u.Name}, args...)...))
		}
		name, err := login.Normalize(u.Name)
		if err != nil {
			fault("name: not a username")
			continue
		}
		h, err := parseHash(u.PasswordHash.Reveal())
		if err != nil {
			fault("password_hash: %w", err)
		}
		if u.ID == "" {
			fault("id: missing; `sallyport user hash-password` makes a table with a new one")
		} else if other, taken := ids[u.ID]; taken {
			fault("id: %q belongs to %q already", u.ID, other)
		}
		if _, taken := byName[name]; taken {
			fault("name: given twice")
		}
		ids[u.ID] = u.Name
		byName[name] = &person{User: u, hash: h}
	}
	return byName, errors.Join(faults...)
}
