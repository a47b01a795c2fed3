package directorytest

import "fmt"

// Person is someone whom a directory under test must know.
type Person struct {
	// ID is the person's immutable id: a UUID, without the directory's name.
	ID       string
	Name     string
	Password string
	Mail     string
	Phone    string
	Groups   []string
	Disabled bool
}

// The people of the suite.
const (
	Alice = "alice"
	Bob   = "bob"
	// Dora's account is disabled.
	Dora = "dora"
)

// Domains are the domains that the directory under test must be configured with.
func Domains() []string { return []string{"EXAMPLE", "example.test"} }

// BaseDN is the suffix of [Person.DN].
const BaseDN = "dc=example,dc=test"

// DN is the person's DN where the directory has any.
func (p Person) DN() string { return fmt.Sprintf("uid=%s,ou=people,%s", p.Name, BaseDN) }

// People returns alice, bob and dora.
func People() []Person {
	return []Person{
		{ID: "00000000-0000-4000-8000-00000000000a", Name: Alice, Password: "wonderland-1", Mail: "alice@example.test", Phone: "+441632960001",
			Groups: []string{"cn=staff,ou=groups," + BaseDN}},
		{ID: "00000000-0000-4000-8000-00000000000b", Name: Bob, Password: "builder-1 ü∑"},
		{ID: "00000000-0000-4000-8000-00000000000d", Name: Dora, Password: "explorer-1", Disabled: true},
	}
}
