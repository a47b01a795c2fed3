package factors

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sallyport/factors/email"
	"sallyport/factors/securid"
	"sallyport/factors/sms"
	"sallyport/factors/totp"
	"sallyport/login"
)

// Config is the [factors] section: one table per factor. A factor whose table is absent does not
// exist, and a policy that names it is refused.
type Config struct {
	TOTP    *totp.Config    `toml:"totp"`
	Email   *email.Config   `toml:"email"`
	SMS     *sms.Config     `toml:"sms"`
	SecurID *securid.Config `toml:"securid"`
}

// Deps are what factors are built with. All must be given.
type Deps struct {
	Logger *slog.Logger
	Now    func() time.Time
	// Upstream returns what forwards answers to the servers of [factors.securid].
	Upstream func(securid.Config) (securid.Upstream, error)
}

// Kind is a factor as a configuration knows it.
type Kind struct {
	Name string
	// Configured says that the factor's table is there.
	Configured bool
	// Registered says that people hold a registration of it here; Addressed that a code is sent to
	// an address, which a directory may hold too.
	Registered, Addressed bool
	// Table is the factor's table, a struct. Files are what is read besides when it is built, and not
	// again; the file of a secret is read with the configuration.
	Table any
	Files []string

	validate func() error
	warnings func() []error
	build    func(Deps) (login.Factor, error)
}

// Kinds is the one list of factors, in the order of the documents.
func (c Config) Kinds() []Kind {
	kinds := []Kind{
		{Name: totp.Name, Registered: true},
		{Name: email.Name, Registered: true, Addressed: true},
		{Name: sms.Name, Registered: true, Addressed: true},
		{Name: securid.Name},
	}
	if t := c.TOTP; t != nil {
		kinds[0].given(*t, t.Validate, func(Deps) (login.Factor, error) { return orNil(totp.New(*t)) })
	}
	if t := c.Email; t != nil {
		kinds[1].given(*t, t.Validate, func(d Deps) (login.Factor, error) {
			return orNil(email.New(*t, email.Deps{Logger: d.Logger, Now: d.Now}))
		}, append(folder(t.Templates), file(t.CAFile)...)...)
	}
	if t := c.SMS; t != nil {
		kinds[2].given(*t, t.Validate, func(d Deps) (login.Factor, error) {
			return orNil(sms.New(*t, sms.Deps{Logger: d.Logger, Now: d.Now}))
		}, append(folder(t.Templates), file(t.CAFile)...)...)
		kinds[2].warnings = t.Warnings
	}
	if t := c.SecurID; t != nil {
		kinds[3].given(*t, t.Validate, func(d Deps) (login.Factor, error) { return newSecurID(*t, d) })
	}
	return kinds
}

func newSecurID(c securid.Config, d Deps) (login.Factor, error) {
	upstream, err := d.Upstream(c)
	if err != nil {
		return nil, err
	}
	return orNil(securid.New(c, upstream))
}

// given fills in what a table adds to its kind.
func (k *Kind) given(table any, validate func() error, build func(Deps) (login.Factor, error), files ...string) {
	k.Configured, k.Table, k.validate, k.build, k.Files = true, table, validate, build, files
}

// folder lists the files of a folder, which may be "". Hidden ones are an editor's or a version
// control's, and no factor reads them.
func folder(name string) []string {
	if name == "" {
		return nil
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return []string{name} // building the factor says what is wrong with it
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			files = append(files, filepath.Join(name, e.Name()))
		}
	}
	return files
}

func file(name string) []string {
	if name == "" {
		return nil
	}
	return []string{name}
}

// Validate returns what is wrong with the factor's table, one error per fault with its key in front;
// nothing when there is none. It reads no file and asks no server.
func (k Kind) Validate() []error {
	if !k.Configured {
		return nil
	}
	return each(k.validate())
}

// Warnings returns what is allowed, but unwise, likewise.
func (k Kind) Warnings() []error {
	if k.warnings == nil {
		return nil
	}
	return k.warnings()
}

// Build makes the factor. Its errors have the key of the faulty setting in front. A factor that cannot
// be built stops the start: one that is left out in silence would leave people without their second
// door.
func (k Kind) Build(d Deps) (login.Factor, error) { return k.build(d) }

// each takes joined errors apart.
func each(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// orNil keeps a nil pointer from becoming a factor that is not nil.
func orNil[F login.Factor](f F, err error) (login.Factor, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}
