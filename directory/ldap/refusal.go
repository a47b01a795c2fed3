package ldap

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"sallyport/login"
)

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
	if refusal := refusalOf(answer.ResultCode, fmt.Sprint(answer.Err)); refusal != nil {
		return refusal, nil
	}
	switch answer.ResultCode {
	case ldap.LDAPResultReferral:
		return nil, fmt.Errorf("bind: the server refers elsewhere, and referrals are not followed: %w", bindErr)
	case ldap.LDAPResultStrongAuthRequired, ldap.LDAPResultConfidentialityRequired:
		return nil, fmt.Errorf("bind: the server wants encryption; use ldaps:// or starttls: %w", bindErr)
	}
	return nil, fmt.Errorf("bind: %w", bindErr)
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
