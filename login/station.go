package login

import (
	"net/netip"
	"regexp"
	"strings"
	"unicode/utf8"
)

// The forms in which clients say where a person is, in Calling-Station-Id (RFC 2865 §5.31): what of them is
// the station, and what changes with each connection.
//
//	form                        who sends it, for example                  station
//	00-11-22-aa-bb-cc           IEEE 802.1X (RFC 3580 §3.21), MikroTik     001122aabbcc
//	00:11:22:AA:BB:CC           FreeRADIUS, pfSense                        001122aabbcc
//	0011.22aa.bbcc              Cisco IOS                                  001122aabbcc
//	0011-22aa-bbcc, 001122aabbcc, 001122-aabbcc                           001122aabbcc
//	                            HP, Huawei, Aruba
//	198.51.100.9                Cisco ASA, FortiGate, Palo Alto, ocserv    198.51.100.9
//	198.51.100.9[4500]          strongSwan                                 198.51.100.9
//	198.51.100.9:51820          OpenVPN's plugins                          198.51.100.9
//	198.51.100.9 51820, 198.51.100.9/51820, 198.51.100.9 (51820) …         198.51.100.9
//	2001:DB8:0::9               any                                        2001:db8::9
//	2001:db8::9[4500]           strongSwan                                 2001:db8::9
//	[2001:db8::9]:51820, [2001:db8::9]                                     2001:db8::9
//	::ffff:198.51.100.9         what listens on both families              198.51.100.9
//	ip=198.51.100.9, udp4:198.51.100.9:51820, [AF_INET]198.51.100.9:51820  198.51.100.9
//	host.example[4500], host.example:4500                                  host.example
//	anything else               a telephone number, a host's name          itself, in small letters
var (
	macForm = regexp.MustCompile(`^(?:[0-9a-f]{12}|[0-9a-f]{6}[-:.][0-9a-f]{6}|[0-9a-f]{4}(?:-[0-9a-f]{4}){2}|[0-9a-f]{4}(?::[0-9a-f]{4}){2}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}|` +
		`[0-9a-f]{2}(?:-[0-9a-f]{2}){5}|[0-9a-f]{2}(?::[0-9a-f]{2}){5}|[0-9a-f]{2}(?:\.[0-9a-f]{2}){5}|[0-9a-f]{2}(?: [0-9a-f]{2}){5})$`)
	// portForms are the ways to write a port behind an address: any sign that no address ends with, and last a colon,
	// which may be a part of one.
	portForms = []*regexp.Regexp{
		regexp.MustCompile(`[^0-9a-z:]+(?:port[^0-9a-z]*)?[0-9]{1,5}[^0-9a-z]*$`), regexp.MustCompile(`:[0-9]{1,5}$`),
	}
	// bracketForm is an address in brackets with a port.
	bracketForm = regexp.MustCompile(`^\[([^\]]+)\][^0-9a-z]+(?:port[^0-9a-z]*)?[0-9]{1,5}[^0-9a-z]*$`)
	// kindForm is what stands before an address: "ip=", "udp4:", "tcp-server:", "[af_inet6]".
	kindForm = regexp.MustCompile(`^(?:[a-z][a-z0-9_-]*[=:]|\[[a-z][a-z0-9_]*\]) *`)
	// hostForm is a name with a port.
	hostForm = regexp.MustCompile(`^([a-z0-9-]*[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)*)(?::[0-9]{1,5}|\[[0-9]{1,5}\])$`)
)

// station is where the person is, as far as the client says: equal for all connections from there. It is
// empty where the client says nothing.
func (o Origin) station() string { return stationOf(o.CallingStationID) }

func stationOf(said string) string {
	if said == "" || !utf8.ValidString(said) {
		return said
	}
	said = strings.ToLower(strings.TrimSpace(strings.TrimRight(said, "\x00")))
	if macForm.MatchString(said) {
		return strings.Map(func(r rune) rune {
			if strings.ContainsRune(":-. ", r) {
				return -1
			}
			return r
		}, said)
	}
	if address, ok := addressIn(said); ok { // what most send, before any expression is tried
		return address
	}
	for _, text := range []string{said, kindForm.ReplaceAllString(said, "")} {
		if address, ok := addressIn(text); ok {
			return address
		}
		if address, ok := addressIn(bracketForm.ReplaceAllString(text, "$1")); ok {
			return address
		}
		for _, port := range portForms {
			if address, ok := addressIn(strings.TrimRight(port.ReplaceAllString(text, ""), " ")); ok {
				return address
			}
		}
	}
	return hostForm.ReplaceAllString(said, "$1")
}

// addressIn reads an address, in brackets or not. A zone has none of them, nor a blank.
func addressIn(text string) (string, bool) {
	if inner, ok := strings.CutPrefix(text, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok {
			text = inner
		}
	}
	a, err := netip.ParseAddr(text)
	if err != nil || strings.ContainsAny(a.Zone(), "[]/#,; ") {
		return "", false
	}
	return a.Unmap().String(), true
}
