package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"

	"sallyport/directory/internal/names"
	"sallyport/login"
	"sallyport/login/fair"
)

// maxWaiting bounds the password checks that wait for a processor. At 20 ms each on two cores, the
// last one waits 0.7 s. A client that has none waiting may always wait: it is the next.
const maxWaiting = 64

// errBusy means that too many password checks are waiting; nothing may be concluded about the user.
var errBusy = errors.New("directory: too many password checks are waiting")

// Directory is a local directory. It is safe for concurrent use.
type Directory struct {
	name    string
	cfg     Config
	domains names.Domains
	log     *slog.Logger
	people  *people
	// hashing bounds the hashes in progress (19 MiB each) and the waiting ones. Clients take turns.
	hashing *fair.Gate
}

var _ login.Directory = (*Directory)(nil)

// person is a user with the hash parsed.
type person struct {
	User
	hash hash
}

// people is what the file said. It is immutable.
type people struct {
	byName map[string]*person
	byID   map[string]*person
	// decoy costs as much as anyone's hash and fits no password.
	decoy hash
}

// New returns the directory called name, with the users of its file. The error holds every fault.
func New(name string, cfg Config, log *slog.Logger) (*Directory, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	domains, err := names.NewDomains(cfg.Domains)
	if err != nil {
		return nil, fmt.Errorf("domains: %w", err)
	}
	d := &Directory{name: name, cfg: cfg, domains: domains, log: log.With("directory", name),
		hashing: fair.NewGate(fair.Limits{Places: runtime.GOMAXPROCS(0), Waiting: maxWaiting, Busy: errBusy})}
	if d.people, err = readPeople(cfg); err != nil {
		return nil, fmt.Errorf("users_file: %w", err)
	}
	d.log.Info("local users were read", "users", len(d.people.byID))
	return d, nil
}

func readPeople(cfg Config) (*people, error) {
	users := slices.Clone(cfg.Users)
	if cfg.UsersFile != "" {
		read, err := readFile(cfg.UsersFile)
		if err != nil {
			return nil, err
		}
		users = append(users, read...)
	}
	byName, err := index(users)
	if err != nil {
		return nil, err
	}
	p := &people{byName: byName, byID: make(map[string]*person, len(byName)), decoy: decoyOf(users)}
	for one := range maps.Values(byName) {
		p.byID[one.ID] = one
	}
	return p, nil
}

// decoyOf returns a hash of the first user's cost that fits nothing: its key is not what its salt gives.
func decoyOf(users []User) hash {
	decoy := hash{memory: memory, passes: passes, lanes: lanes}
	if len(users) > 0 {
		if h, err := parseHash(users[0].PasswordHash.Reveal()); err == nil {
			decoy = h
		}
	}
	decoy.salt, decoy.key = []byte("no such password"), make([]byte, keyLength)
	return decoy
}

// Name is the directory's name in the configuration and in front of its users' ids.
func (d *Directory) Name() string { return d.name }

// Authenticate implements [login.Directory]. A name that nobody has costs a hash too.
func (d *Directory) Authenticate(ctx context.Context, username, password string) (login.User, error) {
	if password == "" || strings.ContainsRune(password, 0) {
		return login.User{}, login.ErrPassword
	}
	all := d.people
	one, unknown := d.find(all, username)
	stored, id := all.decoy, ""
	if unknown == nil {
		stored, id = one.hash, d.user(one).ID
	}
	if err := login.MayTry(ctx, id); err != nil {
		return login.User{}, err
	}
	fits, err := d.check(ctx, stored, password)
	switch {
	case err != nil:
		return login.User{}, err
	case unknown != nil:
		return login.User{}, unknown
	case !fits:
		return d.user(one), login.ErrPassword
	}
	return d.present(one)
}

// Find implements [login.Directory].
func (d *Directory) Find(ctx context.Context, username string) (login.User, error) {
	if err := ctx.Err(); err != nil {
		return login.User{}, err
	}
	one, err := d.find(d.people, username)
	if err != nil {
		return login.User{}, err
	}
	return d.present(one)
}

// HasGroup reports whether somebody is in the group.
func (d *Directory) HasGroup(_ context.Context, name string) (bool, error) {
	group, err := login.ParseGroupName(name)
	if err != nil {
		return false, err
	}
	for _, one := range d.people.byID {
		if group.Denies(login.Membership{Names: one.Groups}) {
			return true, nil
		}
	}
	return false, nil
}

// Lookup implements [login.Directory].
func (d *Directory) Lookup(ctx context.Context, id string) (login.User, error) {
	if err := ctx.Err(); err != nil {
		return login.User{}, err
	}
	own, ok := strings.CutPrefix(id, d.name+":")
	one := d.people.byID[own]
	if !ok || one == nil {
		return login.User{}, login.ErrNoUser
	}
	return d.present(one)
}

// Ready returns nil: the users are in memory.
func (d *Directory) Ready(context.Context) error { return nil }

// Status is what an administrator is shown.
type Status struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	File  string `json:"file,omitempty"`
	Users int    `json:"users"`
}

// Status returns a [Status].
func (d *Directory) Status(context.Context) any {
	return Status{Name: d.name, Type: "local", File: d.cfg.UsersFile, Users: len(d.people.byName)}
}

func (d *Directory) find(all *people, username string) (*person, error) {
	who, err := d.domains.Parse(username)
	if err != nil {
		return nil, err
	}
	name, err := login.Normalize(who.Username)
	if err != nil || all.byName[name] == nil {
		return nil, login.ErrNoUser
	}
	return all.byName[name], nil
}

// check compares a password with a hash when a processor is free.
func (d *Directory) check(ctx context.Context, stored hash, password string) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, context.Cause(ctx)
	}
	client := login.ClientOf(ctx)
	if err := d.hashing.Enter(ctx, client); err != nil {
		return false, err
	}
	defer d.hashing.Leave(client)
	return stored.fits(password), nil
}

func (d *Directory) present(one *person) (login.User, error) {
	if one.Disabled {
		return d.user(one), login.ErrDisabled
	}
	return d.user(one), nil
}

func (d *Directory) user(one *person) login.User {
	return login.User{ID: d.name + ":" + one.ID, Name: one.Name, Mail: one.Mail, Phone: one.Phone, Groups: slices.Clone(one.Groups)}
}
