package login

import (
	"fmt"
	"math/rand"
	"net/netip"
	"strings"
	"testing"
)

// TestC5StationForms has each form that clients are known to send, with what is the same at the next
// connection.
func TestC5StationForms(t *testing.T) {
	for station, forms := range map[string][]string{
		"198.51.100.9": {
			"198.51.100.9", "198.51.100.9[4500]", "198.51.100.9[500]", "198.51.100.9:51820", "198.51.100.9 51820", "198.51.100.9/51820",
			"198.51.100.9#1", "198.51.100.9,51820", "198.51.100.9;51820", " 198.51.100.9 ", "198.51.100.9\x00", "::ffff:198.51.100.9",
			"[::ffff:198.51.100.9]:443", "::FFFF:198.51.100.9[4500]", "ip=198.51.100.9", "IP=198.51.100.9:443", "[198.51.100.9]:443",
			"198.51.100.9 port 51820", "198.51.100.9, 443", "198.51.100.9 (4000)", "198.51.100.9_4000", "198.51.100.9-4000", "198.51.100.9.4000",
			"udp:198.51.100.9:4000", "udp4:198.51.100.9:4000", "tcp4-server:198.51.100.9:4000", "[AF_INET]198.51.100.9:4000", "198.51.100.9|4000",
			"ipv4:198.51.100.9", "[::ffff:198.51.100.9] (4000)", "198.51.100.9(port=4000)",
		},
		"2001:db8::9": {
			"2001:db8::9", "2001:DB8:0:0::9", "2001:db8::9[4500]", "[2001:db8::9]:51820", "[2001:db8::9]", "2001:db8:0:0:0:0:0:9:51820",
			"2001:db8::9/51820", "2001:db8::9 51820", "[2001:db8::9][4500]", "ipv6=2001:db8::9",
			"2001:db8::9.51820", "2001:db8::9_51820", "[2001:db8::9]-51820", "[AF_INET6]2001:db8::9:51820", "udp6:[2001:db8::9]:51820",
		},
		"fe80::1%eth0": {"fe80::1%eth0", "FE80::1%eth0", "fe80::1%eth0[4500]", "[fe80::1%eth0]:500"},
		"001122aabbcc": {
			"00-11-22-AA-BB-CC", "00:11:22:aa:bb:cc", "0011.22AA.bbcc", "0011-22aa-bbcc", "001122aabbcc", "001122-AABBCC", "001122:aabbcc",
			"00.11.22.aa.bb.cc", "00 11 22 AA BB CC", "0011:22aa:bbcc",
		},
		"laptop.corp.example": {"laptop.corp.example", "Laptop.Corp.Example", "laptop.corp.example[4500]", "laptop.corp.example:4500"},
		"+4420 7946 0000":     {"+4420 7946 0000"},
		"442079460000":        {"442079460000"},
		"":                    {"", " ", "\x00", "\t"},
		"\xff\xfe":            {"\xff\xfe"},
		"\xff\xfd":            {"\xff\xfd"},
		"198.51.100.999[1]x":  {"198.51.100.999[1]X"},
	} {
		for _, form := range forms {
			if got := (Origin{CallingStationID: form}).station(); got != station {
				t.Errorf("%q is %q, want %q", form, got, station)
			}
		}
	}
}

// TestStationProperty: another port is the same station, another address is not, and nothing else is read
// as less than it says.
func TestStationProperty(t *testing.T) {
	r := rand.New(rand.NewSource(5))
	address := func() netip.Addr {
		if r.Intn(2) == 0 {
			return netip.AddrFrom4([4]byte{byte(r.Intn(256)), byte(r.Intn(256)), byte(r.Intn(256)), byte(r.Intn(256))})
		}
		var b [16]byte
		for i := range b {
			b[i] = byte(r.Intn(256) * r.Intn(2))
		}
		return netip.AddrFrom16(b).Unmap()
	}
	forms := []string{"%s[%d]", "[%s]:%d", "%s/%d", "%s %d", "%s#%d", "%s (%d)", "udp:[%s]:%d", "[AF_INET6][%s]:%d", "ip=%s|%d"}
	for _, sign := range "!\"#$&'()*+,-./;<=>?@\\^_`{|}~" {
		forms = append(forms, "%s"+strings.ReplaceAll(string(sign), "%", "%%")+"%d", "%s "+string(sign)+"%d"+string(sign))
	}
	for range 5000 {
		a, b := address(), address()
		form := func() string { return forms[r.Intn(len(forms))] }
		first, second := fmt.Sprintf(form(), a, r.Intn(65536)), fmt.Sprintf(form(), a, r.Intn(65536))
		other := fmt.Sprintf(form(), b, r.Intn(65536))
		if stationOf(first) != stationOf(second) || stationOf(first) != a.String() {
			t.Fatalf("%q is %q, and %q is %q", first, stationOf(first), second, stationOf(second))
		}
		if a != b && stationOf(first) == stationOf(other) {
			t.Fatalf("%q and %q are one station", first, other)
		}
		if again := stationOf(stationOf(first)); again != stationOf(first) {
			t.Fatalf("the station of a station is %q", again)
		}
		text := strings.Map(func(c rune) rune { return 'g' + c%15 }, first)
		if got := stationOf(text); got != text {
			t.Fatalf("%q is read as %q", text, got)
		}
	}
}
