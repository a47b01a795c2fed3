package people

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// keySize is the length of a derived key: that of a SHA-1 (RFC 4226 §4, R6).
const keySize = 20

// Keys says which TOTP key a user has. The zero value knows no keys, for users that register first.
type Keys struct {
	// Shared is everyone's key, in base32.
	Shared string
	// Seed derives a key for each user: the first 20 octets of HMAC-SHA256(Seed, username).
	Seed string
	// File holds the keys by username; it goes before the other two.
	File map[string]string
}

func (k Keys) key(user string) string {
	if key, ok := k.File[user]; ok {
		return key
	}
	if k.Seed != "" {
		mac := hmac.New(sha256.New, []byte(k.Seed))
		io.WriteString(mac, user)
		return encoding().EncodeToString(mac.Sum(nil)[:keySize])
	}
	return k.Shared
}

// ReadKeys reads a file of lines "username key". It returns an empty map when there is no such file.
func ReadKeys(file string) (map[string]string, error) {
	keys := map[string]string{}
	f, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return keys, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		fields := strings.Fields(lines.Text())
		if len(fields) != 2 || CheckKey(fields[1]) != nil {
			return nil, fmt.Errorf("%s:%d: want a username and a key in base32", file, n)
		}
		keys[fields[0]] = fields[1]
	}
	return keys, lines.Err()
}

// WriteKeys writes every known key of r, and what else is in others, in the form of [ReadKeys], for
// the owner's eyes only.
func WriteKeys(file string, r *Range, others map[string]string) (err error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriter(f)
	written := make(map[string]bool, r.Len())
	err = r.Known(func(user, key string) error {
		written[user] = true
		_, err := fmt.Fprintln(w, user, key)
		return err
	})
	for user, key := range others {
		if err == nil && !written[user] {
			_, err = fmt.Fprintln(w, user, key)
		}
	}
	return errors.Join(err, w.Flush())
}

// CheckKey tells whether key is base32, with or without padding.
func CheckKey(key string) error {
	_, err := encoding().DecodeString(strings.TrimRight(key, "="))
	if err != nil || key == "" {
		return errors.New("not a key in base32")
	}
	return nil
}

// FindKey finds a TOTP key in a prompt: the longest run of groups of four letters and digits of
// base32, at least the 16 characters of the shortest key that authenticator apps are given. It
// returns "" when there is none.
func FindKey(prompt string) string {
	var best, run string
	for _, word := range strings.Fields(prompt) {
		word = strings.Trim(word, ".,:;()")
		if !isGroup(word) {
			run = ""
			continue
		}
		if run += word; len(run) > len(best) {
			best = run
		}
		if len(word) < 4 {
			run = "" // only the last group is short
		}
	}
	if len(best) < 16 || CheckKey(best) != nil {
		return ""
	}
	return best
}

// isGroup tells whether word may be part of a key in fours, or a whole key.
func isGroup(word string) bool {
	return word != "" && (len(word) <= 4 || len(word) >= 16) &&
		strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

func encoding() *base32.Encoding { return base32.StdEncoding.WithPadding(base32.NoPadding) }
