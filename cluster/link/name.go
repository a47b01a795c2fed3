package link

import (
	"fmt"
	"regexp"
)

// serverSuffix makes the name of a node a name that a certificate can hold. It is never resolved.
const serverSuffix = ".node.sallyport"

// nodeName: 63 octets is the longest label of a DNS name (RFC 1035 §2.3.4).
var nodeName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$`)

// CheckName returns an error that says what a node's name may be, when name is not one.
func CheckName(name string) error {
	if !nodeName.MatchString(name) {
		return fmt.Errorf("node name %q: use 1 to 63 of the letters A to Z and a to z, digits, dots, hyphens and underscores; the first and the last are letters or digits", name)
	}
	return nil
}
