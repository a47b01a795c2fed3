package login

// Registration says how a first registration is allowed.
type Registration string

// The ways to a first registration. There is no default: a policy that lists a factor which people
// register themselves names one.
const (
	// RegistrationFirstLogin lets whoever knows the password register at the first login.
	RegistrationFirstLogin Registration = "first-login"
	// RegistrationClosed lets nobody register.
	RegistrationClosed Registration = "closed"
)

// Policy says which directory checks the password and which second factors count.
type Policy struct {
	Name      string
	Directory string
	// Factors lists the factors that a user may use, the preferred one first. It is never empty:
	// a policy without a second factor does not exist.
	Factors      []string
	Registration Registration
}

// choose returns the factor that the user answers with: the one used last, else the first of the
// policy that is registered; "" when none is.
func (p Policy) choose(e Enrolment) string {
	chosen := ""
	for _, name := range p.Factors {
		if !e.Credentials[name].Registered() {
			continue
		}
		if name == e.LastFactor {
			return name
		}
		if chosen == "" {
			chosen = name
		}
	}
	return chosen
}
