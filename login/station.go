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
//	198.51.100.9 51820, 198.51.100.9/51820, 198.51.100.9#51820             198.51.100.9
//	2001:DB8:0::9               any                                        2001:db8::9
//	2001:db8::9[4500]           strongSwan                                 2001:db8::9
//	[2001:db8::9]:51820, [2001:db8::9]                                     2001:db8::9
//	::ffff:198.51.100.9         what listens on both families              198.51.100.9
//	ip=198.51.100.9             clients that name the kind                 198.51.100.9
//	host.example[4500]          strongSwan                                 host.example
//	anything else               a telephone number, a host's name          itself, in small letters
var (
	macForm = regexp.MustCompile(`^(?:[0-9a-f]{12}|[0-9a-f]{6}[-:.][0-9a-f]{6}|[0-9a-f]{4}(?:-[0-9a-f]{4}){2}|[0-9a-f]{4}(?::[0-9a-f]{4}){2}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}|` +
		`[0-9a-f]{2}(?:-[0-9a-f]{2}){5}|[0-9a-f]{2}(?::[0-9a-f]{2}){5}|[0-9a-f]{2}(?:\.[0-9a-f]{2}){5}|[0-9a-f]{2}(?: [0-9a-f]{2}){5})$`)
	// portForms are the ways to write a port behind an address; the last one only where the whole is none, since
	// it may be a part of one.
	portForms = []*regexp.Regexp{
		regexp.MustCompile(`\[[0-9]{1,5}\]$`), regexp.MustCompile(`[ /#,;]+(?:port[ =])?[0-9]{1,5}$`), regexp.MustCompile(`:[0-9]{1,5}$`),
	}
	kindForm = regexp.MustCompile(`^ip(?:v[46])?=`)
)

// station is where the person is, as far as the client says: equal for all connections from there. It is
// empty where the client says nothing.
func (o Origin) station() string { return stationOf(o.CallingStationID) }

func stationOf(said string) string {
	if !utf8.ValidString(said) {
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
	text := kindForm.ReplaceAllString(said, "")
	if address, ok := addressIn(text); ok {
		return address
	}
	for _, port := range portForms {
		if address, ok := addressIn(port.ReplaceAllString(text, "")); ok {
			return address
		}
	}
	return portForms[0].ReplaceAllString(said, "")
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
