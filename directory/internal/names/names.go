// Package names turns what people type as a username into what a directory is asked for: the name without the domain
// that means this directory, in the typed case, since directories compare by rules of their own.
package names

import (
	"fmt"
	"strings"

	"sallyport/login"
)

// Name is a username that may be put to a directory. Both forms are prepared, see [login.PrepareUsername].
type Name struct {
	// Username is the name without its domain.
	Username string
	// Login is all that was typed.
	Login string
}

// Domains are the domains whose prefix (DOMAIN\alice) and suffix (alice@domain) mean this directory.
// The zero value knows none: names are then taken whole. It is immutable.
type Domains struct {
	known map[string]bool
}

// NewDomains returns the domains; the error names the first that is not a name.
func NewDomains(domains []string) (Domains, error) {
	known := make(map[string]bool, len(domains))
	for _, domain := range domains {
		folded, err := login.Normalize(domain)
		if err != nil || strings.ContainsAny(domain, `\@ `) {
			return Domains{}, fmt.Errorf("%q is not a domain", domain)
		}
		known[folded] = true
	}
	return Domains{known: known}, nil
}

// Parse splits a typed name. It returns [login.ErrNoUser] for what cannot be a username, and for a
// domain that is not this directory's.
func (d Domains) Parse(typed string) (Name, error) {
	whole, err := login.PrepareUsername(typed)
	if err != nil {
		return Name{}, fmt.Errorf("%w: %w", login.ErrNoUser, err)
	}
	if len(d.known) == 0 {
		return Name{Username: whole, Login: whole}, nil
	}
	username, domain := whole, ""
	if before, after, found := strings.Cut(whole, `\`); found {
		domain, username = before, after
	} else if at := strings.LastIndexByte(whole, '@'); at >= 0 {
		username, domain = whole[:at], whole[at+1:]
	} else {
		return Name{Username: whole, Login: whole}, nil
	}
	if folded, err := login.Normalize(domain); err != nil || !d.known[folded] || username == "" || strings.ContainsAny(username, `\@`) {
		return Name{}, fmt.Errorf("%w: not a domain of this directory", login.ErrNoUser)
	}
	return Name{Username: username, Login: whole}, nil
}
