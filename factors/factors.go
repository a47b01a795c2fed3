package factors

import (
	"fmt"

	"sallyport/factors/totp"
	"sallyport/login"
)

// Config is the [factors] section: one table per factor. A factor whose table is absent does not
// exist, and a policy that names it is refused.
type Config struct {
	TOTP *totp.Config `toml:"totp"`
}

// Kind is a factor as a configuration knows it.
type Kind struct {
	Name string
	// Configured says that the factor's table is there.
	Configured bool
	// Registered says that people hold a registration of it here; Addressed that a code is sent to
	// an address, which a directory may hold too.
	Registered, Addressed bool

	validate func() error
	build    func() (login.Factor, error)
}

// Kinds is the one list of factors, in the order of the documents.
func (c Config) Kinds() []Kind {
	return []Kind{
		{
			Name: totp.Name, Configured: c.TOTP != nil, Registered: true,
			validate: func() error { return c.TOTP.Validate() },
			build:    func() (login.Factor, error) { return orNil(totp.New(*c.TOTP)) },
		},
	}
}

// Validate returns what is wrong, one error per fault with its key in front.
func (c Config) Validate() []error {
	var faults []error
	for _, k := range c.Kinds() {
		if !k.Configured {
			continue
		}
		for _, fault := range each(k.validate()) {
			faults = append(faults, fmt.Errorf("%s.%w", k.Name, fault))
		}
	}
	return faults
}

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

// Build makes the factors by name. A factor that cannot be built stops the start: a factor that is
// left out in silence would leave people without their second door.
func (c Config) Build() (map[string]login.Factor, error) {
	built := make(map[string]login.Factor)
	for _, k := range c.Kinds() {
		if !k.Configured {
			continue
		}
		f, err := k.build()
		if err != nil {
			return nil, fmt.Errorf("factors.%s: %w", k.Name, err)
		}
		built[k.Name] = f
	}
	return built, nil
}

// orNil keeps a nil pointer from becoming a factor that is not nil.
func orNil[F login.Factor](f F, err error) (login.Factor, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}
