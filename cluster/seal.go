package cluster

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"sync"

	"sallyport/login"
)

// A sealed record is a format octet, the id of the master key, a random nonce, and the AES-256-GCM
// ciphertext with its tag. Each record has its own key, derived from the master key and the
// record's name; the name is authenticated too, so a record that is moved to another user, factor,
// version or challenge does not open.
const (
	sealFormat   = 1
	sealKeyIDLen = 4
	sealHeader   = 1 + sealKeyIDLen
)

var errSealed = errors.New("sealed record does not open")

// sealer seals and opens records. It is safe for concurrent use.
type sealer struct {
	macs  sync.Pool // of HMAC-SHA-256 under the key that everything is derived from
	keyID [sealKeyIDLen]byte
}

func newSealer(masterKey []byte) (*sealer, error) {
	prk, err := hkdf.Extract(sha256.New, masterKey, []byte("sallyport master key v1"))
	if err != nil {
		return nil, fmt.Errorf("derive from the master key: %w", err)
	}
	s := &sealer{}
	s.macs.New = func() any { return hmac.New(sha256.New, prk) }
	id := s.derive([]byte("key id"))
	copy(s.keyID[:], id[:])
	return s, nil
}

// derive returns the first block of HKDF-Expand (RFC 5869 §2.3): HMAC(PRK, info | 0x01). One block is
// all that is ever asked for, and the extraction was done once: the master key is uniform, so even
// that could be left out (§3.3). What a pooled HMAC keeps is the state after the padded key, so that
// a key costs two or three blocks of SHA-256 and no set-up.
func (s *sealer) derive(info ...[]byte) (key [sha256.Size]byte) {
	mac := s.macs.Get().(hash.Hash)
	defer s.macs.Put(mac)
	mac.Reset()
	for _, part := range info {
		mac.Write(part)
	}
	mac.Write([]byte{1})
	mac.Sum(key[:0])
	return key
}

// check is a value by which the master key is recognised; the key does not follow from it.
func (s *sealer) check() []byte {
	check := s.derive([]byte("check"))
	return check[:16]
}

// tagKey is the key of all tags and handles; see [login.NewKeyRing].
func (s *sealer) tagKey() [sha256.Size]byte { return s.derive([]byte("tags")) }

// recordName is what a sealed record belongs to, unambiguous and printable nowhere.
type recordName []byte

func newRecordName(parts ...[]byte) recordName {
	var name recordName
	for _, p := range parts {
		name = binary.BigEndian.AppendUint32(name, uint32(len(p)))
		name = append(name, p...)
	}
	return name
}

func credentialName(userID, factor string, version uint32) recordName {
	v := binary.BigEndian.AppendUint32(nil, version)
	return newRecordName([]byte("credential"), []byte(userID), []byte(factor), v)
}

func candidateName(id login.ChallengeID, userID, factor string) recordName {
	return newRecordName([]byte("candidate"), id[:], []byte(userID), []byte(factor))
}

func stateKeyName(id byte) recordName {
	return newRecordName([]byte("state key"), []byte{id})
}

func (s *sealer) aead(name recordName) (cipher.AEAD, error) {
	key := s.derive([]byte("record "), name)
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// seal returns the sealed form of plain.
func (s *sealer) seal(name recordName, plain []byte) ([]byte, error) {
	aead, err := s.aead(name)
	if err != nil {
		return nil, fmt.Errorf("seal record: %w", err)
	}
	header := append([]byte{sealFormat}, s.keyID[:]...)
	return aead.Seal(header, nil, plain, append(name, header...)), nil
}

// open returns what was sealed under this name. The error is [ErrMasterKey] when it was sealed
// under another master key.
func (s *sealer) open(name recordName, sealed []byte) ([]byte, error) {
	if len(sealed) < sealHeader || sealed[0] != sealFormat {
		return nil, fmt.Errorf("%w: format is not known", errSealed)
	}
	header, body := sealed[:sealHeader], sealed[sealHeader:]
	if !bytes.Equal(header[1:], s.keyID[:]) {
		return nil, fmt.Errorf("%w: %w", errSealed, ErrMasterKey)
	}
	aead, err := s.aead(name)
	if err != nil {
		return nil, fmt.Errorf("open record: %w", err)
	}
	plain, err := aead.Open(nil, nil, body, append(name, header...))
	if err != nil {
		return nil, fmt.Errorf("%w: damaged, or it belongs to another user, factor or version", errSealed)
	}
	return plain, nil
}

// reseal seals a credential's record for another version.
func (s *sealer) reseal(userID, factor string, from, to uint32, sealed []byte) ([]byte, error) {
	plain, err := s.open(credentialName(userID, factor, from), sealed)
	if err != nil {
		return nil, err
	}
	return s.seal(credentialName(userID, factor, to), plain)
}
