package totp

import (
	"errors"
	"strings"
)

// A record is one version octet and the shared secret K. Only this package reads it; the ledger
// seals it.
const recordVersion = 1

// minKeyLength is the least that RFC 4226 §4, R6 allows: 128 bits.
const minKeyLength = 16

type record struct {
	key []byte
}

func (r record) marshal() []byte { return append([]byte{recordVersion}, r.key...) }

var errRecord = errors.New("totp: the stored record is unreadable")

func parseRecord(b []byte) (record, error) {
	if len(b) < 1+minKeyLength || b[0] != recordVersion {
		return record{}, errRecord
	}
	return record{key: b[1:]}, nil
}

// ParseKey returns the record for a base32 key as people write it: spaces, dashes, padding and case
// do not matter. The key must have at least 128 bits (RFC 4226 §4, R6). The error does not show it.
func ParseKey(key string) ([]byte, error) {
	key = strings.ToUpper(strings.NewReplacer(" ", "", "-", "", "=", "").Replace(key))
	raw, err := keyEncoding.DecodeString(key)
	if err != nil {
		return nil, errors.New("the TOTP key is not base32: letters A to Z and digits 2 to 7")
	}
	if len(raw) < minKeyLength {
		return nil, errors.New("the TOTP key is too short: 26 base32 characters (128 bits) are the least")
	}
	return record{key: raw}.marshal(), nil
}

// The memo is the drift in time steps, one signed octet.

func memoOf(drift int64) []byte {
	return []byte{byte(int8(min(max(drift, -MaxDrift), MaxDrift)))}
}

func driftOf(memo []byte) int64 {
	if len(memo) != 1 {
		return 0
	}
	return min(max(int64(int8(memo[0])), -MaxDrift), MaxDrift)
}
