package ldap

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"sallyport/login"
)

// bindResult is a row of the table of what a refused bind means: about the account, so that it is an answer, or about the
// server, so that the next one is asked.
type bindResult struct {
	// codes are the result codes that the row is for; none is [refusing]: no number or words make an answer of a code
	// that says how the server is (busy, unavailable, other …).
	codes []uint16
	// number is the vendor's sub-code in the diagnostic message, words a part of the message in lower case; both empty
	// fit every message.
	number, words string
	// refusal is one of login's Err values; nil means that the server failed.
	refusal error
}

// The places where vendors write a sub-code: Active Directory's "data 52e", eDirectory's "NDS error: ... (-222)", Oracle
// Internet Directory's ":9001:".
var numbers = []*regexp.Regexp{
	regexp.MustCompile(`\b(data [0-9a-f]{1,8})\b`), regexp.MustCompile(`(\(-[0-9]{1,6}\))`), regexp.MustCompile(`(:90[0-9]{2}:)`),
}

// bindResults are the rows, the first that fits counts. A code that no row is for means that the server failed.
var bindResults = []bindResult{
	// Active Directory, and Samba: the Windows errors of a logon ([MS-ERREF] §2.2, in hexadecimal digits).
	{number: "data 525", refusal: login.ErrNoUser},             // ERROR_NO_SUCH_USER
	{number: "data 52e", refusal: login.ErrPassword},           // ERROR_LOGON_FAILURE
	{number: "data 52f", refusal: login.ErrNotPermitted},       // ERROR_ACCOUNT_RESTRICTION
	{number: "data 530", refusal: login.ErrNotPermitted},       // ERROR_INVALID_LOGON_HOURS
	{number: "data 531", refusal: login.ErrNotPermitted},       // ERROR_INVALID_WORKSTATION
	{number: "data 532", refusal: login.ErrPasswordExpired},    // ERROR_PASSWORD_EXPIRED
	{number: "data 533", refusal: login.ErrDisabled},           // ERROR_ACCOUNT_DISABLED
	{number: "data 534", refusal: login.ErrNotPermitted},       // ERROR_NONE_MAPPED
	{number: "data 568", refusal: login.ErrNotPermitted},       // ERROR_TOO_MANY_CONTEXT_IDS: in too many groups
	{number: "data 569", refusal: login.ErrNotPermitted},       // ERROR_LOGON_TYPE_NOT_GRANTED
	{number: "data 701", refusal: login.ErrDisabled},           // ERROR_ACCOUNT_EXPIRED
	{number: "data 773", refusal: login.ErrPasswordMustChange}, // ERROR_PASSWORD_MUST_CHANGE
	{number: "data 775", refusal: login.ErrLocked},             // ERROR_ACCOUNT_LOCKED_OUT
	{number: "data 78f", refusal: login.ErrNotPermitted},       // ERROR_AUTHENTICATION_FIREWALL_FAILED
	{number: "data 51f"}, // ERROR_NO_LOGON_SERVERS
	{number: "data 54b"}, // ERROR_NO_SUCH_DOMAIN
	{number: "data 6ba"}, // RPC_S_SERVER_UNAVAILABLE
	{number: "data 6fb"}, // ERROR_NO_TRUST_SAM_ACCOUNT
	{number: "data 6fd"}, // ERROR_TRUSTED_RELATIONSHIP_FAILURE
	// eDirectory: Novell TID 10067240, and ldapwiki.com "Common Edirectory Bind Errors".
	{number: "(-197)", refusal: login.ErrLocked},          // login lockout
	{number: "(-217)", refusal: login.ErrNotPermitted},    // maximum logins exceeded
	{number: "(-218)", refusal: login.ErrNotPermitted},    // bad login time
	{number: "(-219)", refusal: login.ErrNotPermitted},    // bad station
	{number: "(-220)", refusal: login.ErrDisabled},        // log account expired, or disabled
	{number: "(-222)", refusal: login.ErrPasswordExpired}, // expired, no grace login left
	{number: "(-223)", refusal: login.ErrPasswordExpired}, // expired
	{number: "(-601)", refusal: login.ErrNoUser},          // no such entry
	{number: "(-669)", refusal: login.ErrPassword},        // failed authentication
	// Oracle Internet Directory: the messages of its password policies ("Password Policy Error :9001: GSL_...").
	{number: ":9000:", refusal: login.ErrPasswordExpired}, // GSL_PWDEXPIRED_EXCP
	{number: ":9001:", refusal: login.ErrLocked},          // GSL_ACCOUNTLOCKED_EXCP
	{number: ":9050:", refusal: login.ErrDisabled},        // GSL_ACCTTOTALLYDISABLED_EXCP
	// 389 Directory Server and Oracle's (Sun's) relative of it: pwd_retry.c, pw.c, acct_plugin.c in its sources.
	{words: "inactivated", refusal: login.ErrDisabled},
	{words: "inactivity limit", refusal: login.ErrDisabled},
	{words: "retry limit", refusal: login.ErrLocked},
	// FreeIPA: ipa_lockout.c and prepost.c in its sources.
	{words: "too many failed logins", refusal: login.ErrLocked},
	{words: "entry permanently locked", refusal: login.ErrLocked},
	{words: "principal) is expired", refusal: login.ErrDisabled},
	// IBM Security Directory Server: the messages of its password policies.
	{words: "account is locked", refusal: login.ErrLocked},
	{words: "account has been locked", refusal: login.ErrLocked},
	{words: "account locked", refusal: login.ErrLocked},
	{words: "account is disabled", refusal: login.ErrDisabled},
	{words: "account has expired", refusal: login.ErrDisabled},
	{words: "password must be changed", refusal: login.ErrPasswordMustChange},
	{words: "password has expired", refusal: login.ErrPasswordExpired},
	{words: "password expired", refusal: login.ErrPasswordExpired},
	// RFC 4511 appendix A: codes that speak of the account, or of the DN that was bound.
	{codes: []uint16{ldap.LDAPResultInvalidCredentials}, refusal: login.ErrPassword},
	{codes: []uint16{ldap.LDAPResultInappropriateAuthentication}, refusal: login.ErrPassword}, // the entry has no password
	{codes: []uint16{ldap.LDAPResultNoSuchAttribute}, refusal: login.ErrPassword},             // likewise
	{codes: []uint16{ldap.LDAPResultNoSuchObject, ldap.LDAPResultInvalidDNSyntax}, refusal: login.ErrNoUser},
	{codes: []uint16{ldap.LDAPResultAliasProblem, ldap.LDAPResultAliasDereferencingProblem}, refusal: login.ErrNotPermitted},
	{codes: []uint16{ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultConstraintViolation}, refusal: login.ErrNotPermitted},
	// 53 is said of an account mostly (see above), so without words it is, or a server that says it for a right password
	// only would confirm that by its silence. OpenLDAP says it of itself: bind.c and backend.c in its sources.
	{codes: []uint16{ldap.LDAPResultUnwillingToPerform}, words: "unauthenticated bind"},
	{codes: []uint16{ldap.LDAPResultUnwillingToPerform}, words: "restricted"},
	{codes: []uint16{ldap.LDAPResultUnwillingToPerform}, words: "not supported"},
	{codes: []uint16{ldap.LDAPResultUnwillingToPerform}, refusal: login.ErrNotPermitted},
}

// refusing are the codes under which vendors put words and numbers about an account.
var refusing = []uint16{ldap.LDAPResultNoSuchObject, ldap.LDAPResultInvalidCredentials, ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultUnwillingToPerform,
	ldap.LDAPResultConstraintViolation, ldap.LDAPResultInappropriateAuthentication}

// refusalOf looks a refused bind up. The refusal is nil where the server failed. Its text has the code or the vendor's
// number where that says more than the refusal, and nothing else that the server said.
func refusalOf(code uint16, said string) error {
	said = strings.ToLower(said)
	number := ""
	for _, pattern := range numbers {
		if match := pattern.FindStringSubmatch(said); match != nil && number == "" {
			number = match[1]
		}
	}
	for _, r := range bindResults {
		codes := r.codes
		if codes == nil {
			codes = refusing
		}
		if !slices.Contains(codes, code) || r.number != "" && r.number != number || !strings.Contains(said, r.words) {
			continue
		}
		why := strings.Trim(number, "():")
		if why == "" {
			why = fmt.Sprintf("result code %d", code)
		}
		if r.words != "" {
			why += ", " + r.words
		}
		switch {
		case r.refusal == nil:
			return nil
		case r.number != "" && r.refusal != login.ErrNotPermitted, code == ldap.LDAPResultInvalidCredentials && number == "" && r.words == "":
			return r.refusal // the number adds nothing to these words
		}
		return fmt.Errorf("%w: %s", r.refusal, why)
	}
	return nil
}
