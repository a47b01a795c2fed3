package backup

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
)

// Key is what shows that a backup was made by a node of the cluster.
type Key [sha256.Size]byte

// KeyOf derives the key from a cluster's master key. The master key does not follow from it.
func KeyOf(masterKey []byte) (Key, error) {
	b, err := hkdf.Key(sha256.New, masterKey, []byte("sallyport backup v1"), "origin", sha256.Size)
	if err != nil {
		return Key{}, fmt.Errorf("derive the key of backups: %w", err)
	}
	return Key(b), nil
}

// mark is what only holders of the key can make of a sum.
func (k Key) mark(sum []byte) []byte {
	mac := hmac.New(sha256.New, k[:])
	mac.Write(sum)
	return mac.Sum(nil)
}
