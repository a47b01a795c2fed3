package radius

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func networks(texts ...string) (list []netip.Prefix) {
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

func TestLongestPrefixWins(t *testing.T) {
	table, err := newTable([]Client{
		{Name: "all", Secret: testSecret, Addresses: networks("0.0.0.0/0", "::/0")},
		{Name: "net", Secret: testSecret, Addresses: networks("192.0.2.0/24", "2001:db8::/32")},
		{Name: "host", Secret: testSecret, Addresses: networks("192.0.2.7/32", "2001:db8::7/128", "::ffff:203.0.113.0/120")},
	}, &tally{}, DefaultVendorID)
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]string{
		"192.0.2.7": "host", "192.0.2.8": "net", "198.51.100.1": "all", "203.0.113.9": "host",
		"2001:db8::7": "host", "2001:db8::8": "net", "fe80::1%lo": "all", "::ffff:192.0.2.7": "host",
	} {
		if got := table.find(plainAddr(netip.MustParseAddr(addr))); got == nil || got.Name != want {
			t.Errorf("%s belongs to %v, want %s", addr, got, want)
		}
	}
	if allocs := testing.AllocsPerRun(100, func() { table.find(netip.MustParseAddr("192.0.2.8")) }); allocs != 0 {
		t.Errorf("%v allocations to find a client", allocs)
	}
}

func TestFaultyClientsAreAllReported(t *testing.T) {
	b := newBench(t, &logins{}, nil)
	err := b.SetClients([]Client{
		{},
		{Name: "short", Secret: "canary-secret", Addresses: networks("192.0.2.1/32")},
		{Name: "one", Secret: testSecret, Addresses: networks("192.0.2.2/32")},
		{Name: "one", Secret: testSecret, Addresses: networks("192.0.2.3/32")},
		{Name: "two", Secret: testSecret, Addresses: networks("192.0.2.2/32")},
		{Name: "odd", Secret: testSecret, Addresses: []netip.Prefix{{}}, Charset: 9, Prompts: 9, Mode: 9, AppendDigits: 6, Profile: 9},
	})
	if err == nil {
		t.Fatal("faulty clients were taken")
	}
	for _, want := range []string{
		`client "": name: missing`, `"short": secret: the shared secret has 13 octets`, `"one" is configured twice`,
		`"one" and "two" have the same address 192.0.2.2/32`, `"odd": address: not a valid address`, "charset: unknown",
		"prompts: unknown", "mode: unknown", "append: only a client in append mode", "profile: unknown",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the report lacks %q: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "canary-secret") {
		t.Error("the report shows a secret")
	}
	if b.clients.Load().find(testFrom.Addr()) == nil {
		t.Error("faulty clients have replaced the good ones")
	}
}

func TestReloadKeepsCounters(t *testing.T) {
	var asked int
	b := newBench(t, accepting(&asked), nil)
	b.exchange(request(t, 1, aliceMessage()))
	const secret = "another-shared-secret"
	if err := b.SetClients([]Client{{Name: "vpn", Secret: secret, Addresses: networks("192.0.2.0/24")}}); err != nil {
		t.Fatal(err)
	}
	packet, err := aliceMessage().encode(newSigner(secret), 2, DefaultVendorID)
	if err != nil {
		t.Fatal(err)
	}
	b.exchange(packet)
	if asked != 2 || b.vpn().Accepts != 2 {
		t.Errorf("asked %d times, counted %+v", asked, b.vpn())
	}
}

func TestNewReportsWhatIsMissing(t *testing.T) {
	good := Client{Name: "vpn", Secret: testSecret, Addresses: networks("192.0.2.0/24")}
	for want, cfg := range map[string]Config{
		"listen: is empty":   {Clients: []Client{good}},
		"name: missing":      {Clients: []Client{{}}, Listen: []string{"127.0.0.1:0"}},
		"cannot be negative": {Clients: []Client{good}, Listen: []string{"127.0.0.1:0"}, Queue: -1},
	} {
		if _, err := New(cfg, &logins{}, newMemory(time.Now)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if _, err := New(Config{Listen: []string{"127.0.0.1:0"}}, nil, nil); err == nil {
		t.Error("a server without Logins was made")
	}
}

func TestListenAddresses(t *testing.T) {
	for list, want := range map[string]string{
		"127.0.0.1:0 127.0.0.1:0": "", "0.0.0.0:1812 [::]:1812": "", "192.0.2.1:1812 192.0.2.2:1812": "", "0.0.0.0:1812 192.0.2.1:1645": "",
		"radius:1812": "is not an IP address with a port", ":1812": "is not an IP address with a port",
		"127.0.0.1": "is not an IP address with a port", "[::ffff:127.0.0.1]:1812": `write "127.0.0.1:1812"`,
		"192.0.2.1:1812 0.0.0.0:1812": "would take the same packets", "[::1]:1812 [::1]:1812": "would take the same packets",
	} {
		_, err := parseListen("listen", strings.Fields(list))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", list, err, want)
		}
	}
}

func TestParseNetwork(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.7": "192.0.2.7/32", "192.0.2.0/24": "192.0.2.0/24", "2001:db8::/32": "2001:db8::/32", "fe80::1": "fe80::1/128",
		"::ffff:192.0.2.7": "192.0.2.7/32", "::ffff:192.0.2.0/120": "192.0.2.0/24", "::ffff:0.0.0.0/96": "0.0.0.0/0",
	} {
		if got, err := ParseNetwork(text); err != nil || got.String() != want {
			t.Errorf("%s: got %v, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "vpn.example", "192.0.2.7/24", "192.0.2.0/33", "::ffff:0.0.0.0/80", "192.0.2.1:1812"} {
		if got, err := ParseNetwork(text); err == nil {
			t.Errorf("%s is %v", text, got)
		}
	}
}

// TestR14AZoneIsRefused in every form in which one may stand, with what to write instead.
func TestR14AZoneIsRefused(t *testing.T) {
	for text, instead := range map[string]string{
		"fe80::1%eth0": "fe80::1", "fe80::1%1": "fe80::1", "fe80::/64%eth0": "fe80::/64", "fe80::%eth0/64": "fe80::/64",
		"2001:db8::1%eth0": "2001:db8::1", "::ffff:192.0.2.7%eth0": "::ffff:192.0.2.7", "192.0.2.7%eth0": "192.0.2.7",
		"::ffff:192.0.2.0%eth0/120": "::ffff:192.0.2.0/120", "fe80::1%": "fe80::1",
	} {
		got, err := ParseNetwork(text)
		if err == nil || !strings.Contains(err.Error(), "has a zone") || !strings.Contains(err.Error(), `write "`+instead+`"`) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"::ffff:192.0.2.7/128": "192.0.2.7/32", "::ffff:c000:207": "192.0.2.7/32", "0:0:0:0:0:ffff:192.0.2.7": "192.0.2.7/32", "fe80::/10": "fe80::/10",
	} {
		if got, err := ParseNetwork(text); err != nil || got.String() != want {
			t.Errorf("%s: %v, %v, want %s", text, got, err, want)
		}
	}
	// Packets of a link-local client have the zone of the interface that they came by.
	asked := 0
	b := newBench(t, accepting(&asked), func(_ *Config, c *Client) {
		c.Addresses = []netip.Prefix{netip.MustParsePrefix("fe80::1/128")}
	})
	for _, from := range []string{"[fe80::1%eth0]:1", "[fe80::1%eth1]:2"} {
		b.receive(datagram{bytes: request(t, byte(asked+1), aliceMessage()), from: addrPort(from), socket: b.wire})
		b.serveAll()
	}
	if asked != 2 {
		t.Errorf("asked %d times of two interfaces", asked)
	}
}
