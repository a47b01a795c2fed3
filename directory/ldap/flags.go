package ldap

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"sallyport/login"
)

// flagAttributes say whether an account may log in: Active Directory, the password policy overlay,
// 389 Directory Server.
var flagAttributes = [...]string{
	"userAccountControl", "msDS-User-Account-Control-Computed", "lockoutTime", "accountExpires",
	"pwdAccountLockedTime", "nsAccountLock",
}

// The bits of userAccountControl ([MS-ADTS] §2.2.16) that matter here.
const (
	accountDisabled = 0x2
	accountLocked   = 0x10
)

// neverExpires is the largest FILETIME, which accountExpires means by "never"; so does 0.
const neverExpires = 1<<63 - 1

// flagRefusal returns why an entry's flags forbid the login at now, or nil.
func flagRefusal(e *ldap.Entry, now time.Time) error {
	value := func(attribute string) string { return e.GetEqualFoldAttributeValue(attribute) }
	control := number(value("userAccountControl"))
	switch {
	case control&accountDisabled != 0:
		return fmt.Errorf("%w: userAccountControl", login.ErrDisabled)
	case strings.EqualFold(value("nsAccountLock"), "true"):
		return fmt.Errorf("%w: nsAccountLock", login.ErrDisabled)
	case expired(number(value("accountExpires")), now):
		return fmt.Errorf("%w: accountExpires", login.ErrDisabled)
	case value("pwdAccountLockedTime") != "":
		// Whether its time is over, judgeLock finds out.
		return fmt.Errorf("%w: pwdAccountLockedTime", login.ErrLocked)
	}
	if computed := value("msDS-User-Account-Control-Computed"); computed != "" {
		if number(computed)&accountLocked != 0 {
			return fmt.Errorf("%w: msDS-User-Account-Control-Computed", login.ErrLocked)
		}
		return nil // it says whether the time of the lockout is over; for lockoutTime judgeLock does
	}
	if number(value("lockoutTime")) != 0 {
		return fmt.Errorf("%w: lockoutTime", login.ErrLocked)
	}
	return nil
}

// expired reports whether a FILETIME (100 ns since 1601, [MS-DTYP] §2.3.3) has passed.
func expired(filetime int64, now time.Time) bool {
	if filetime <= 0 || filetime == neverExpires {
		return false
	}
	return !now.Before(filetimeOf(filetime))
}

func filetimeOf(filetime int64) time.Time {
	const unixEpoch = 11_644_473_600 // seconds from 1601 to 1970
	return time.Unix(filetime/10_000_000-unixEpoch, 0)
}

// isLock reports whether a refusal is a lock, which may be over.
func isLock(refusal error) bool { return errors.Is(refusal, login.ErrLocked) }

// number reads a decimal; what is none is 0.
func number(text string) int64 {
	if text == "" {
		return 0 // most entries lack most flags, and an error costs memory
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
