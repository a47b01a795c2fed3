package login

import "strings"

// InGroup reports whether one of a user's groups is the one named. Names compare without regard to
// case. A group of a directory is a DN ("CN=VPN,OU=Groups,DC=corp,DC=example"); a rule may name it by
// that DN or by the value of its first part alone ("vpn").
func InGroup(groups []string, name string) bool {
	for _, g := range groups {
		if strings.EqualFold(g, name) || strings.EqualFold(firstValue(g), name) {
			return true
		}
	}
	return false
}

// firstValue is the value of a DN's first part, unescaped as far as names need it; a text that is no
// DN is its own value.
func firstValue(dn string) string {
	_, rest, ok := strings.Cut(dn, "=")
	if !ok {
		return dn
	}
	var b strings.Builder
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '\\' && i+1 < len(rest):
			i++
			b.WriteByte(rest[i])
		case c == ',' || c == '+':
			return strings.TrimSpace(b.String())
		default:
			b.WriteByte(c)
		}
	}
	return strings.TrimSpace(b.String())
}
