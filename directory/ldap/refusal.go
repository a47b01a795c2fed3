package ldap

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"sallyport/login"
)

// subcode finds the sub-code in Active Directory's words for error 49, such as "80090308: LdapErr:
// DSID-0C090446, comment: AcceptSecurityContext error, data 52e, v3839".
var subcode = regexp.MustCompile(`\bdata ([0-9a-fA-F]{1,8})\b`)

// subcodes are the Windows errors that a bind may be refused with. Codes that are not listed mean a
// wrong password.
var subcodes = map[string]error{
	"525": login.ErrNoUser,
	"52e": login.ErrPassword,
	"530": login.ErrNotPermitted, // hours
	"531": login.ErrNotPermitted, // workstation
	"532": login.ErrPasswordExpired,
	"533": login.ErrDisabled,
	"701": login.ErrDisabled, // account expired
	"773": login.ErrPasswordMustChange,
	"775": login.ErrLocked,
}

// The errors of the password policy control (draft-behera-ldap-password-policy-10 §6.2).
var policyErrors = map[int]error{
	0: login.ErrPasswordExpired,
	1: login.ErrLocked,
	2: login.ErrPasswordMustChange,
}

// judge turns the result of a bind into a refusal (one of login's Err values, nil for a right
// password), or into an error when nothing may be concluded.
func judge(words policyWords, bindErr error) (refusal, err error) {
	if bindErr != nil && !isAnswer(bindErr) {
		return nil, bindErr
	}
	if byPolicy := words.refusal(); byPolicy != nil {
		return byPolicy, nil
	}
	if bindErr == nil {
		return nil, nil
	}
	var answer *ldap.Error
	errors.As(bindErr, &answer)
	said := fmt.Sprint(answer.Err)
	switch answer.ResultCode {
	case ldap.LDAPResultInvalidCredentials:
		return credentialRefusal(said), nil
	case ldap.LDAPResultInappropriateAuthentication: // OpenLDAP: the entry has no password
		return fmt.Errorf("%w: the entry has none", login.ErrPassword), nil
	case ldap.LDAPResultNoSuchObject, ldap.LDAPResultInvalidDNSyntax:
		return fmt.Errorf("%w: the server knows no such DN", login.ErrNoUser), nil
	case ldap.LDAPResultUnwillingToPerform:
		if strings.Contains(strings.ToLower(said), "inactivated") { // 389 Directory Server
			return fmt.Errorf("%w: inactivated", login.ErrDisabled), nil
		}
	case ldap.LDAPResultConstraintViolation:
		if strings.Contains(strings.ToLower(said), "retry limit") { // 389 Directory Server
			return fmt.Errorf("%w: retry limit", login.ErrLocked), nil
		}
	case ldap.LDAPResultReferral:
		return nil, fmt.Errorf("bind: the server refers elsewhere, and referrals are not followed: %w", bindErr)
	case ldap.LDAPResultStrongAuthRequired, ldap.LDAPResultConfidentialityRequired:
		return nil, fmt.Errorf("bind: the server wants encryption; use ldaps:// or starttls: %w", bindErr)
	}
	return nil, fmt.Errorf("bind: %w", bindErr)
}

func credentialRefusal(said string) error {
	match := subcode.FindStringSubmatch(said)
	if match == nil {
		return login.ErrPassword
	}
	code := strings.ToLower(match[1])
	if refusal, known := subcodes[code]; known {
		return fmt.Errorf("%w: data %s", refusal, code)
	}
	return fmt.Errorf("%w: data %s", login.ErrPassword, code)
}

// refusal is what the controls make of a bind. A login by grace (the password has expired but still
// serves a few times) is none.
func (w policyWords) refusal() error {
	if byPolicy := policyErrors[w.error]; w.hasError && byPolicy != nil {
		return fmt.Errorf("%w: password policy", byPolicy)
	}
	if w.mustChange {
		return fmt.Errorf("%w: password expired control", login.ErrPasswordMustChange)
	}
	return nil
}

// errRepeats stands for the words of a server that repeats a password: they would reach the log.
var errRepeats = errors.New("the server's words hold the password, and are left out here")

// withoutSecret returns err, or one of the same kind when its words hold the secret.
func withoutSecret(err error, secret string) error {
	if err == nil || !strings.Contains(err.Error(), secret) {
		return err
	}
	var answer *ldap.Error
	if errors.As(err, &answer) {
		return ldap.NewError(answer.ResultCode, errRepeats)
	}
	if odd := (unusable{}); errors.As(err, &odd) {
		return unusable{errRepeats}
	}
	return errRepeats
}
