package local

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// The cost of a new hash: OWASP's choice for argon2id, 19 MiB and two passes, about 20 ms.
const (
	memory     = 19_456 // KiB
	passes     = 2
	lanes      = 1
	saltLength = 16
	keyLength  = 32
)

// The most that a hash in a file may ask for: 256 MiB, so that a typing error does not take the
// machine's memory.
const (
	maxMemory = 256 << 10 // KiB
	maxPasses = 64
	maxLanes  = 16
)

// hash is a parsed argon2id hash. It is immutable.
type hash struct {
	memory, passes uint32
	lanes          uint8
	salt, key      []byte
}

// Hash returns the argon2id hash of a password in PHC string format, under a new random salt. Empty
// passwords and those with a NUL are refused: no login could ever match them. The password is composed (NFC)
// first, as logins are.
func Hash(password string) (string, error) {
	if password == "" || strings.ContainsRune(password, 0) {
		return "", errors.New("a password is neither empty nor holds a NUL")
	}
	h := hash{memory: memory, passes: passes, lanes: lanes, salt: make([]byte, saltLength)}
	if _, err := rand.Read(h.salt); err != nil {
		return "", err
	}
	h.key = h.derive(norm.NFC.String(password), keyLength)
	return h.String(), nil
}

// Table returns a ready-to-paste [[users]] table.
func Table(name, hash string) (string, error) {
	text, err := toml.Marshal(struct {
		ID   string `toml:"id"`
		Name string `toml:"name"`
		Hash string `toml:"password_hash"`
	}{NewID(), name, hash})
	return "[[users]]\n" + string(text), err
}

// NewID returns a new random id for a user (UUID version 4, RFC 9562 §5.4).
func NewID() string {
	var u [16]byte
	rand.Read(u[:])
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:16])
}

// String returns the PHC string.
func (h hash) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, h.lanes,
		b64.EncodeToString(h.salt), b64.EncodeToString(h.key))
}

// parseHash reads a PHC string. The error never holds it.
func parseHash(text string) (hash, error) {
	var h hash
	var version int
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return hash{}, errors.New("not an argon2id hash; make one with `sallyport user hash-password`")
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return hash{}, fmt.Errorf("not version %d of argon2id", argon2.Version)
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.lanes); err != nil {
		return hash{}, errors.New("the parameters are not of the form m=19456,t=2,p=1")
	}
	if h.passes < 1 || h.passes > maxPasses || h.lanes < 1 || h.lanes > maxLanes || h.memory < 8*uint32(h.lanes) || h.memory > maxMemory {
		return hash{}, fmt.Errorf("the parameters are out of range: m up to %d, t up to %d, p up to %d", maxMemory, maxPasses, maxLanes)
	}
	var saltErr, keyErr error
	h.salt, saltErr = base64.RawStdEncoding.Strict().DecodeString(parts[4])
	h.key, keyErr = base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if saltErr != nil || keyErr != nil || len(h.salt) < 8 || len(h.salt) > 64 || len(h.key) < 16 || len(h.key) > 64 {
		return hash{}, errors.New("salt or key are not base64 of a usual length")
	}
	return h, nil
}

// fits reports whether the hash is that of the password, in constant time.
func (h hash) fits(password string) bool {
	return subtle.ConstantTimeCompare(h.derive(password, uint32(len(h.key))), h.key) == 1
}

func (h hash) derive(password string, length uint32) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.passes, h.memory, h.lanes, length)
}
