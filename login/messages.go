package login

// What a person is told where a front end replies without having asked anyone. The first three are
// for requests that can be no login; they tell an administrator what to change.
const (
	MessageNeedsPAP   = "This service needs the password itself. Set the RADIUS client to PAP."
	MessageNoPassword = "The login request has no password."
	MessageMalformed  = "The login request is malformed."
	// MessageFallback stands where a reply came without a sentence: a challenge without one ends the
	// login in several clients.
	MessageFallback = "Login"
	// messageClock follows "wrong code" where the code would be right at another time.
	messageClock = "Check the clock of your telephone."
	// messageAccountLocked is told after a right password where the directory has locked the account meanwhile.
	messageAccountLocked = "This account is locked. Try again later, or ask your administrator."
	// MessageWrongPassword, MessageWrongCode and MessageAtOnce, the one refusal of a login in one request,
	// are what a person is told of what cannot be a password or a code.
	MessageWrongPassword = "Wrong username or password."
	MessageWrongCode     = "Wrong code."
	MessageAtOnce        = "Wrong username, password or code."
)

// sentence returns what a person is told with a Reject. There is one sentence per code; where a code
// would tell an outsider about an account, its sentence is that of a wrong password.
func sentence(c Code) string {
	switch c {
	case CodeAccepted:
		return "You are logged in."
	case CodePasswordInvalid:
		return MessageWrongPassword
	case CodePasswordExpired:
		return "Your password has expired. Change it, then log in again."
	case CodePasswordMustChange:
		return "Your password must be changed before you can log in."
	case CodeAccountDisabled:
		return "This account is disabled. Ask your administrator."
	case CodeAccountLocked:
		return "Too many wrong codes. Try again later, or ask your administrator."
	case CodeNotPermitted:
		return "You may not log in here. Ask your administrator."
	case CodeOTPInvalid:
		return MessageWrongCode
	case CodeOTPExpired:
		return "This code has expired."
	case CodeOTPReplayed:
		return "This code was already used. Wait for the next one."
	case CodeAttemptsExhausted:
		return "Too many wrong codes. Please log in again."
	case CodeResendTooSoon:
		return "A code was sent a moment ago. Please wait before asking for another."
	case CodeAddressInvalid:
		return "This address cannot be used. Check it, and try again."
	case CodeSendFailed:
		return "The code could not be sent. Try again."
	case CodePasscodeMalformed:
		return "This cannot be a passcode."
	case CodeSecurIDRejected:
		return "The passcode is not valid."
	case CodeSecurIDMisconfig:
		return "The RSA SecurID configuration is not valid. Ask your administrator."
	case CodeSecurIDUnavailable:
		return "There is a problem with the RSA server. Try again later."
	case CodeFactorNotConfigured:
		return "No second factor is set up for you. Ask your administrator."
	case CodeStateInvalid:
		return "This login is no longer valid. Please log in again."
	case CodeStateExpired:
		return "This login took too long. Please log in again."
	case CodeDirectoryUnavail, CodeClusterUnavailable:
		return "Logins are not possible at the moment. Try again later."
	case CodeRateLimited:
		return "Too many logins at the moment. Try again later."
	}
	return "Login refused."
}

// public returns the code that a person is told in place of c, when c came from the directory. A
// server that says "disabled" or "locked" says it to anyone who tries a name, so outside it is the
// same as a wrong password. An expired password was right, so its owner is told.
func public(c Code) Code {
	switch c {
	case CodeAccountDisabled, CodeAccountLocked, CodeNotPermitted:
		return CodePasswordInvalid
	}
	return c
}
