//go:build e2e

package e2e

import (
	"context"
	"slices"
	"strings"
	"testing"

	"sallyport/e2e/servers"
	"sallyport/login"
	"sallyport/radius"
)

// freeradiusDictionaries is where Debian has FreeRADIUS's own.
const freeradiusDictionaries = "/usr/share/freeradius/"

// welcoming is a [radius.Logins] that accepts everybody as a member of some groups.
type welcoming struct{ registering }

func (welcoming) Begin(context.Context, login.Request) (login.Reply, error) {
	return login.Reply{
		Verdict: login.Accept, Code: login.CodeAccepted, Message: "Welcome.",
		Groups:     []string{"CN=VPN,OU=Groups,DC=corp,DC=example", "staff"},
		Attributes: []login.Attribute{{Type: 25, Value: []byte("upstream")}, {Vendor: 9, Type: 1, Value: []byte("ip:upstream=1")}},
	}, nil
}

// given are attributes of every type, each with its values as radclient prints them.
func given() map[string][]string {
	return map[string][]string{
		"Filter-Id":                  {"vpn-users", "second"},
		"Class":                      {"0x00ff01"},
		"Session-Timeout":            {"3600"},
		"Service-Type":               {"Framed-User"},
		"Framed-IP-Address":          {"192.0.2.17"},
		"Framed-IPv6-Prefix":         {"2001:db8:8000::/33"},
		"Framed-IPv6-Address":        {"2001:db8::1"},
		"Framed-Interface-Id":        {"1111:2222:3333:4444"},
		"MIP6-Feature-Vector":        {"1099511627776"},
		"PKM-SAID":                   {"258"},
		"Tunnel-Type:1":              {"VLAN"},
		"Tunnel-Medium-Type:1":       {"IEEE-802"},
		"Tunnel-Private-Group-Id:1":  {"42"},
		"Tunnel-Password:1":          {"tunnel-secret"},
		"PMIP6-Home-IPv4-HoA":        {"198.51.100.0/24"},
		"Cisco-AVPair":               {"shell:priv-lvl=15", "ip:addr-pool=one"},
		"MS-Primary-DNS-Server":      {"192.0.2.53"},
		"MS-MPPE-Send-Key":           {"0x000102030405060708090a0b0c0d0e0f"},
		"Fortinet-Group-Name":        {"vpn"},
		"PaloAlto-User-Group":        {"admins"},
		"Juniper-Local-User-Name":    {"operator"},
		"F5-LTM-User-Role":           {"Operator"},
		"Aruba-User-Vlan":            {"7"},
		"Ascend-Data-Rate":           {"64000"},
		"USR-Last-Number-Dialed-Out": {"12345"},
		"SN-VPN-Name":                {"starent"},
	}
}

// A client whose dictionary is FreeRADIUS's reads what we have written by the same dictionary.
func TestReplyAttributesReadAsTheyWereGiven(t *testing.T) {
	d := load(t, "dictionary")
	rule, err := radius.NewReplyRule(d, []string{"vpn"}, given())
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := radius.NewReplyRule(d, []string{"others"}, map[string][]string{"Callback-Number": {"never"}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := serveRADIUS(t, welcoming{}, rule, stranger).Login(t.Context(), "alice", "any", "")
	if err != nil || r.Code != "Access-Accept" {
		t.Fatalf("%+v, %v", r, err)
	}
	want := given()
	want["Class"] = []string{"0x757073747265616d", "0x00ff01"} // "upstream" comes first
	want["Cisco-AVPair"] = append([]string{"ip:upstream=1"}, want["Cisco-AVPair"]...)
	for name, values := range want {
		if got := r.All(name); !slices.Equal(got, values) {
			t.Errorf("%s was read as %q, want %q", name, got, values)
		}
	}
	if got := r.Get("Callback-Number"); got != "" {
		t.Errorf("another group's attribute came: %q", got)
	}
}

func load(t *testing.T, names ...string) *radius.Dictionary {
	t.Helper()
	for i, name := range names {
		names[i] = freeradiusDictionaries + name
	}
	d, err := radius.LoadDictionary(names)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Each vendor's file is of use without FreeRADIUS's others.
func TestDictionariesOfVendorsLoadAlone(t *testing.T) {
	for file, c := range map[string][2]string{
		"cisco":      {"Cisco-AVPair", "shell:priv-lvl=15"},
		"cisco.asa":  {"ASA-VLAN", "7"},
		"microsoft":  {"MS-Primary-DNS-Server", "192.0.2.53"},
		"fortinet":   {"Fortinet-Access-Profile", "super_admin"},
		"paloalto":   {"PaloAlto-Admin-Role", "superuser"},
		"juniper":    {"Juniper-Local-User-Name", "operator"},
		"checkpoint": {"CP-Gaia-User-Role", "adminRole"},
		"f5":         {"F5-LTM-User-Role", "Administrator"},
		"aruba":      {"Aruba-User-Role", "staff"},
		"citrix":     {"Citrix-User-Groups", "staff"},
		"sonicwall":  {"SonicWall-User-Group", "staff"},
		"mikrotik":   {"Mikrotik-Group", "full"},
		"huawei":     {"Huawei-Exec-Privilege", "15"},
		"pfsense":    {"pfSense-Bandwidth-Max-Up", "64000"},
		"meraki":     {"Meraki-Device-Name", "switch"},
		"arista":     {"Arista-AVPair", "shell:roles=admin"},
		"extreme":    {"Extreme-CLI-Authorization", "Enabled"},
		"hp":         {"HP-Privilege-Level", "15"},
		"zyxel":      {"Zyxel-Privilege-AVPair", "shell:priv-lvl=15"},
	} {
		_, err := radius.NewReplyRule(load(t, "dictionary."+file), nil, map[string][]string{c[0]: {c[1]}})
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// What we cannot write is a matter of whoever names it, not of the whole file.
func TestUnsupportedAttributesAreRefusedByName(t *testing.T) {
	d := load(t, "dictionary")
	for name, want := range map[string]string{
		"Ascend-Data-Filter":                 "the type abinary is not supported",
		"Ascend-Receive-Secret":              "encrypt=3 is not supported",
		"MS-CHAP-MPPE-Keys":                  "encrypt=1 is not supported",
		"WiMAX-MSK":                          "format=1,1,c is not supported",
		"3GPP2-Remote-IPv4-Addr-Octet-Count": "the type tlv is not supported",
		"Extended-Attribute-1":               "the type extended is not supported",
		"Auth-Type":                          "FreeRADIUS's own",
		"Message-Authenticator":              "the server itself decides",
	} {
		_, err := radius.NewReplyRule(d, nil, map[string][]string{name: {"x"}})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// Neither a name nor a number passes on what the RSA server hides under its own secret.
func TestAttributesThatAreHiddenAreNotPassedOn(t *testing.T) {
	d := load(t, "dictionary")
	pass := func(name string) error {
		u, err := radius.NewUpstream(radius.UpstreamConfig{
			Servers: []string{"127.0.0.1:1812"}, Secret: servers.ClientSecret, Attributes: []string{name}, Dictionary: d,
		})
		if err != nil {
			return err
		}
		return u.Close()
	}
	for _, name := range []string{"Tunnel-Password", "69", "MS-MPPE-Send-Key", "311:16", "MS-CHAP-MPPE-Keys", "311:12", "Aruba-MPSK-Passphrase", "14823:44"} {
		if err := pass(name); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"MS-Primary-DNS-Server", "311:28", "Aruba-User-Role", "14823:1"} {
		if err := pass(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
