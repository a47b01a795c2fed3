package ldap

import "github.com/go-ldap/ldap/v3"

// policyWords are what the controls of a bind's answer say of the password.
type policyWords struct {
	// hasError tells whether there is an error of the password policy control, and which
	// (draft-behera-ldap-password-policy-10 §6.2).
	hasError bool
	error    int
	// mustChange is the "password expired" control of Netscape's successors
	// (draft-vchu-ldap-pwd-policy-00 §3.4): the password serves for being changed and for nothing else.
	mustChange bool
}

// readPolicy reads the list of controls of an answer (RFC 4511 §4.1.11), of which others are ignored.
func readPolicy(controls []byte) (words policyWords, err error) {
	for len(controls) > 0 {
		var control []byte
		if control, controls, err = expect(controls, tagSequence); err != nil {
			return policyWords{}, err
		}
		name, rest, err := expect(control, tagOctetString)
		if err != nil {
			return policyWords{}, err
		}
		switch string(name) {
		case ldap.ControlTypeVChuPasswordMustChange:
			words.mustChange = true
		case ldap.ControlTypeBeheraPasswordPolicy:
			if words.error, words.hasError, err = readPolicyError(rest); err != nil {
				return policyWords{}, err
			}
		}
	}
	return words, nil
}

// readPolicyError reads what follows the name of the password policy control: whether it is critical,
// which may be left out, and PasswordPolicyResponseValue, of which the warning is not needed.
func readPolicyError(rest []byte) (code int, found bool, err error) {
	if len(rest) > 0 && rest[0] == tagBoolean {
		if _, _, rest, err = element(rest); err != nil {
			return 0, false, err
		}
	}
	if len(rest) == 0 {
		return 0, false, nil
	}
	value, _, err := expect(rest, tagOctetString)
	if err != nil {
		return 0, false, err
	}
	fields, _, err := expect(value, tagSequence)
	for err == nil && len(fields) > 0 {
		var tag byte
		var field []byte
		if tag, field, fields, err = element(fields); err == nil && tag == tagPolicyError {
			code, err = integer(field)
			return code, err == nil, err
		}
	}
	return 0, false, err
}
