package ldap

import (
	"encoding/hex"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"sallyport/login"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func directory(t *testing.T, change func(*Config)) *Directory {
	t.Helper()
	cfg := Config{URLs: []string{"ldaps://127.0.0.1"}, BaseDN: "dc=example,dc=test", BindDN: "cn=service", BindPassword: "x"}
	if change != nil {
		change(&cfg)
	}
	d, err := New("corp", cfg, slog.New(slog.DiscardHandler), func() time.Time { return noon })
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestIDsOfEntries(t *testing.T) {
	guid, err := hex.DecodeString("33221100554477668899aabbccddeeff")
	if err != nil {
		t.Fatal(err)
	}
	const guidID = "00112233-4455-6677-8899-aabbccddeeff"
	for _, c := range []struct {
		name, configured string
		attributes       map[string][]string
		want, filter     string
	}{
		{"Active Directory", "", map[string][]string{"objectGUID": {string(guid)}}, guidID,
			`(|(entryUUID=` + guidID + `)(objectGUID=\33\22\11\00\55\44\77\66\88\99\aa\bb\cc\dd\ee\ff))`},
		{"OpenLDAP", "auto", map[string][]string{"entryUUID": {"00112233-4455-6677-8899-AABBCCDDEEFF"}}, guidID,
			`(|(entryUUID=` + guidID + `)(objectGUID=\33\22\11\00\55\44\77\66\88\99\aa\bb\cc\dd\ee\ff))`},
		{"389", "", map[string][]string{"nsUniqueId": {"aaaa1111-bbbb2222-cccc3333-dddd4444"}}, "aaaa1111-bbbb2222-cccc3333-dddd4444",
			"(nsUniqueId=aaaa1111-bbbb2222-cccc3333-dddd4444)"},
		{"configured", "employeeNumber", map[string][]string{"employeeNumber": {"4711*"}}, "4711*", `(employeeNumber=4711\2a)`},
		{"configured GUID", "objectguid", map[string][]string{"objectGUID": {string(guid)}}, guidID,
			`(objectguid=\33\22\11\00\55\44\77\66\88\99\aa\bb\cc\dd\ee\ff)`},
		{"binary", "auditID", map[string][]string{"auditID": {"\x00\x01\xff"}}, "#0001ff", `(auditID=\00\01\ff)`},
		{"text like a binary one", "auditID", map[string][]string{"auditID": {"#0001ff"}}, "#23303030316666", `(auditID=\23\30\30\30\31\66\66)`},
		{"outer spaces", "auditID", map[string][]string{"auditID": {" x"}}, "#2078", `(auditID=\20\78)`},
		{"no UUID", "", map[string][]string{"entryUUID": {"4711"}, "nsUniqueId": {"aaaa1111-bbbb2222-cccc3333-dddd4444"}},
			"aaaa1111-bbbb2222-cccc3333-dddd4444", "(nsUniqueId=aaaa1111-bbbb2222-cccc3333-dddd4444)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := directory(t, func(cfg *Config) { cfg.IDAttribute = c.configured })
			a, err := d.account(ldap.NewEntry("uid=x", c.attributes))
			if err != nil || a.user.ID != "corp:"+c.want {
				t.Fatalf("id = %+v, %v; want %s", a, err, c.want)
			}
			if filter, err := d.idFilter(c.want); err != nil || filter != c.filter {
				t.Errorf("filter = %s, %v; want %s", filter, err, c.filter)
			}
		})
	}
}

func TestEntriesThatNothingNamesForGood(t *testing.T) {
	for _, c := range []struct {
		name, configured string
		attributes       map[string][]string
		want             string
	}{
		{"none", "", map[string][]string{"uid": {"x"}}, "no readable objectGUID, entryUUID, nsUniqueId"},
		{"a short GUID", "", map[string][]string{"objectGUID": {"short"}}, "no readable"},
		{"no UUID", "", map[string][]string{"entryUUID": {"4711"}}, "no readable"},
		{"long", "employeeNumber", map[string][]string{"employeeNumber": {strings.Repeat("4", maxID+1)}}, "no readable employeeNumber"},
		{"two values", "mail", map[string][]string{"mail": {"a@example.test", "b@example.test"}}, "has 2 values of mail"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := directory(t, func(cfg *Config) { cfg.IDAttribute = c.configured })
			if a, err := d.account(ldap.NewEntry("uid=x", c.attributes)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("account = %+v, %v; want an error with %q", a, err, c.want)
			}
		})
	}
	for configured, id := range map[string]string{"": "#0g", "auditID": "#0", "objectGUID": "4711"} {
		d := directory(t, func(cfg *Config) { cfg.IDAttribute = configured })
		if filter, err := d.idFilter(id); err == nil {
			t.Errorf("idFilter(%q) with %q = %s, want an error", id, configured, filter)
		}
	}
}

func TestWhatAnEntryHoldsIsNotTrusted(t *testing.T) {
	groups := make([]string, 3*maxGroups)
	for i := range groups {
		groups[i] = "cn=g"
	}
	a, err := directory(t, nil).account(ldap.NewEntry("uid=x", map[string][]string{
		"entryUUID": {"00112233-4455-6677-8899-aabbccddeeff"}, "uid": {"al\x1b[2Jice"}, "sAMAccountName": {"alice"}, "mail": {"a@example.test\r\nBcc: eve@example.test"},
		"mobile": {strings.Repeat("1", 5000)}, "memberOf": append([]string{"cn=bad\x00", "cn=\xff"}, groups...),
	}))
	if err != nil {
		t.Fatal(err)
	}
	if a.user.Name != "alice" || a.user.Mail != "" || a.user.Phone != "" || len(a.user.Groups) != maxGroups || a.user.Groups[0] != "cn=g" {
		t.Errorf("user = %+v", a.user)
	}
}

// filetime writes a time as Active Directory does: in 100 ns since 1601.
func filetime(t time.Time) string {
	since := t.Unix() - time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	return strconv.FormatInt(since*10_000_000, 10)
}

func TestFlagsOfEntries(t *testing.T) {
	for _, c := range []struct {
		name, attribute, value string
		want                   error
	}{
		{"enabled", "userAccountControl", "512", nil},
		{"disabled", "userAccountControl", "514", login.ErrDisabled},
		{"unreadable", "userAccountControl", "x", nil},
		{"inactivated", "nsAccountLock", "TRUE", login.ErrDisabled},
		{"not inactivated", "nsAccountLock", "false", nil},
		{"expires never", "accountExpires", "9223372036854775807", nil},
		{"expires never, too", "accountExpires", "0", nil},
		{"expired", "accountExpires", filetime(noon), login.ErrDisabled},
		{"expires soon", "accountExpires", filetime(noon.Add(time.Second)), nil},
		{"locked now", "msDS-User-Account-Control-Computed", "16", login.ErrLocked},
		{"lock is over", "msDS-User-Account-Control-Computed", "0", nil},
		{"lockout time", "lockoutTime", "134084159999999999", login.ErrLocked},
		{"no lockout", "lockoutTime", "0", nil},
		{"locked by policy", "pwdAccountLockedTime", "000001010000Z", login.ErrLocked},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := ldap.NewEntry("uid=x", map[string][]string{c.attribute: {c.value}})
			if got := flagRefusal(e, noon); !errors.Is(got, c.want) {
				t.Errorf("flagRefusal = %v, want %v", got, c.want)
			}
		})
	}
	over := ldap.NewEntry("uid=x", map[string][]string{"lockoutTime": {"134084159999999999"}, "msDS-User-Account-Control-Computed": {"0"}})
	if err := flagRefusal(over, noon); err != nil {
		t.Errorf("the server says that the lock is over, but: %v", err)
	}
}

// TestD8AddressesOfAnEntry: all values are kept, the primary address of proxyAddresses first; which can be used is for
// the factor to say.
func TestD8AddressesOfAnEntry(t *testing.T) {
	d := directory(t, func(cfg *Config) { cfg.MailAttribute = "proxyAddresses" })
	for _, c := range []struct{ values, want []string }{
		{nil, []string{""}},
		{[]string{"petra@example.test"}, []string{"petra@example.test"}},
		{[]string{"petra", "petra@example.test"}, []string{"petra", "petra@example.test"}},
		{[]string{"smtp:p@old.test", "X500:/o=Corp/cn=petra", "SMTP:petra@example.test", "sip:petra@example.test", "smtp:p2@old.test"},
			[]string{"petra@example.test", "p@old.test", "p2@old.test"}},
		{[]string{"mailto:petra@example.test", "\x00@example.test", ""}, []string{"petra@example.test"}},
	} {
		a, err := d.account(ldap.NewEntry("uid=x", map[string][]string{
			"entryUUID": {"00112233-4455-6677-8899-aabbccddeeff"}, "proxyAddresses": c.values, "mobile": {"+49 30 1234567", "+49 1512 3456789"},
		}))
		if err != nil {
			t.Fatal(err)
		}
		if got := append([]string{a.user.Mail}, a.user.OtherMail...); !slices.Equal(got, c.want) {
			t.Errorf("%q gives %q, want %q", c.values, got, c.want)
		}
		if a.user.Phone != "+49 30 1234567" || !slices.Equal(a.user.OtherPhone, []string{"+49 1512 3456789"}) {
			t.Errorf("telephones %q, %q", a.user.Phone, a.user.OtherPhone)
		}
	}
}
