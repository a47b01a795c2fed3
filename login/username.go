package login

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
)

// ErrUsername means that a text cannot be a username.
var ErrUsername = errors.New("not a username")

// maxUsername is what a User-Name attribute holds (RFC 2865 §5.1).
const maxUsername = 253

// Normalize returns the form of a username under which its spellings are equal: case and width
// folded as RFC 8265 UsernameCaseMapped says, word by word where an account name holds spaces (which
// the profile forbids and Active Directory allows). It returns [ErrUsername] for what no directory
// should be asked: empty, too long, not UTF-8, control characters, or code points that the profile
// refuses.
func Normalize(username string) (string, error) {
	if len(username) > maxUsername || !utf8.ValidString(username) {
		return "", ErrUsername
	}
	if strings.ContainsFunc(username, unicode.IsControl) {
		return "", ErrUsername
	}
	words := strings.FieldsFunc(username, func(r rune) bool { return r == ' ' })
	for i, word := range words {
		mapped, err := precis.UsernameCaseMapped.String(word)
		if err != nil {
			return "", ErrUsername
		}
		words[i] = mapped
	}
	if len(words) == 0 {
		return "", ErrUsername
	}
	return strings.Join(words, " "), nil
}
