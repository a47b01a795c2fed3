package ldap

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"sallyport/login"
)

func TestActiveDirectorySubcodes(t *testing.T) {
	for code, want := range map[string]error{
		"525": login.ErrNoUser, "52e": login.ErrPassword, "52E": login.ErrPassword, "530": login.ErrNotPermitted, "531": login.ErrNotPermitted,
		"532": login.ErrPasswordExpired, "533": login.ErrDisabled, "701": login.ErrDisabled, "773": login.ErrPasswordMustChange,
		"775": login.ErrLocked, "80090308": login.ErrPassword, "0": login.ErrPassword,
	} {
		words := "80090308: LdapErr: DSID-0C090446, comment: AcceptSecurityContext error, data " + code + ", v3839\x00"
		refusal, err := judge(policyWords{}, ldap.NewError(ldap.LDAPResultInvalidCredentials, errors.New(words)))
		if err != nil || !errors.Is(refusal, want) {
			t.Errorf("data %s: %v, %v; want %v", code, refusal, err, want)
		}
	}
}

func TestResultCodesOfABind(t *testing.T) {
	for _, c := range []struct {
		name    string
		code    uint16
		words   string
		policy  policyWords
		refusal error
		failure bool
	}{
		{name: "success"},
		{name: "wrong password", code: 49, refusal: login.ErrPassword},
		{name: "no password in the entry", code: 48, refusal: login.ErrPassword},
		{name: "no such DN", code: 32, refusal: login.ErrNoUser},
		{name: "not a DN", code: 34, refusal: login.ErrNoUser},
		{name: "inactivated", code: 53, words: "Account inactivated. Contact system administrator.", refusal: login.ErrDisabled},
		{name: "retry limit", code: 19, words: "Exceed password retry limit. Please try later.", refusal: login.ErrLocked},
		{name: "unwilling for another reason", code: 53, words: "unauthenticated bind (DN with no password) disallowed", failure: true},
		{name: "busy", code: 51, failure: true},
		{name: "unavailable", code: 52, failure: true},
		{name: "operations error", code: 1, failure: true},
		{name: "referral", code: 10, failure: true},
		{name: "encryption required", code: 13, failure: true},
		{name: "stronger authentication required", code: 8, failure: true},
		{name: "connection lost", code: ldap.ErrorNetwork, failure: true},
		{name: "unreadable", code: ldap.ErrorUnexpectedResponse, failure: true},
		{name: "policy: expired", code: 49, policy: policyWords{hasError: true, error: 0}, refusal: login.ErrPasswordExpired},
		{name: "policy: locked", code: 49, policy: policyWords{hasError: true, error: 1}, refusal: login.ErrLocked},
		{name: "policy: must change", policy: policyWords{hasError: true, error: 2}, refusal: login.ErrPasswordMustChange},
		{name: "policy: an error that we do not know", policy: policyWords{hasError: true, error: 8}},
		{name: "expired control", code: 49, policy: policyWords{mustChange: true}, refusal: login.ErrPasswordMustChange},
	} {
		t.Run(c.name, func(t *testing.T) {
			var bindErr error
			if c.code != 0 {
				bindErr = ldap.NewError(c.code, errors.New(c.words))
			}
			refusal, err := judge(c.policy, bindErr)
			if (err != nil) != c.failure || login.RefusalCode(err) != "" || !errors.Is(refusal, c.refusal) {
				t.Errorf("judge = %v, %v", refusal, err)
			}
		})
	}
}

func TestABrokenConnectionIsNoRefusal(t *testing.T) {
	refusal, err := judge(policyWords{}, errors.New("read the answer: EOF"))
	if refusal != nil || err == nil {
		t.Errorf("judge = %v, %v", refusal, err)
	}
}

// TestD5EveryResultCode: only success can be right; what speaks of the account never asks the next server, and what
// speaks of the server is never a wrong password.
func TestD5EveryResultCode(t *testing.T) {
	account := map[uint16]error{16: login.ErrPassword, 19: login.ErrNotPermitted, 32: login.ErrNoUser, 33: login.ErrNotPermitted, 34: login.ErrNoUser,
		36: login.ErrNotPermitted, 48: login.ErrPassword, 49: login.ErrPassword, 50: login.ErrNotPermitted, 53: login.ErrNotPermitted}
	all := []uint16{4096, 4097, 16654, 65535} // RFC 4533, draft-zeilenga, the end
	for code := uint16(1); code < ldap.ErrorNetwork; code++ {
		all = append(all, code)
	}
	for _, code := range all {
		refusal, err := judge(policyWords{}, ldap.NewError(code, errors.New("words")))
		switch want, known := account[code]; {
		case known && (err != nil || !errors.Is(refusal, want)):
			t.Errorf("code %d: %v, %v; want %v", code, refusal, err, want)
		case !known && (refusal != nil || err == nil || login.RefusalCode(err) != ""):
			t.Errorf("code %d: %v, %v; want an outage", code, refusal, err)
		}
		if account[code] != nil {
			continue
		}
		for _, said := range []string{"error, data 52e, v3839", "error, data 775, v3839", "NDS error: failed authentication (-669)",
			"NDS error: login lockout (-197)", "Password Policy Error :9001: GSL_", "Account inactivated.", "Error, Account is locked", "retry limit"} {
			if refusal, err := judge(policyWords{}, ldap.NewError(code, errors.New(said))); refusal != nil || err == nil || login.RefusalCode(err) != "" {
				t.Errorf("code %d with %q: %v, %v; want an outage", code, said, refusal, err)
			}
		}
	}
	if refusal, err := judge(policyWords{}, nil); refusal != nil || err != nil {
		t.Errorf("success: %v, %v", refusal, err)
	}
}

func TestD5VendorsWordsAndNumbers(t *testing.T) {
	for _, c := range []struct {
		code uint16
		said string
		want error
		text string
	}{
		{49, "80090308: LdapErr: DSID-0C090446, comment: AcceptSecurityContext error, data 569, v3839", login.ErrNotPermitted, "data 569"},
		{49, "80090308: LdapErr: DSID-0C090446, comment: AcceptSecurityContext error, data 568, v3839", login.ErrNotPermitted, "data 568"},
		{49, "80090308: LdapErr: DSID-0C090446, comment: AcceptSecurityContext error, data 4711, v3839", login.ErrPassword, "data 4711"},
		{49, "80090308: LdapErr: DSID-0C090446, comment: AcceptSecurityContext error, data 51f, v3839", nil, ""},
		{53, "NDS error: log account expired (-220)", login.ErrDisabled, ""},
		{53, "NDS error: login lockout (-197)", login.ErrLocked, ""},
		{49, "NDS error: bad password (-222)", login.ErrPasswordExpired, ""},
		{53, "NDS error: bad login time or Q halted (-218)", login.ErrNotPermitted, "-218"},
		{49, "NDS error: failed authentication (-669)", login.ErrPassword, ""},
		{49, "NDS error: something (-4711)", login.ErrPassword, "-4711"},
		{53, "NDS error: something (-4711)", login.ErrNotPermitted, "-4711"},
		{53, "operation restricted", nil, ""},
		{53, "", login.ErrNotPermitted, "53"},
		{53, "Password Policy Error :9001: GSL_ACCOUNTLOCKED_EXCP : Your account is locked.", login.ErrLocked, ""},
		{49, "Password Policy Error :9000: GSL_PWDEXPIRED_EXCP :Your Password has expired.", login.ErrPasswordExpired, ""},
		{49, "Password Policy Error :9099: NEW", login.ErrPassword, "9099"},
		{19, "Exceed password retry limit. Contact system administrator to reset.", login.ErrLocked, "retry limit"},
		{19, "Account inactivity limit exceeded. Contact system administrator to reset.", login.ErrDisabled, "inactivity limit"},
		{53, "Too many failed logins.\n", login.ErrLocked, ""},
		{53, "Entry permanently locked.\n", login.ErrLocked, ""},
		{53, "Account (Kerberos principal) is expired", login.ErrDisabled, ""},
		{49, "Error, Account is locked", login.ErrLocked, ""},
		{49, "Error, Password has expired", login.ErrPasswordExpired, ""},
		{53, "Error, Password must be changed after reset", login.ErrPasswordMustChange, ""},
		{50, "no permission to bind", login.ErrNotPermitted, "result code 50"},
		{51, "account is locked", nil, ""},
		{53, "unauthenticated bind (DN with no password) disallowed", nil, ""},
	} {
		refusal, err := judge(policyWords{}, ldap.NewError(c.code, errors.New(c.said)))
		if (err != nil) != (c.want == nil) || !errors.Is(refusal, c.want) || refusal != nil && !strings.Contains(refusal.Error(), c.text) {
			t.Errorf("%d %s: %v, %v; want %v with %q", c.code, c.said, refusal, err, c.want, c.text)
		}
	}
}
