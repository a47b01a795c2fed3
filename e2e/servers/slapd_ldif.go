package servers

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"slices"
)

// PolicyDN is the default password policy of a slapd with PPolicy.
const PolicyDN = "cn=default,ou=policies," + BaseDN

// Person is an entry under PeopleDN. Its entryUUID follows from its DN, so that two servers with the
// same people agree, as replicas do.
type Person struct {
	UID      string
	Password string
	Mail     string
	Phone    string
	// Groups are the common names of groups under GroupsDN.
	Groups []string
	// Extra are further lines of LDIF, such as "pwdReset: TRUE".
	Extra []string
}

// DN is the person's DN.
func (p Person) DN() string { return "uid=" + p.UID + "," + PeopleDN }

// EntryUUID is the person's entryUUID.
func (p Person) EntryUUID() string { return uuidOf(p.DN()) }

// BulkUser is the name of the nth of the people that SlapdOptions.Bulk adds, from 0.
func BulkUser(n int) string { return fmt.Sprintf("user%06d", n) }

// BulkPassword is the password of BulkUser(n).
func BulkPassword(n int) string { return fmt.Sprintf("password-%06d", n) }

func writeLDIF(file string, opt SlapdOptions) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	writeTree(w, opt.PPolicy)
	groups := map[string][]string{}
	for _, p := range opt.People {
		writePerson(w, p)
		for _, g := range p.Groups {
			groups[g] = append(groups[g], p.DN())
		}
	}
	for n := range opt.Bulk {
		user := BulkUser(n)
		writePerson(w, Person{UID: user, Password: BulkPassword(n), Mail: user + "@example.test"})
	}
	writeGroups(w, groups)
	fmt.Fprintf(w, "\n%s\n", opt.LDIF)
	return w.Flush()
}

func writeTree(w io.Writer, ppolicy bool) {
	fmt.Fprintf(w, "dn: %s\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n\n", BaseDN)
	for _, ou := range []string{"people", "groups", "services", "policies"} {
		fmt.Fprintf(w, "dn: ou=%s,%s\nobjectClass: organizationalUnit\nou: %s\n\n", ou, BaseDN, ou)
	}
	fmt.Fprintf(w, "dn: %s\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: sallyport\nuserPassword: %s\n\n",
		ServiceDN, ssha("service", ServicePassword))
	if ppolicy {
		fmt.Fprintf(w, "dn: %s\nobjectClass: device\nobjectClass: pwdPolicy\ncn: default\npwdAttribute: userPassword\n"+
			"pwdMaxFailure: 5\npwdLockout: TRUE\npwdLockoutDuration: 300\npwdMustChange: TRUE\npwdMaxAge: 7776000\n\n", PolicyDN)
	}
}

func writePerson(w io.Writer, p Person) {
	fmt.Fprintf(w, "dn: %s\nobjectClass: inetOrgPerson\nuid: %s\ncn: %s\nsn: %s\nentryUUID: %s\nuserPassword: %s\n",
		p.DN(), p.UID, p.UID, p.UID, p.EntryUUID(), ssha(p.UID, p.Password))
	if p.Mail != "" {
		fmt.Fprintf(w, "mail: %s\n", p.Mail)
	}
	if p.Phone != "" {
		fmt.Fprintf(w, "mobile: %s\n", p.Phone)
	}
	for _, g := range p.Groups {
		fmt.Fprintf(w, "memberOf: %s\n", groupDN(g))
	}
	for _, line := range p.Extra {
		fmt.Fprintf(w, "%s\n", line)
	}
	fmt.Fprintln(w)
}

func writeGroups(w io.Writer, members map[string][]string) {
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(w, "dn: %s\nobjectClass: groupOfNames\ncn: %s\n", groupDN(name), name)
		for _, dn := range members[name] {
			fmt.Fprintf(w, "member: %s\n", dn)
		}
		fmt.Fprintln(w)
	}
}

func groupDN(name string) string { return "cn=" + name + "," + GroupsDN }

// ssha hashes a password as RFC 2307's salted SHA-1, with a salt that follows from the name.
func ssha(name, password string) string {
	salt := sha1.Sum([]byte("salt " + name))
	sum := sha1.Sum(append([]byte(password), salt[:8]...))
	return "{SSHA}" + base64.StdEncoding.EncodeToString(append(sum[:], salt[:8]...))
}

// uuidOf makes a version 5 UUID (RFC 9562 §5.5) of a name.
func uuidOf(name string) string {
	u := sha1.Sum([]byte(name))
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:16])
}
