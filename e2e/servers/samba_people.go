package servers

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"unicode/utf16"

	"github.com/go-ldap/ldap/v3"
)

// SambaPerson is an account under CN=Users.
type SambaPerson struct {
	// Name is the sAMAccountName; the userPrincipalName is Name@example.test.
	Name     string
	Password string
	Mail     string
	Phone    string
	// Disabled, MustChange, Expired and AccountExpired make a right password refused: sub-codes 533,
	// 773, 532 and 701.
	Disabled, MustChange, Expired, AccountExpired bool
}

// DN is the person's DN.
func (p SambaPerson) DN() string { return "CN=" + p.Name + ",CN=Users,DC=example,DC=test" }

// SambaGroup is a group under CN=Users.
type SambaGroup struct {
	Name string
	// Members are names of people and of groups that stand before this one.
	Members []string
}

// DN is the group's DN.
func (g SambaGroup) DN() string { return "CN=" + g.Name + ",CN=Users,DC=example,DC=test" }

// The bits of userAccountControl ([MS-ADTS] §2.2.16) used here.
const (
	uacDisabled = 0x2
	uacNormal   = 0x200
)

// The domain's policy: five wrong passwords lock, and a password lives for two days.
const (
	lockoutThreshold = "5"
	maxPasswordAge   = "-1728000000000" // in 100 ns
)

// populate adds people and groups over LDAPS, as an administrator's tool does.
func (s *Samba) populate(people []SambaPerson, groups []SambaGroup) error {
	conn, err := s.Admin()
	if err != nil {
		return err
	}
	defer conn.Close()
	policy := ldap.NewModifyRequest(s.BaseDN, nil)
	policy.Replace("maxPwdAge", []string{maxPasswordAge})
	policy.Replace("lockoutThreshold", []string{lockoutThreshold})
	if err := conn.Modify(policy); err != nil {
		return fmt.Errorf("domain policy: %w", err)
	}
	for _, p := range people {
		if err := conn.Add(p.request()); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	if err := s.age(people); err != nil {
		return err
	}
	dns := map[string]string{}
	for _, p := range people {
		dns[p.Name] = p.DN()
	}
	for _, g := range groups {
		add := ldap.NewAddRequest(g.DN(), nil)
		add.Attribute("objectClass", []string{"group"})
		add.Attribute("sAMAccountName", []string{g.Name})
		var members []string
		for _, m := range g.Members {
			members = append(members, dns[m])
		}
		if len(members) > 0 {
			add.Attribute("member", members)
		}
		if err := conn.Add(add); err != nil {
			return fmt.Errorf("%s: %w", g.Name, err)
		}
		dns[g.Name] = g.DN()
	}
	return nil
}

// ageScript sets pwdLastSet to 2010, which no LDAP client may: it takes the database itself, and
// Samba's control DSDB_CONTROL_BYPASS_PASSWORD_HASH.
const ageScript = `
import sys
from samba import dsdb
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB
lp = LoadParm()
lp.load(sys.argv[1])
db = SamDB(url=sys.argv[2], session_info=system_session(), lp=lp)
for dn in sys.argv[3:]:
    ldif = "dn: %s\nchangetype: modify\nreplace: pwdLastSet\npwdLastSet: 129067776000000000\n" % dn
    db.modify_ldif(ldif, ["local_oid:%s:0" % dsdb.DSDB_CONTROL_BYPASS_PASSWORD_HASH_OID])
`

// age makes the passwords of the people that are Expired old.
func (s *Samba) age(people []SambaPerson) error {
	args := []string{"-c", ageScript, s.config, filepath.Join(filepath.Dir(s.config), "private", "sam.ldb")}
	unaged := len(args)
	for _, p := range people {
		if p.Expired {
			args = append(args, p.DN())
		}
	}
	if len(args) == unaged {
		return nil
	}
	_, err := run(nil, nil, "/usr/bin/python3", args...)
	return err
}

// Admin returns a connection bound as the domain's administrator; the caller closes it.
func (s *Samba) Admin() (*ldap.Conn, error) {
	pem, err := os.ReadFile(s.CAFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	conn, err := ldap.DialURL(s.TLSURL(), ldap.DialWithTLSConfig(&tls.Config{RootCAs: roots, ServerName: s.address, MinVersion: tls.VersionTLS12}))
	if err != nil {
		return nil, err
	}
	conn.SetTimeout(readyWithin)
	if err := conn.Bind(SambaAdmin, SambaAdminPassword); err != nil {
		conn.Close()
		return nil, fmt.Errorf("bind as %s: %w", SambaAdmin, err)
	}
	return conn, nil
}

func (p SambaPerson) request() *ldap.AddRequest {
	control := uacNormal
	if p.Disabled {
		control |= uacDisabled
	}
	add := ldap.NewAddRequest(p.DN(), nil)
	add.Attribute("objectClass", []string{"user"})
	add.Attribute("sAMAccountName", []string{p.Name})
	add.Attribute("userPrincipalName", []string{p.Name + "@" + SambaRealm})
	add.Attribute("unicodePwd", []string{quotedUTF16(p.Password)})
	add.Attribute("userAccountControl", []string{fmt.Sprint(control)})
	if p.Mail != "" {
		add.Attribute("mail", []string{p.Mail})
	}
	if p.Phone != "" {
		add.Attribute("mobile", []string{p.Phone})
	}
	if p.MustChange {
		add.Attribute("pwdLastSet", []string{"0"})
	}
	if p.AccountExpired {
		add.Attribute("accountExpires", []string{"129067776000000000"}) // 2010
	}
	return add
}

// quotedUTF16 encodes a password for unicodePwd ([MS-ADTS] §3.1.1.3.1.5).
func quotedUTF16(password string) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune(`"` + password + `"`)) {
		out = binary.LittleEndian.AppendUint16(out, unit)
	}
	return string(out)
}
