package config

import (
	"net/netip"
	"slices"
	"strings"

	"sallyport/cluster"
	"sallyport/login"
)

// literals returns the files in which secrets stand: those of whole settings, which are given, and those of
// pieces of others.
func (c *checker) literals(files []string) []string {
	for _, p := range c.hiddenPieces() {
		if _, here := c.places[p.key]; here && !p.whole && len(p.text) > 1 {
			files = append(files, c.at(p.key).file)
		}
	}
	slices.Sort(files)
	return slices.DeleteFunc(slices.Compact(files), func(file string) bool { return file == "" })
}

// The largest networks that a client is likely to have.
const (
	leastBits4 = 16
	leastBits6 = 48
)

// size warns of a network that is nobody's: then the shared secret alone says who may ask.
func (c *checker) size(key string, prefix netip.Prefix) {
	least := leastBits6
	if prefix.Addr().Is4() {
		least = leastBits4
	}
	switch bits := prefix.Bits(); {
	case bits == 0:
		c.warn(key, "%s is every address there is: whoever has or guesses the shared secret may ask from anywhere. Name the client's addresses", prefix)
	case bits < least:
		c.warn(key, "%s is larger than the network of any client: name the client's addresses, or networks of /%d or smaller", prefix, least)
	}
}

// leastPieces is how many pieces a shared secret should have that do not follow from one another.
const leastPieces = 10

// trivial warns of a shared secret that can be guessed, however long it is. Names are words that belong to it.
func (c *checker) trivial(key string, secret login.Secret, names ...string) {
	if s := secret.Reveal(); s != "" && pieces(s, append(names, c.Node.Name)) < leastPieces {
		c.warn(key, "the shared secret is easily guessed (words, names, runs on the keyboard or repetitions): take a random one, such as that of \"openssl rand -base64 24\"")
	}
}

// trivialKey warns of a master key that nobody has drawn at random.
func (c *checker) trivialKey(key string) {
	b, err := cluster.ParseMasterKey([]byte(c.Node.MasterKey.Reveal()))
	if err != nil {
		return
	}
	if pieces(string(b), nil) < leastPieces {
		c.warn(key, "the master key is not a random one: make one with \"sallyport keys generate\"")
	}
}

// pieces counts what somebody who guesses has to find out: a character each, but a known word, a run on the
// keyboard or in the alphabet, and what stood before are one or two together.
func pieces(secret string, names []string) (n int) {
	text := strings.ToLower(secret)
	letters := unleet.Replace(text)
	words := slices.Concat(names, commonWords)
	for i := 0; i < len(text); {
		length, cost := 1, 1
		if l := run(text[i:]); l >= 3 {
			length, cost = l, 2
		}
		if l := before(text, i); l >= 3 && l > length {
			length, cost = l, 1
		}
		for _, w := range words {
			w = strings.ToLower(w)
			if len(w) >= 3 && len(w) > length && (strings.HasPrefix(text[i:], w) || strings.HasPrefix(letters[i:], w)) {
				length, cost = len(w), 2
			}
		}
		i, n = i+length, n+cost
	}
	return n
}

// unleet reads digits as the letters that they stand for. Each side has one byte, so that places stay.
var unleet = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i")

// rows are what fingers and memory follow, in both directions.
var rows = []string{
	"abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "qwertzuiop", "asdfghjkl", "zxcvbnm", "yxcvbnm",
	"azertyuiop", "qsdfghjklm", "wxcvbn", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "!@#$%^&*()", "!\"§$%&/()=",
	"qazwsxedcrfvtgbyhnujmikolp", "q1w2e3r4t5y6u7i8o9p0", "1q2w3e4r5t6y7u8i9o0p", "aabbccddeeffgghhiijjkkllmmnnooppqqrrssttuuvvwwxxyyzz", "112233445566778899",
}

// run is how many bytes at the beginning of text are one after another in a row, or the same.
func run(text string) (longest int) {
	same := 1
	for same < len(text) && text[same] == text[0] {
		same++
	}
	longest = same
	for _, row := range rows {
		for _, step := range []int{1, -1} {
			for at := range len(row) {
				if row[at] != text[0] {
					continue
				}
				n := 1
				for n < len(text) && at+n*step >= 0 && at+n*step < len(row) && row[at+n*step] == text[n] {
					n++
				}
				longest = max(longest, n)
			}
		}
	}
	return longest
}

// before is the length of the longest text at i that stood before i, perhaps running on into itself.
func before(text string, i int) (longest int) {
	for j := range i {
		n := 0
		for i+n < len(text) && text[j+n] == text[i+n] {
			n++
		}
		longest = max(longest, n)
	}
	return longest
}

// commonWords are the words of such secrets, and those of this program's and others' examples.
var commonWords = []string{
	"secret", "shared", "password", "passwort", "passwd", "passphrase", "passcode", "pass", "radius", "raddb", "freeradius", "testing", "test", "sallyport",
	"server", "client", "firewall", "gateway", "vpn", "nas", "cisco", "fortinet", "fortigate", "juniper", "paloalto", "mikrotik", "sonicwall",
	"checkpoint", "netscaler", "citrix", "openvpn", "ocserv", "pfsense", "windows", "active", "directory", "ldap", "admin", "administrator",
	"root", "user", "login", "welcome", "letmein", "changeme", "change", "change-me", "default", "example", "sample", "demo", "corp", "company",
	"office", "network", "internal", "security", "secure", "access", "wireless", "wifi", "guest", "public", "private", "community", "key",
	"token", "auth", "authentication", "master", "monkey", "dragon", "football", "baseball", "iloveyou", "sunshine", "princess", "hello", "world",
	"summer", "winter", "spring", "autumn", "january", "monday", "the", "this", "that", "is", "not", "very", "long", "and", "for", "your", "put", "here",
	"replace", "with", "good", "strong", "random", "octets", "bytes", "characters", "two", "four", "sixteen", "twenty", "rsa", "securid", "otp", "mfa",
	"2fa", "2024", "2025", "2026", "2027", "qwerty", "xxx", "todo", "foo", "bar", "baz", "lorem", "ipsum",
}
