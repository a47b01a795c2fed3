package radius

import (
	"bytes"
	"encoding/hex"
	"log/slog"
	"slices"
	"strings"
	"testing"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2868"

	"sallyport/login"
)

// written is the first attribute of a rule, on the wire.
func written(t *testing.T, name, value string) string {
	t.Helper()
	rule, err := NewReplyRule(testDictionary(t), nil, map[string][]string{name: {value}})
	if err != nil {
		t.Error(err)
		return ""
	}
	w := testKey.write(2, 1, [authSize]byte{}, DefaultVendorID)
	start := len(w.b)
	w.reply(rule.attributes[0])
	return hex.EncodeToString(w.b[start:])
}

func TestValuesAreWrittenAsTheirTypesWant(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"Filter-Id", "staff", "0b07 7374616666"},
		{"filter-id", "büro", "0b07 62c3bc726f"},
		{"Class", "ou=staff", "190a 6f753d7374616666"},
		{"Class", "0x00FF", "1904 00ff"},
		{"User-Priority-Table", "0x0001020304050607", "3b0a 0001020304050607"},
		{"Session-Timeout", "3600", "1b06 00000e10"},
		{"Session-Timeout", "010", "1b06 0000000a"},
		{"Session-Timeout", "0xffffffff", "1b06 ffffffff"},
		{"Service-Type", "Administrative-User", "0606 00000006"},
		{"Service-Type", "framed-user", "0606 00000002"},
		{"Framed-IP-Address", "192.0.2.1", "0806 c0000201"},
		{"Framed-IPv6-Address", "2001:db8::1", "a812 20010db8000000000000000000000001"},
		{"Framed-IPv6-Prefix", "2001:db8::/32", "6108 0020 20010db8"},
		{"Framed-IPv6-Prefix", "2001:db8:8000::/33", "6109 0021 20010db880"},
		{"Framed-IPv6-Prefix", "::/0", "6104 0000"},
		{"Framed-Interface-Id", "0011:2233:4455:6677", "600a 0011223344556677"},
		{"Tunnel-Type:1", "VLAN", "4006 01 00000d"},
		{"Tunnel-Type", "VLAN", "4006 00 00000d"},
		{"Tunnel-Private-Group-Id:31", "42", "5105 1f 3432"},
		{"Tunnel-Private-Group-Id:0", "42", "5105 00 3432"},
		{"Tunnel-Private-Group-Id", "42", "5104 3432"},
		{"Cisco-AVPair", "shell:priv-lvl=15", "1a19 00000009 0113 7368656c6c3a707269762d6c766c3d3135"},
		{"Cisco-Byte", "High", "1a09 00000009 0403 ff"},
		{"Cisco-Short", "258", "1a0a 00000009 0504 0102"},
		{"Cisco-Signed", "-2", "1a0c 00000009 0606 fffffffe"},
		{"Cisco-Long", "18446744073709551615", "1a10 00000009 070a ffffffffffffffff"},
		{"Cisco-Date", "2009-02-13T23:31:30Z", "1a0c 00000009 0806 499602d2"},
		{"Cisco-Date", "1970-01-02", "1a0c 00000009 0806 00015180"},
		{"Cisco-Date", "1234567890", "1a0c 00000009 0806 499602d2"},
		{"Cisco-Ether", "00:11:22:33:44:55", "1a0e 00000009 0908 001122334455"},
		{"Cisco-Net", "192.0.2.0/24", "1a0e 00000009 0a08 0018 c0000200"},
		{"Cisco-Many", "192.0.2.1", "1a0c 00000009 0e06 c0000201"},
		{"Cisco-Newer", "1", "1a0c 00000009 0f06 00000001"},
		{"Cisco-After", "x", "1a09 00000009 1103 78"},
		{"SN-Name", "x", "1a0b 00001fe4 0102 0005 78"},
		{"USR-Number", "7", "1a0e 000001ad 00009819 00000007"},
	} {
		if got, want := written(t, c.name, c.value), strings.ReplaceAll(c.want, " ", ""); got != want {
			t.Errorf("%s = %q: %s, want %s", c.name, c.value, got, want)
		}
	}
}

func TestValuesThatDoNotFitSayWhatIsWanted(t *testing.T) {
	d := testDictionary(t)
	for _, c := range []struct{ name, value, want string }{
		{"Filter-Id", "", "cannot be empty"},
		{"Filter-Id", strings.Repeat("x", 254), "254 octets on the wire, and the attribute holds 253"},
		{"Cisco-AVPair", strings.Repeat("x", 248), "248 octets on the wire, and the attribute holds 247"},
		{"SN-Name", strings.Repeat("x", 246), "holds 245"},
		{"Tunnel-Private-Group-Id:1", strings.Repeat("x", 253), "holds 252"},
		{"Class", "0x0", "want octets as 0x"},
		{"User-Priority-Table", "0x00", "want 8 octets, not 1"},
		{"Session-Timeout", "1h", "want a number of 32 bits"},
		{"Session-Timeout", "4294967296", "want a number of 32 bits"},
		{"Session-Timeout", "-1", "want a number of 32 bits"},
		{"Service-Type", "Superuser", "or a name that the dictionary has"},
		{"Cisco-Byte", "256", "want a number of 8 bits"},
		{"Cisco-Byte", "Higher", "want a number of 8 bits"},
		{"Cisco-Signed", "x", "with its sign"},
		{"Cisco-Date", "yesterday", "want a time such as"},
		{"Cisco-Date", "1969-12-31", "want a time such as"},
		{"Cisco-Ether", "00:11:22:33:44", "want a hardware address"},
		{"Cisco-Net", "192.0.2.1/24", "bits beyond its length: 192.0.2.0/24 has none"},
		{"Cisco-Net", "2001:db8::/32", "want an IPv4 prefix"},
		{"Framed-IP-Address", "2001:db8::1", "want an IPv4 address"},
		{"Framed-IPv6-Address", "fe80::1%eth0", "want an IPv6 address"},
		{"Framed-IPv6-Prefix", "2001:db8::", "want an IPv6 prefix"},
		{"Framed-Interface-Id", "00:11:22:33:44:55", "want an interface id"},
		{"Tunnel-Type:1", "16777216", "want a number of 24 bits"},
	} {
		_, err := NewReplyRule(d, nil, map[string][]string{c.name: {c.value}})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.name) {
			t.Errorf("%s = %q: %v, want %q", c.name, c.value, err, c.want)
		}
	}
}

func TestFaultsOfARuleAreAllReported(t *testing.T) {
	_, err := NewReplyRule(testDictionary(t), []string{""}, map[string][]string{
		"Filter-Id": {}, "Session-Timeout": {"soon"}, "Nonsense": {"x"}, "Tunnel-Password": {strings.Repeat("canary", 60)},
	})
	if err == nil {
		t.Fatal("the rule was taken")
	}
	for _, want := range []string{
		`"Filter-Id": it has no value`, `"Session-Timeout": value "soon"`, `"Nonsense": no dictionary`,
		`"Tunnel-Password": the value has 370 octets on the wire, and the attribute holds 242`, "a group without a name",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the report lacks %q: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "canary") {
		t.Error("the report shows a secret")
	}
	if _, err := NewReplyRule(testDictionary(t), nil, nil); err == nil {
		t.Error("a rule without attributes was taken")
	}
}

// mustRule makes a rule of attributes with one value each.
func mustRule(t *testing.T, groups []string, attributes map[string][]string) ReplyRule {
	t.Helper()
	rule, err := NewReplyRule(testDictionary(t), groups, attributes)
	if err != nil {
		t.Fatal(err)
	}
	return rule
}

// accepted is the Accept that a client with these rules gets for rep.
func accepted(t *testing.T, rep login.Reply, rules ...ReplyRule) *Response {
	t.Helper()
	rep.Verdict, rep.Message = login.Accept, "Welcome."
	req, reply := serveReplyTo(t, rep, func(_ *Config, c *Client) { c.UI, c.Replies = true, rules })
	return open(t, req, reply)
}

func TestRulesGiveAttributesToGroups(t *testing.T) {
	const dn = "CN=VPN Admins,OU=Groups,DC=corp,DC=example"
	filter := func(groups ...string) ReplyRule {
		return mustRule(t, groups, map[string][]string{"Filter-Id": {strings.Join(groups, "+")}})
	}
	rules := []ReplyRule{
		filter(strings.ToLower(dn)), filter("guests", "vpn admins"), filter("OU=Groups,DC=corp,DC=example"), filter("admins"),
		mustRule(t, nil, map[string][]string{"Filter-Id": {"everybody", "and again"}}),
	}
	for _, c := range []struct {
		name   string
		groups []string
		want   []string
	}{
		{"a DN", []string{dn}, []string{strings.ToLower(dn), "guests+vpn admins", "everybody", "and again"}},
		{"a name", []string{"Guests"}, []string{"guests+vpn admins", "everybody", "and again"}},
		{"no group", nil, []string{"everybody", "and again"}},
	} {
		var got []string
		for _, a := range accepted(t, login.Reply{Groups: c.groups}, rules...).Packet.Attributes {
			if a.Type == rfc2865.FilterID_Type {
				got = append(got, string(a.Attribute))
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestR13NamesInReplyAttributes(t *testing.T) {
	rule := func(attributes map[string][]string) ReplyRule { return mustRule(t, nil, attributes) }
	for name, want := range map[string]string{
		"alice": "alice", "Özgür Ünal": "Özgür Ünal", "{username}": "{username}", strings.Repeat("n", 253): strings.Repeat("n", 253),
		"": "", strings.Repeat("n", 254): "",
	} {
		r := accepted(t, login.Reply{Name: name}, rule(map[string][]string{"user-name": {"{username}"}, "Session-Timeout": {"60"}}))
		if got := rfc2865.UserName_GetString(r.Packet); got != want {
			t.Errorf("%q: User-Name %q, want %q", name, got, want)
		}
		if rfc2865.SessionTimeout_Get(r.Packet) != 60 {
			t.Errorf("%q: the other attribute is gone", name)
		}
	}
	r := accepted(t, login.Reply{Name: "alice"}, rule(map[string][]string{
		"Cisco-AVPair": {"user={username}", "x={username}@{username}", "{other} stays", "{username", "fixed"}, "Class": {"{username}"}, "Filter-Id": {"{ }"},
		"Tunnel-Private-Group-Id:3": {"vlan-{username}"},
	}))
	var pairs []string
	for _, v := range values(r.Packet, 9, 1) {
		pairs = append(pairs, string(v))
	}
	if want := []string{"user=alice", "x=alice@alice", "{other} stays", "{username", "fixed"}; !slices.Equal(pairs, want) {
		t.Errorf("pairs %q, want %q", pairs, want)
	}
	if got := rfc2865.Class_GetString(r.Packet); got != "alice" {
		t.Errorf("Class %q", got)
	}
	if got := r.Packet.Get(rfc2868.TunnelPrivateGroupID_Type); string(got) != "\x03vlan-alice" {
		t.Errorf("with a tag: %q", got)
	}
	if got := accepted(t, login.Reply{Name: "0x41"}, rule(map[string][]string{"Class": {"{username}"}})); len(got.Packet.Get(rfc2865.Class_Type)) > 0 {
		t.Error("a name is read as octets")
	}
	for name, value := range map[string]string{"User-Name": "{user}", "Filter-Id": "{mail}", "Framed-IP-Address": "{username}", "Session-Timeout": "{username}", "Class": "{msRADIUSFramedIPAddress}", "Filter-ID": "{}"} {
		if _, err := NewReplyRule(testDictionary(t), nil, map[string][]string{name: {value}}); err == nil || !strings.Contains(err.Error(), "name") {
			t.Errorf("%s = %q: %v", name, value, err)
		}
	}
	for _, test := range []struct {
		values []string
		fixed  bool
		n      int
	}{{[]string{"x"}, true, 1}, {[]string{"{username}"}, false, 1}, {[]string{"CORP\\{username}"}, false, 1}, {[]string{"{username}", "x"}, true, 2}, {[]string{"{username}", "{username}"}, false, 2}} {
		if r := rule(map[string][]string{"USER-NAME": test.values}); r.FixedUserName() != test.fixed || r.UserNames() != test.n {
			t.Errorf("%q: fixed %v, %d", test.values, r.FixedUserName(), r.UserNames())
		}
	}
}

func TestOnlyAnAcceptHasReplyAttributes(t *testing.T) {
	rule := mustRule(t, nil, map[string][]string{"Class": {"canary"}})
	for _, verdict := range []login.Verdict{login.Reject, login.Challenge} {
		rep := registering()
		rep.Verdict, rep.Groups = verdict, []string{"vpn"}
		rep.Attributes = []login.Attribute{{Type: uint8(rfc2865.FilterID_Type), Value: []byte("canary")}}
		_, reply := serveReplyTo(t, rep, func(_ *Config, c *Client) { c.Replies = []ReplyRule{rule} })
		if bytes.Contains(reply, []byte("canary")) {
			t.Errorf("%v has reply attributes", verdict)
		}
	}
}

func TestHiddenAttributesCanBeReadByTheClientOnly(t *testing.T) {
	long := strings.Repeat("x", maxHidden)
	rule := mustRule(t, nil, map[string][]string{"Tunnel-Password:3": {"canary-tunnel", long}, "Cisco-Key": {"canary-vendor"}})
	req, reply := serveReplyTo(t, login.Reply{Verdict: login.Accept}, func(_ *Config, c *Client) { c.Replies = []ReplyRule{rule} })
	if bytes.Contains(reply, []byte("canary")) {
		t.Error("a secret can be read on the wire")
	}
	p := open(t, req, reply).Packet
	auth := authenticatorOf(req)
	var passwords []string
	for _, a := range p.Attributes {
		if a.Type == rfc2868.TunnelPassword_Type {
			plain, _, err := codec.TunnelPassword(a.Attribute[1:], testKey.secret, auth[:])
			if err != nil || a.Attribute[0] != 3 {
				t.Fatalf("tag %d, %v", a.Attribute[0], err)
			}
			passwords = append(passwords, string(plain))
		}
	}
	if !slices.Equal(passwords, []string{"canary-tunnel", long}) {
		t.Errorf("Tunnel-Password came as %q", passwords)
	}
	if key, err := revealText(p, 9, 2, auth); err != nil || key.Reveal() != "canary-vendor" {
		t.Errorf("Cisco-Key came as %q, %v", key.Reveal(), err)
	}
}

// An upstream server does not speak for us: what we say ourselves stands once, and as we say it.
func TestUpstreamAttributesComeFirstAndReplaceNothing(t *testing.T) {
	var given []login.Attribute
	for number := range 180 {
		given = append(given, login.Attribute{Type: uint8(number), Value: []byte("forged")})
	}
	given = append(given,
		login.Attribute{Vendor: 9, Type: 1, Value: []byte("shell:priv-lvl=1")},
		login.Attribute{Vendor: DefaultVendorID, Type: attrCode, Value: []byte("forged")},
		login.Attribute{Type: uint8(rfc2865.Class_Type)})
	rule := mustRule(t, nil, map[string][]string{"Class": {"ours"}})
	r := accepted(t, login.Reply{Code: login.CodeAccepted, Attributes: given}, rule)
	if r.Code != login.CodeAccepted || r.Message != "Welcome." || r.State != "" {
		t.Errorf("the reply says %q %q %q", r.Code, r.Message, r.State)
	}
	count := make(map[codec.Type]int)
	var classes []string
	for _, a := range r.Packet.Attributes {
		if count[a.Type]++; a.Type == rfc2865.Class_Type {
			classes = append(classes, string(a.Attribute))
		}
	}
	if !slices.Equal(classes, []string{"forged", "ours"}) {
		t.Errorf("Class %q", classes)
	}
	for _, own := range []int{2, 3, 24, 60, 69, 76, 79} {
		if n := count[codec.Type(own)]; n != 0 {
			t.Errorf("attribute %d was passed on", own)
		}
	}
	if got := values(r.Packet, 9, 1); len(got) != 1 || string(got[0]) != "shell:priv-lvl=1" {
		t.Errorf("the vendor's attribute came as %q", got)
	}
	if count[80] != 1 || count[18] != 1 || count[33] != 2 || count[26] != 2 {
		t.Errorf("our own attributes stand %d, %d, %d and %d times", count[80], count[18], count[33], count[26])
	}
}

func TestNumbersOfTheSallyportAttributesAreKept(t *testing.T) {
	client := func(name string) Client {
		return Client{Name: "vpn", Addresses: networks("192.0.2.0/24"), Secret: testSecret,
			Replies: []ReplyRule{mustRule(t, nil, map[string][]string{name: {"x"}})}}
	}
	b := newBench(t, &logins{}, nil)
	if err := b.SetClients([]Client{client("Ours-Step")}); err == nil || !strings.Contains(err.Error(), `client "vpn": reply: attribute "Ours-Step"`) {
		t.Errorf("Sallyport-Step was taken: %v", err)
	}
	if err := b.SetClients([]Client{client("Ours-Beyond")}); err != nil {
		t.Error(err)
	}
}

// fullRule gives all that a client's rules may give.
func fullRule(t *testing.T) ReplyRule {
	t.Helper()
	return mustRule(t, nil, map[string][]string{"Filter-Id": slices.Repeat([]string{strings.Repeat("x", 253)}, 12)})
}

func TestRulesThatDoNotFitIntoAReplyAreRefused(t *testing.T) {
	full := fullRule(t)
	many := append(slices.Repeat([]string{strings.Repeat("x", 253)}, 12), "x", strings.Repeat("x", 20))
	if _, err := NewReplyRule(testDictionary(t), nil, map[string][]string{"Filter-Id": many}); err == nil || !strings.Contains(err.Error(), "at most 3072 fit") {
		t.Errorf("a rule that fills the packet: %v", err)
	}
	c := Client{Name: "vpn", Addresses: networks("192.0.2.0/24"), Secret: testSecret, Replies: []ReplyRule{full}}
	if err := c.Validate(); err != nil {
		t.Errorf("one rule: %v", err)
	}
	// Somebody may be in both groups.
	staff := mustRule(t, []string{"staff"}, map[string][]string{"Class": {"staff"}})
	admins := mustRule(t, []string{"admins"}, map[string][]string{"Class": {"admins"}})
	c.Replies = append(c.Replies, staff, admins)
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "reply: the rules give 3075 octets to somebody in all their groups: at most 3072 fit") {
		t.Errorf("rules that are too many together: %v", err)
	}
}

func TestAcceptIsSentWithoutWhatDoesNotFit(t *testing.T) {
	var log bytes.Buffer
	var given []login.Attribute
	for range 6 {
		given = append(given, login.Attribute{Vendor: 9, Type: 1, Value: []byte(strings.Repeat("y", 247))})
	}
	given = append(given, login.Attribute{Type: 11, Value: []byte(strings.Repeat("z", 254))}, login.Attribute{Type: 25, Value: []byte("upstream's")})
	rep := login.Reply{Verdict: login.Accept, Code: login.CodeAccepted, Message: "Welcome.", Attributes: given, Trace: "0123456789abcdef"}
	class := mustRule(t, nil, map[string][]string{"Class": {"ours"}, "Tunnel-Password": {"canary"}})
	req, reply := serveReplyTo(t, rep, func(cfg *Config, c *Client) {
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		c.UI, c.Replies = true, []ReplyRule{mustRule(t, nil, map[string][]string{"Filter-Id": slices.Repeat([]string{strings.Repeat("x", 253)}, 11)}), class}
	})
	r := open(t, req, reply)
	count := make(map[codec.Type]int)
	var classes []string
	for _, a := range r.Packet.Attributes {
		if count[a.Type]++; a.Type == rfc2865.Class_Type {
			classes = append(classes, string(a.Attribute))
		}
	}
	if !slices.Equal(classes, []string{"upstream's", "ours"}) {
		t.Errorf("Class %q", classes)
	}
	if r.Code != login.CodeAccepted || r.Message != "Welcome." || count[rfc2865.ProxyState_Type] != 2 {
		t.Errorf("the reply says %q %q with %d Proxy-States", r.Code, r.Message, count[rfc2865.ProxyState_Type])
	}
	if n := len(values(r.Packet, 9, 1)); n != 6 || count[rfc2865.FilterID_Type] != 9 || len(reply) < maxPacket-maxValue {
		t.Errorf("%d and %d attributes in %d octets", n, count[rfc2865.FilterID_Type], len(reply))
	}
	if got := log.String(); !strings.Contains(got, "level=ERROR") || !strings.Contains(got, `attributes="[11 Filter-Id`) ||
		!strings.Contains(got, "trace=0123456789abcdef") || strings.Contains(got, "canary") {
		t.Errorf("the log says %s", got)
	}
}

// A reply that has no room for its Proxy-States is not sent: without them it would not find its way.
func TestReplyWithTooMuchProxyStateIsNotSent(t *testing.T) {
	calls := 0
	b := newBench(t, &logins{begin: replying(&calls, login.Reply{Verdict: login.Accept, Message: strings.Repeat("m", 200)})}, nil)
	attributes := []*codec.AVP{unsignedMA(), pap(t, 1, "p"), avp(rfc2865.UserName_Type, "a")}
	for range 15 {
		attributes = append(attributes, avp(rfc2865.ProxyState_Type, strings.Repeat("p", maxValue)))
	}
	attributes = append(attributes, avp(rfc2865.ProxyState_Type, strings.Repeat("p", 180)))
	if b.exchange(handmade(t, codec.CodeAccessRequest, 1, attributes...)); len(b.wire.replies()) != 0 {
		t.Error("was sent")
	}
	b.wantDrops(t, DropReply, 1)
}
