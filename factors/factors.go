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

// Validate returns what is wrong, one error per faulty table with its key in front.
func (c Config) Validate() []error {
	var faults []error
	if c.TOTP != nil {
		if err := c.TOTP.Validate(); err != nil {
			faults = append(faults, fmt.Errorf("totp.%w", err))
		}
	}
	return faults
}

// Build makes the factors by name. A factor that cannot be built stops the start: a factor that is
// left out in silence would leave people without their second door.
func (c Config) Build() (map[string]login.Factor, error) {
	built := make(map[string]login.Factor)
	if c.TOTP != nil {
		f, err := totp.New(*c.TOTP)
		if err != nil {
			return nil, fmt.Errorf("factors.%s: %w", totp.Name, err)
		}
		built[f.Name()] = f
	}
	return built, nil
}
