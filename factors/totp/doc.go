// Package totp is the second factor of authenticator apps: time-based one-time passwords, RFC 6238,
// computed by github.com/pquerna/otp.
//
// The parameters are SHA-1, 6 digits and a time step of 30 seconds. They are not configurable:
// Google Authenticator on Android and Microsoft Authenticator ignore others and show wrong codes.
//
// A code is looked for in a window of time steps around the clock, shifted by the drift that was
// learned from the last accepted code. [Factor.Verify] tells exactly which step matched, so that
// the ledger can refuse a step that is not newer than the last one used (RFC 6238 §5.2).
package totp
