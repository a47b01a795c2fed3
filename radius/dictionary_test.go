package radius

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// files is a directory in memory, for dictionaries.
type files map[string]string

func (f files) open(path string) (string, error) {
	content, ok := f[filepath.Base(path)]
	if !ok {
		return "", &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return content, nil
}

// vendors is a dictionary in which each line is something that FreeRADIUS's own have.
const vendors = `
# A comment, and tabs
	
VENDOR		Cisco			9
BEGIN-VENDOR	Cisco
ATTRIBUTE	Cisco-AVPair		1	string
ATTRIBUTE	Cisco-Key		2	string	encrypt=2
ATTRIBUTE	Cisco-Old-Key		3	string	encrypt=1
ATTRIBUTE	Cisco-Byte		4	byte	# with a comment
ATTRIBUTE	Cisco-Short		5	short
ATTRIBUTE	Cisco-Signed		6	signed
ATTRIBUTE	Cisco-Long		7	integer64
ATTRIBUTE	Cisco-Date		8	date
ATTRIBUTE	Cisco-Ether		9	ether
ATTRIBUTE	Cisco-Net		10	ipv4prefix
ATTRIBUTE	Cisco-Filter		11	abinary
ATTRIBUTE	Cisco-Either		12	combo-ip
ATTRIBUTE	Cisco-Group		13	tlv
ATTRIBUTE	Cisco-Group-Part	13.1	string
ATTRIBUTE	Cisco-Many		14	ipaddr	array
ATTRIBUTE	Cisco-Newer		15	uint32
ATTRIBUTE	Cisco-Fits-Not		256	string
VALUE		Cisco-Byte	High	0xff
VALUE		Cisco-Byte	Higher	256
VALUE		Cisco-Long	Huge	0xffffffffffffffff
BEGIN-TLV	Cisco-Group
ATTRIBUTE	Cisco-Inside		1	string
END-TLV		Cisco-Group
ATTRIBUTE	Cisco-After		17	string
END-VENDOR	Cisco
VENDOR		Starent			8164	format=2,2
BEGIN-VENDOR	Starent
ATTRIBUTE	SN-Name			0x0102	string
END-VENDOR	Starent
VENDOR		USR			429	format=4,0
BEGIN-VENDOR	USR
ATTRIBUTE	USR-Number		0x9819	integer
END-VENDOR	USR
VENDOR		WiMAX			24757	format=1,1,c
BEGIN-VENDOR	WiMAX
ATTRIBUTE	WiMAX-Key		1	octets
END-VENDOR	WiMAX
BEGIN-VENDOR	Cisco	format=Extended-Vendor-Specific-1
ATTRIBUTE	Cisco-Extended		1	string
END-VENDOR	Cisco
VENDOR		Ours			32473
BEGIN-VENDOR	Ours
ATTRIBUTE	Ours-Step		1	string
ATTRIBUTE	Ours-Beyond		64	string
END-VENDOR	Ours
ATTRIBUTE	Auth-Type		1000	integer
ATTRIBUTE	Shown-Only		200	string	virtual
`

func testDictionary(t testing.TB) *Dictionary {
	t.Helper()
	d, err := loadDictionary([]string{"vendors"}, files{"vendors": vendors}.open)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestFilesIncludeOthersFromWhereTheyStand(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"first":      "$INCLUDE sub/second\n$INCLUDE- missing\nBEGIN-VENDOR Acme\nATTRIBUTE Acme-Name 1 string\nEND-VENDOR Acme\n",
		"sub/second": "VENDOR Acme 4711\n$INCLUDE third\n$INCLUDE ../first\n",
		"sub/third":  "$INCLUDE second\nATTRIBUTE Other 200 integer\n",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d, err := LoadDictionary([]string{filepath.Join(dir, "first"), filepath.Join(dir, "sub", "third")})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"acme-name", "OTHER", "Filter-Id"} {
		if _, err := d.find(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKeywordsAreReadInAnyCase(t *testing.T) {
	const small = "Vendor Acme 4711 Format=1,1\nbegin-vendor ACME\nattribute Acme-Level 1 INTEGER\nvalue Acme-Level High 9\nend-vendor acme\n"
	d, err := loadDictionary([]string{"/d"}, files{"d": "$include e\n", "e": small}.open)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewReplyRule(d, nil, map[string][]string{"Acme-Level": {"high"}}); err != nil {
		t.Error(err)
	}
}

func TestFileThatIsNoDictionaryIsRefusedWithItsLine(t *testing.T) {
	for name, c := range map[string]struct{ content, want string }{
		"unknown word":     {"\nSTRUCT x\n", `/d:2: "STRUCT" is not a word`},
		"one word":         {"ATTRIBUTE\n", "/d:1: the line is not complete"},
		"short attribute":  {"ATTRIBUTE Name 1\n", "/d:1: ATTRIBUTE Name has too few"},
		"short value":      {"VALUE Name One\n", "/d:1: VALUE of Name has too few"},
		"vendor's number":  {"VENDOR Acme x\n", `/d:1: VENDOR Acme: want a decimal number above 0, not "x"`},
		"vendor in hex":    {"VENDOR Acme 0x63\n", `/d:1: VENDOR Acme: want a decimal number above 0, not "0x63"`},
		"short vendor":     {"VENDOR Acme\n", "/d:1: VENDOR Acme has too few words or too many"},
		"long vendor":      {"VENDOR Acme 1 format=1,1 x\n", "/d:1: VENDOR Acme has too few words or too many"},
		"vendor below 1":   {"VENDOR Acme -1\n", `/d:1: VENDOR Acme: want a decimal number above 0, not "-1"`},
		"unknown vendor":   {"BEGIN-VENDOR Acme\n", "/d:1: BEGIN-VENDOR Acme has no VENDOR"},
		"nested":           {"VENDOR A 1\nBEGIN-VENDOR A\nBEGIN-VENDOR A\n", "/d:3: BEGIN-VENDOR A stands before END-VENDOR A"},
		"unmatched end":    {"END-VENDOR Acme\n", "/d:1: END-VENDOR Acme has no BEGIN-VENDOR"},
		"no end":           {"VENDOR A 1\nBEGIN-VENDOR A\n", "/d: BEGIN-VENDOR A has no END-VENDOR"},
		"missing include":  {"$INCLUDE nowhere\n", "/d:1: open /nowhere"},
		"error in include": {"\n$INCLUDE e\n", "/d:2: /e:1: "},
		"optional include": {"$INCLUDE- f\n", "/d:1: /f:1: open /nowhere"},
	} {
		_, err := loadDictionary([]string{"/d"}, files{"d": c.content, "e": "nonsense\n", "f": "$INCLUDE nowhere\n"}.open)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestFaultsOfAllFilesAreReported(t *testing.T) {
	_, err := LoadDictionary([]string{filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "two")})
	if err == nil || strings.Count(err.Error(), "no such file") != 2 {
		t.Errorf("got %v", err)
	}
	large := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(large, []byte(strings.Repeat("\n", maxDictionary+1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadDictionary([]string{large}); err == nil || !strings.Contains(err.Error(), "larger than 1 MiB") {
		t.Errorf("got %v", err)
	}
}

func TestAttributesThatCannotBeGivenSayWhy(t *testing.T) {
	d := testDictionary(t)
	for name, want := range map[string]string{
		"Cisco-AVPiar":          "no dictionary has this attribute",
		"Reply-Message":         "the server itself decides",
		"State":                 "the server itself decides",
		"Proxy-State":           "the server itself decides",
		"Prompt":                "the server itself decides",
		"EAP-Message":           "the server itself decides",
		"Message-Authenticator": "the server itself decides",
		"Cisco-Old-Key":         "encrypt=1 is not supported",
		"Cisco-Filter":          "the type abinary is not supported",
		"Cisco-Either":          "the type combo-ip is not supported",
		"Cisco-Group":           "the type tlv is not supported",
		"Cisco-Group-Part":      "part of another attribute",
		"Cisco-Inside":          "part of another attribute",
		"Cisco-Fits-Not":        "its number 256 is not one of 1 to 255",
		"Cisco-Extended":        "extended vendor-specific",
		"WiMAX-Key":             "format=1,1,c is not supported",
		"Auth-Type":             "FreeRADIUS's own",
		"Shown-Only":            "FreeRADIUS's own",
		"Filter-Id:32":          `the tag "32" is not a number from 0 to 31`,
		"Tunnel-Type:x":         `the tag "x" is not a number`,
		"Filter-Id:1":           "has no tag",
	} {
		_, err := NewReplyRule(d, nil, map[string][]string{name: {"1"}})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// A site may rename what is hidden from it: the numbers decide, not the names.
func TestOtherNamesDoNotReachReservedNumbers(t *testing.T) {
	for _, line := range []string{"ATTRIBUTE Mine 80 octets", "ATTRIBUTE Mine 2 string encrypt=2", "ATTRIBUTE Mine 26 octets", "ATTRIBUTE Mine 0 octets"} {
		d, err := loadDictionary([]string{"d"}, files{"d": line}.open)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := NewReplyRule(d, nil, map[string][]string{"Mine": {"x"}}); err == nil {
			t.Errorf("%q was taken", line)
		}
	}
}

// FuzzDictionary reads any text as a dictionary and any text as a value. What is taken must fit an
// attribute, and nothing may panic or run forever.
func FuzzDictionary(f *testing.F) {
	for _, seed := range [][3]string{
		{vendors, "Cisco-AVPair", "shell:priv-lvl=15"}, {vendors, "SN-Name", "x"}, {vendors, "USR-Number", "0xff"},
		{"$INCLUDE self", "Tunnel-Type:1", "VLAN"}, {"", "Tunnel-Password:31", "secret"}, {"", "Class", "0x00ff"},
		{"", "Framed-IPv6-Prefix", "2001:db8::/32"}, {"", "Framed-Interface-Id", "0011:2233:4455:6677"},
		{"VENDOR A 1 format=4,9\nBEGIN-VENDOR A\nATTRIBUTE B 99999999999999999999 octets[-1]\nEND-VENDOR A", "B", ""},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, text, name, value string) {
		d, err := loadDictionary([]string{"self"}, files{"self": text}.open)
		if err != nil {
			return
		}
		rule, err := NewReplyRule(d, nil, map[string][]string{name: {value}})
		if err != nil {
			return
		}
		w := testKey.write(2, 1, [authSize]byte{}, DefaultVendorID)
		start := len(w.b)
		w.reply(rule.attributes[0])
		if a := w.b[start:]; w.err != nil || len(a) < 3 || int(a[1]) != len(a) {
			t.Errorf("%q = %q was written as %x, %v", name, value, a, w.err)
		}
	})
}
