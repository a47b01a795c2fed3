package ldap

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"sallyport/directory/internal/names"
	"sallyport/login"
	"sallyport/login/fair"
)

// Directory is an LDAP directory, served by one or more servers. It is safe for concurrent use.
type Directory struct {
	name    string
	cfg     Config
	timeout time.Duration
	domains names.Domains
	// filter finds a person, bindAs (nil without a bind template) makes the name to bind as.
	filter textTemplate
	bindAs *bindTemplate
	groups *groupSearch
	// groupBase is group_base_dn, "" where it was not configured.
	groupBase string
	// byLogin says that a filter or template depends on all that was typed, not on the username alone.
	byLogin bool
	// nobody is a DN that cannot exist, to bind as where nobody has the name.
	nobody string
	// wanted are the attributes that are read of an entry.
	wanted []string

	servers   []*server
	primaries primaries
	gate      *fair.Gate
	entries   *cache
	stats     counters

	log *slog.Logger
	now func() time.Time
}

var _ login.Directory = (*Directory)(nil)

// New returns the directory called name. It reads the CA file and asks no server yet. The error
// holds every fault of the configuration, as [Config.Validate] reports them.
func New(name string, cfg Config, log *slog.Logger, now func() time.Time) (*Directory, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	groupBase := cfg.GroupBaseDN
	cfg = cfg.withDefaults()
	d := &Directory{name: name, groupBase: groupBase, cfg: cfg, timeout: time.Duration(cfg.Timeout), gate: newGate(maxInFlight, maxWaiting), now: now,
		log: log.With("directory", name), nobody: strings.TrimSuffix("cn=nobody-"+strings.ToLower(rand.Text())+","+cfg.BaseDN, ",")}
	life := time.Duration(*cfg.EntryCache)
	keep := life
	if cfg.BindDN == "" {
		keep = max(life, directMemory)
	}
	d.entries = newCache(life, keep, maxEntries, now)
	var err error
	if d.domains, err = names.NewDomains(cfg.Domains); err != nil {
		return nil, fmt.Errorf("domains: %w", err)
	}
	if d.filter, err = parseTemplate(cfg.SearchFilter, "username", "login"); err != nil {
		return nil, fmt.Errorf("search_filter: %w", err)
	}
	if d.bindAs, err = newBindTemplate(cfg.BindTemplate); err != nil {
		return nil, fmt.Errorf("bind_template: %w", err)
	}
	if d.groups, err = newGroupSearch(cfg); err != nil {
		return nil, fmt.Errorf("group_filter: %w", err)
	}
	d.wanted = d.attributes()
	d.byLogin = strings.Contains(cfg.SearchFilter+cfg.BindTemplate, "{login}")
	return d, d.addServers()
}

func (d *Directory) addServers() error {
	var roots *x509.CertPool
	if d.cfg.CAFile != "" {
		pem, err := os.ReadFile(d.cfg.CAFile)
		if err != nil {
			return fmt.Errorf("ca_file: %w", err)
		}
		if roots = x509.NewCertPool(); !roots.AppendCertsFromPEM(pem) {
			return fmt.Errorf("ca_file: %s holds no PEM certificate", d.cfg.CAFile)
		}
	}
	for _, text := range d.cfg.URLs {
		u, err := url.Parse(text)
		if err != nil {
			return fmt.Errorf("urls: %w", err)
		}
		e := endpoint{url: u.Scheme + "://" + u.Host, ldaps: u.Scheme == "ldaps", startTLS: d.cfg.StartTLS}
		port := u.Port()
		if port == "" {
			port = map[bool]string{true: ldap.DefaultLdapsPort, false: ldap.DefaultLdapPort}[e.ldaps]
		}
		e.address = net.JoinHostPort(u.Hostname(), port)
		e.tls = &tls.Config{RootCAs: roots, ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
		if d.cfg.ServerName != "" {
			e.tls.ServerName = d.cfg.ServerName
		}
		d.servers = append(d.servers, newServer(e, d.cfg, d.log, d.now))
	}
	return nil
}

// Name is the directory's name in the configuration and in front of its users' ids.
func (d *Directory) Name() string { return d.name }

// Authenticate implements [login.Directory]. It costs one bind, and a search where the entry was not
// read within the entry-cache time.
func (d *Directory) Authenticate(ctx context.Context, username, password string) (login.User, error) {
	if password == "" || strings.ContainsRune(password, 0) {
		return login.User{}, login.ErrPassword
	}
	who, err := d.domains.Parse(username)
	if err != nil {
		return login.User{}, d.refuseStranger(ctx, password, err)
	}
	if d.bindAs != nil {
		return d.authenticateDirect(ctx, who, password)
	}
	a, cached, err := d.find(ctx, who)
	if errors.Is(err, login.ErrNoUser) {
		return login.User{}, d.refuseStranger(ctx, password, err)
	}
	if err != nil {
		return login.User{}, err
	}
	if err := login.MayTry(ctx, a.user.ID); err != nil {
		return a.user, err
	}
	// Before the bind, so that groups that cannot be had tell nothing of the password.
	if user, err := d.complete(ctx, a, a.user); err != nil {
		return user, err
	}
	v, err := d.bind(ctx, a.dn, password)
	if err != nil {
		return login.User{}, err
	}
	if cached && v.refusal == nil {
		if err := d.confirm(ctx, who, a, &v); err != nil {
			return login.User{}, err
		}
	}
	return d.conclude(ctx, who, a, v)
}

// Find implements [login.Directory].
func (d *Directory) Find(ctx context.Context, username string) (login.User, error) {
	who, err := d.domains.Parse(username)
	if err != nil {
		return login.User{}, err
	}
	a, cached, err := d.find(ctx, who)
	if errors.Is(err, login.ErrNoUser) {
		return login.User{}, d.asIfFound(ctx, err)
	}
	if err != nil {
		return login.User{}, err
	}
	if cached && d.cfg.BindDN != "" { // without a service account nobody else can be asked
		v := verdict{server: a.user.Server}
		if err := d.confirm(ctx, who, a, &v); err != nil {
			return login.User{}, err
		}
		if v.refusal != nil {
			return login.User{}, v.refusal
		}
		if v.account != nil {
			a = v.account
		}
	}
	return d.present(ctx, a)
}

// Lookup implements [login.Directory]: it costs nothing within the entry-cache time, and a search
// after it.
func (d *Directory) Lookup(ctx context.Context, id string) (login.User, error) {
	own, ok := strings.CutPrefix(id, d.name+":")
	if !ok || clean(own) == "" {
		return login.User{}, fmt.Errorf("%w: not an id of this directory", login.ErrNoUser)
	}
	a := d.entries.id(id)
	if a == nil || login.IsAnew(ctx) {
		var err error
		if a, err = d.findByID(ctx, own); errors.Is(err, login.ErrNoUser) {
			return login.User{}, d.asIfFound(ctx, err)
		}
		if err != nil {
			return login.User{}, err
		}
	}
	return d.present(ctx, a)
}

// Close ends the idle connections, and those in use when their question is answered or its time is
// over. Questions may still be asked; each then costs a connection.
func (d *Directory) Close() error {
	for _, s := range d.servers {
		s.users.close()
		s.service.close()
	}
	return nil
}
