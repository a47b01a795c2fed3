package backup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/age"

	"sallyport/login"
)

const (
	// workFactor is that of scrypt for passphrases, as a power of two: 64 MiB of memory and a quarter of
	// a second. The memory is that of a daemon which has a limit and other things to do; what it lacks
	// against guessing, MinPassphrase makes good.
	workFactor = 16
	// maxWorkFactor is the most that reading a file may cost: 1 GiB and four seconds.
	maxWorkFactor = 20
	// MinPassphrase is the least length of a passphrase for new backups, in octets.
	MinPassphrase = 16
	// maxSecret bounds a file of identities or a passphrase, in octets.
	maxSecret = 64 << 10
)

// ParseRecipients returns what the public keys "age1…" stand for.
func ParseRecipients(texts []string) ([]age.Recipient, error) {
	var recipients []age.Recipient
	for _, text := range texts {
		if strings.HasPrefix(strings.ToUpper(text), "AGE-SECRET-KEY-") {
			return nil, errors.New(`a recipient is a public key, "age1…", and this is the secret one: the public one stands above it in its file`)
		}
		parsed, err := age.ParseRecipients(strings.NewReader(text))
		if err != nil || len(parsed) != 1 {
			return nil, fmt.Errorf(`%q is no recipient: give the public key that age-keygen prints, "age1…"`, text)
		}
		recipients = append(recipients, parsed...)
	}
	return recipients, nil
}

// PassphraseRecipient seals with a passphrase of at least [MinPassphrase] octets. It must be the only
// recipient.
func PassphraseRecipient(passphrase string) (age.Recipient, error) {
	if len(passphrase) < MinPassphrase {
		return nil, fmt.Errorf("the passphrase is too short: at least %d characters", MinPassphrase)
	}
	r, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, err
	}
	r.SetWorkFactor(workFactor)
	return r, nil
}

// ReadIdentities reads the secret keys of a file as age-keygen writes it. Errors never quote it.
func ReadIdentities(r io.Reader) ([]age.Identity, error) {
	text, err := readSecret(r)
	if err != nil {
		return nil, err
	}
	if text, err = login.ParseText(text); err != nil {
		return nil, err
	}
	identities, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil {
		return nil, errors.New(`holds no age identity: each line must be empty, a comment, or "AGE-SECRET-KEY-1…"`)
	}
	return identities, nil
}

// ReadPassphrase reads the passphrase that is the one line of a file. Errors never quote it.
func ReadPassphrase(r io.Reader) (string, error) {
	text, err := readSecret(r)
	if err != nil {
		return "", err
	}
	words, _, err := login.ParseSecret(text)
	if err != nil {
		return "", fmt.Errorf("holds no passphrase: the file %w", err)
	}
	return words.Reveal(), nil
}

// PassphraseIdentity opens what was sealed with a passphrase, which must not be empty.
func PassphraseIdentity(passphrase string) (age.Identity, error) {
	id, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, err
	}
	id.SetMaxWorkFactor(maxWorkFactor)
	return id, nil
}

func readSecret(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxSecret+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxSecret {
		return nil, fmt.Errorf("is larger than %d KiB", maxSecret>>10)
	}
	return text, nil
}

// Unseal returns what is inside the encryption. Its errors, and those of reading, are [ErrKey],
// [ErrDamaged], or say that the file cannot be read.
func Unseal(r io.Reader, identities []age.Identity) (io.Reader, error) {
	plain, err := age.Decrypt(r, identities...)
	if err != nil {
		return nil, unsealError(err, identities)
	}
	return unsealed{plain}, nil
}

// unsealError tells the wrong key from damage. Damage where the keys stand looks like a wrong key.
func unsealError(err error, identities []age.Identity) error {
	var none *age.NoIdentityMatchError
	if !errors.As(err, &none) {
		return damaged("it cannot be decrypted", err)
	}
	given := slices.ContainsFunc(identities, func(id age.Identity) bool {
		_, passphrase := id.(*age.ScryptIdentity)
		return passphrase
	})
	switch sealed := slices.Contains(none.StanzaTypes, "scrypt"); {
	case sealed && given:
		return fmt.Errorf("%w: the passphrase is not the one that it was sealed with", ErrKey)
	case sealed:
		return fmt.Errorf("%w: it is sealed with a passphrase, not to a key", ErrKey)
	case given:
		return fmt.Errorf("%w: it is sealed to a key, not with a passphrase", ErrKey)
	}
	return fmt.Errorf("%w: none of the identities is one that it was sealed to", ErrKey)
}

// unsealed gives the errors of decryption their words.
type unsealed struct{ r io.Reader }

// Read reads what is inside the encryption.
func (u unsealed) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = damaged("it cannot be decrypted", err)
	}
	return n, err
}
