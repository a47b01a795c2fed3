// Package sentcode makes the codes that are sent to people. A code is the HOTP value (RFC 4226) of a
// send number under a key of its challenge: any node can compute it, and none stores it.
package sentcode

import (
	"encoding/base32"
	"fmt"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

// The length of a code, in digits. DefaultDigits is the design's.
const (
	MinDigits     = 6
	DefaultDigits = 6
	MaxDigits     = 8
)

// Minutes is the life of a code as people are told: in whole minutes, rounded down, so that nobody is
// promised time that they do not have; at least 1.
func Minutes(life time.Duration) int { return max(1, int(life/time.Minute)) }

// Code is the code of a send number under a key.
func Code(key []byte, number uint64, digits int) (string, error) {
	if digits < MinDigits || digits > MaxDigits {
		return "", fmt.Errorf("a code has %d to %d digits", MinDigits, MaxDigits)
	}
	secret := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(key)
	return hotp.GenerateCodeCustom(secret, number, hotp.ValidateOpts{
		Digits: otp.Digits(digits), Algorithm: otp.AlgorithmSHA256,
	})
}
