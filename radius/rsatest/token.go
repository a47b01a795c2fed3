package rsatest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"
)

// TokenInterval is how long a token shows a tokencode.
const TokenInterval = time.Minute

// tokencodeDigits is the length of a tokencode.
const tokencodeDigits = 6

// interval numbers the minutes.
func interval(t time.Time) int64 { return t.Unix() / int64(TokenInterval/time.Second) }

// tokencode is what the token of a seed shows in a minute.
func tokencode(seed string, minute int64) string {
	mac := hmac.New(sha256.New, []byte(seed))
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(minute)))
	return fmt.Sprintf("%0*d", tokencodeDigits, binary.BigEndian.Uint32(mac.Sum(nil))%1_000_000)
}

// find returns the minute whose tokencode this is: the current one, or one next to it, and newer than
// the last one used.
func (u *user) find(code string, now time.Time) (minute int64, ok bool) {
	for m := interval(now) + 1; m >= interval(now)-1; m-- {
		if m > u.used && hmac.Equal([]byte(code), []byte(tokencode(u.seed, m))) {
			return m, true
		}
	}
	return 0, false
}
