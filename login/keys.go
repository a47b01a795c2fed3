package login

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"sync"
)

// KeyRing holds the keys that every node of a cluster shares. It is immutable and safe for
// concurrent use.
type KeyRing struct {
	clusterID string
	epoch     uint32
	current   byte
	seals     map[byte]cipher.AEAD
	// macs holds what computes tags: making one costs four times as much as using it.
	macs sync.Pool
}

// NewKeyRing returns a ring. State keys are 32 octets each, by key id; current must be one of them.
// The tag key is derived from the master key and does not rotate.
func NewKeyRing(clusterID string, epoch uint32, stateKeys map[byte][32]byte, current byte, tagKey [32]byte) (*KeyRing, error) {
	r := &KeyRing{clusterID: clusterID, epoch: epoch, current: current, seals: make(map[byte]cipher.AEAD, len(stateKeys))}
	r.macs.New = func() any { return &tagger{mac: hmac.New(sha256.New, tagKey[:])} }
	for id, key := range stateKeys {
		block, err := aes.NewCipher(key[:])
		if err != nil {
			return nil, err
		}
		if r.seals[id], err = cipher.NewGCM(block); err != nil {
			return nil, err
		}
	}
	if r.seals[current] == nil {
		return nil, fmt.Errorf("key ring: current key %d is not in the ring", current)
	}
	return r, nil
}

// ClusterID names the cluster that the ring belongs to.
func (r *KeyRing) ClusterID() string { return r.clusterID }

// Epoch is the cluster epoch: it rises when the state is restored, and ends every State token.
func (r *KeyRing) Epoch() uint32 { return r.epoch }

// Tag returns the keyed hash of the parts under a purpose. Parts are length-prefixed, so that no
// two lists of parts have the same tag by shifting octets between them.
func (r *KeyRing) Tag(purpose Purpose, parts ...[]byte) Tag {
	sum := r.sum(purpose, parts...)
	return Tag(sum[:16])
}

// Handle returns the user's handle.
func (r *KeyRing) Handle(userID string) Handle {
	sum := r.sum(PurposeUser, []byte(userID))
	return Handle(sum[:8])
}

// CodeKey is the key of a challenge from which the codes that are sent in it are derived.
func (r *KeyRing) CodeKey(id ChallengeID) [32]byte { return r.sum(PurposeCodeKey, id[:]) }

// CodeTag is under which a [OneTimeCode] of a user is kept; kind is the name of its credential.
func (r *KeyRing) CodeTag(kind, userID, code string) Tag {
	return r.Tag(PurposeOneTimeCode, []byte(kind), []byte(userID), []byte(code))
}

// AddressTag is the tag of an address, by which sends to it are counted.
func (r *KeyRing) AddressTag(factor, address string) Tag {
	return r.Tag(PurposeAddress, []byte(factor), []byte(address))
}

func (r *KeyRing) sum(purpose Purpose, parts ...[]byte) (sum [sha256.Size]byte) {
	t := r.macs.Get().(*tagger)
	defer r.macs.Put(t)
	name := purposeNames[purpose]
	t.text = append(binary.BigEndian.AppendUint32(t.text[:0], uint32(len(name))), name...)
	for _, p := range parts {
		t.text = append(binary.BigEndian.AppendUint32(t.text, uint32(len(p))), p...)
	}
	t.mac.Reset()
	t.mac.Write(t.text)
	clear(t.text) // it may have held a password
	return [sha256.Size]byte(t.mac.Sum(t.text[:0]))
}

// tagger is a keyed hash state, and room for what is hashed, so that nothing of it is allocated.
type tagger struct {
	mac  hash.Hash
	text []byte
}
