package email

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"golang.org/x/net/idna"

	"sallyport/login"
)

// The bounds of an address, in octets: RFC 5321 §4.5.3.1.1 and §4.5.3.1.3, the path's two brackets
// taken off.
const (
	maxLocalPart = 64
	maxAddress   = 254
)

// refusal is why an address cannot be used, in words for the person.
func refusal(format string, args ...any) error {
	return fmt.Errorf("%w: %s", login.ErrAddress, fmt.Sprintf(format, args...))
}

// ParseAddress reads an addr-spec (RFC 5322 §3.4.1) in ASCII, without display name, quotes or
// comments. An international domain is written in its xn-- form; local parts in other scripts
// (RFC 6531) cannot be used, since not every server on the way could. The local part stays as it was
// typed, the domain becomes lower case.
func (f *Factor) ParseAddress(text string) (login.Address, error) {
	local, domain, err := splitAddress(strings.Trim(text, " \t"))
	if err != nil {
		return login.Address{}, err
	}
	if len(f.domains) > 0 && !slices.Contains(f.domains, domain) {
		return login.Address{}, refusal("only addresses in %s are allowed here", strings.Join(f.domains, ", "))
	}
	if !strings.Contains(domain, ".") && len(f.domains) == 0 {
		return login.Address{}, refusal("the part after the @ is not complete")
	}
	whole := local + "@" + domain
	return login.Address{Text: whole, Display: whole, Masked: mask(local) + "@" + domain}, nil
}

// splitAddress returns the parts of an addr-spec, the domain in lower case.
func splitAddress(text string) (local, domain string, err error) {
	const form = "write only the address, such as name@example.org"
	if len(text) > maxAddress {
		return "", "", refusal("it is longer than %d characters", maxAddress)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", "", refusal("it holds a blank or a character that is not ASCII")
	}
	// Whatever the parser takes off (a display name, brackets, quotes, comments) was too much.
	parsed, err := mail.ParseAddress(text)
	if err != nil || parsed.Address != text {
		return "", "", refusal(form)
	}
	at := strings.LastIndexByte(text, '@')
	local, domain = text[:at], text[at+1:]
	if len(local) > maxLocalPart {
		return "", "", refusal("the part before the @ is longer than %d characters", maxLocalPart)
	}
	// user%other.example@here and other!user@here are relayed to other.example by some servers, past
	// the allowed domains; programs behind a server take a leading hyphen for an option.
	if strings.ContainsAny(local, "%!") || strings.HasPrefix(local, "-") {
		return "", "", refusal("the part before the @ holds a character that cannot be used")
	}
	if domain, err = asciiDomain(domain); err != nil {
		return "", "", refusal("the part after the @ is not a domain")
	}
	return local, domain, nil
}

// asciiDomain returns a domain of letters, digits and hyphens (RFC 1123 §2.1) in lower case.
func asciiDomain(domain string) (string, error) {
	for _, r := range domain {
		if r > '~' {
			return "", fmt.Errorf("an international domain is written in its xn-- form")
		}
	}
	rules := idna.New(idna.MapForLookup(), idna.StrictDomainName(true), idna.VerifyDNSLength(true), idna.BidiRule())
	ascii, err := rules.ToASCII(domain)
	if err != nil {
		return "", err
	}
	if top := ascii[strings.LastIndexByte(ascii, '.')+1:]; strings.Trim(top, "0123456789") == "" {
		return "", fmt.Errorf("a domain does not end in a number")
	}
	return ascii, nil
}

// mask shows the first and the last letter, or the first alone of one or two, and always three
// bullets, which tell nothing of the length.
func mask(local string) string {
	if len(local) <= 2 {
		return local[:1] + "•••"
	}
	return local[:1] + "•••" + local[len(local)-1:]
}
