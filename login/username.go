package login

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

// ErrUsername means that a text cannot be a username.
var ErrUsername = errors.New("not a username")

// maxUsername is what a User-Name attribute holds (RFC 2865 §5.1).
const maxUsername = 253

// Normalize returns the form of a username by which people are counted: the same for all spellings of a name. Case
// and width are folded as RFC 8265 UsernameCaseMapped says, word by word where an account name holds spaces (which
// the profile forbids and Active Directory allows). A name that the profile refuses, as its Bidi Rule does many in
// Arabic, is folded without it: whether somebody has it is for the directory to say. It returns [ErrUsername] for
// what no directory should be asked: empty, too long, not UTF-8, with control or invisible characters.
func Normalize(username string) (string, error) {
	words, err := nameWords(username)
	if err != nil {
		return "", err
	}
	for i, word := range words {
		mapped, err := precis.UsernameCaseMapped.String(word)
		if err != nil {
			mapped = norm.NFKC.String(cases.Fold().String(norm.NFKC.String(word)))
		}
		words[i] = mapped
	}
	return strings.Join(words, " "), nil
}

// PrepareUsername returns the form of a username in which a directory is asked for it: as it was typed, in the
// compatibility form NFKC, with single spaces (RFC 4518 sections 2.3 and 2.6.1). The directory compares by its own
// rules of case. It returns [ErrUsername] for what [Normalize] refuses.
func PrepareUsername(username string) (string, error) {
	words, err := nameWords(username)
	if err != nil {
		return "", err
	}
	return strings.Join(strings.Fields(norm.NFKC.String(strings.Join(words, " "))), " "), nil
}

// nameWords returns the words of a username that may be put to a directory.
func nameWords(username string) ([]string, error) {
	if len(username) > maxUsername || !utf8.ValidString(username) || strings.ContainsFunc(username, notInName) {
		return nil, ErrUsername
	}
	words := strings.FieldsFunc(username, func(r rune) bool { return r == ' ' })
	if len(words) == 0 {
		return nil, ErrUsername
	}
	return words, nil
}

// notInName holds for control characters, line breaks and what is invisible, but for the joiners that Persian and the
// scripts of India write with.
func notInName(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) || unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d'
}

// nameRule returns why RFC 8265 refuses a username, nil where it does not.
func nameRule(username string) error {
	words, err := nameWords(username)
	for _, word := range words {
		if _, bad := precis.UsernameCaseMapped.String(word); bad != nil {
			err = bad
		}
	}
	return err
}
