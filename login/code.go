package login

// Code is a verdict code. Each stands under this name in replies, audit events and metric labels.
type Code string

// The verdict codes. CodePrompt is the one value that is no verdict: it marks a challenge that was
// asked for the first time or again on request, where nothing was wrong.
const (
	CodePrompt Code = "prompt"

	CodeAccepted            Code = "accepted"
	CodePasswordInvalid     Code = "password_invalid"
	CodePasswordExpired     Code = "password_expired"
	CodePasswordMustChange  Code = "password_must_change"
	CodeAccountDisabled     Code = "account_disabled"
	CodeAccountLocked       Code = "account_locked"
	CodeNotPermitted        Code = "not_permitted"
	CodeOTPInvalid          Code = "otp_invalid"
	CodeOTPExpired          Code = "otp_expired"
	CodeOTPReplayed         Code = "otp_replayed"
	CodeAttemptsExhausted   Code = "attempts_exhausted"
	CodeResendTooSoon       Code = "resend_too_soon"
	CodeAddressInvalid      Code = "address_invalid"
	CodeSendFailed          Code = "send_failed"
	CodePasscodeMalformed   Code = "passcode_malformed"
	CodeSecurIDRejected     Code = "securid_rejected"
	CodeSecurIDMisconfig    Code = "securid_misconfigured"
	CodeSecurIDUnavailable  Code = "securid_unavailable"
	CodeFactorNotConfigured Code = "factor_not_configured"
	CodeStateInvalid        Code = "state_invalid"
	CodeStateExpired        Code = "state_expired"
	CodeDirectoryUnavail    Code = "directory_unavailable"
	CodeClusterUnavailable  Code = "cluster_unavailable"
	CodeRateLimited         Code = "rate_limited"
)

// Codes lists every verdict code in the order of the design, for documents, metrics and tests.
func Codes() []Code {
	return []Code{
		CodeAccepted, CodePasswordInvalid, CodePasswordExpired, CodePasswordMustChange,
		CodeAccountDisabled, CodeAccountLocked, CodeNotPermitted, CodeOTPInvalid, CodeOTPExpired,
		CodeOTPReplayed, CodeAttemptsExhausted, CodeResendTooSoon, CodeAddressInvalid, CodeSendFailed,
		CodePasscodeMalformed, CodeSecurIDRejected, CodeSecurIDMisconfig, CodeSecurIDUnavailable,
		CodeFactorNotConfigured, CodeStateInvalid, CodeStateExpired, CodeDirectoryUnavail,
		CodeClusterUnavailable, CodeRateLimited,
	}
}

// Step is a point of the conversation at which an answer is awaited.
type Step string

// The steps. StepPassword is where every login begins; it is never sent to a client.
const (
	StepPassword        Step = "password"
	StepChooseFactor    Step = "choose-factor"
	StepRegisterTOTP    Step = "register-totp"
	StepRegisterAddress Step = "register-address"
	StepConfirmAddress  Step = "confirm-address"
	StepOTP             Step = "otp"
	StepPasscode        Step = "passcode"
	StepNewPIN          Step = "new-pin"
	StepConfirmPIN      Step = "confirm-pin"
	StepNextTokencode   Step = "next-tokencode"
	StepChangePassword  Step = "change-password"
)

// Action is what a person wants instead of answering. The zero value means that there is an answer.
type Action string

// The actions.
const (
	ActionAnswer      Action = ""
	ActionResend      Action = "resend"
	ActionEditAddress Action = "edit-address"
	ActionUseFactor   Action = "use-factor"
	ActionCancel      Action = "cancel"
)

// Verdict is the kind of a reply. The zero value is Reject, so that a forgotten branch refuses.
type Verdict uint8

// The verdicts.
const (
	Reject Verdict = iota
	Challenge
	Accept
)

// String returns the word used in audit events and metric labels.
func (v Verdict) String() string {
	switch v {
	case Accept:
		return "accept"
	case Challenge:
		return "challenge"
	default:
		return "reject"
	}
}
