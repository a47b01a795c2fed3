package cluster

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
)

const (
	masterKeySize   = 32
	masterKeyPrefix = "sallyport-master-key-1:"
)

// ErrMasterKey means that the master key is not the one that the data directory was sealed under.
var ErrMasterKey = errors.New("the master key is not the one of this cluster's data")

// GenerateMasterKey returns the text of a new master key file: one line. Whoever has it and a copy
// of the data can read every secret, so the two are kept apart.
func GenerateMasterKey() ([]byte, error) {
	key := make([]byte, masterKeySize)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("generate master key: %w", err)
	}
	return masterKeyText(key), nil
}

// masterKeyText is what a master key file holds.
func masterKeyText(key []byte) []byte {
	text := append([]byte(masterKeyPrefix), base64.StdEncoding.EncodeToString(key)...)
	return append(text, '\n')
}

// ParseMasterKey returns the 32 octets of a master key file. Errors never quote the text.
func ParseMasterKey(text []byte) ([]byte, error) {
	encoded, ok := bytes.CutPrefix(bytes.TrimSpace(text), []byte(masterKeyPrefix))
	if !ok {
		return nil, fmt.Errorf("master key file: does not begin with %q; make one with \"sallyport keys generate\"", masterKeyPrefix)
	}
	key, err := base64.StdEncoding.DecodeString(string(encoded))
	if err != nil {
		return nil, errors.New("master key file: what follows the prefix is not base64; was the file cut or edited?")
	}
	if len(key) != masterKeySize {
		return nil, fmt.Errorf("master key file: %d octets instead of %d; was the file cut or edited?", len(key), masterKeySize)
	}
	return key, nil
}
