package ldap

import (
	"errors"
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
