package radius

import (
	"fmt"
	"strings"
	"testing"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"sallyport/login"
)

func TestOnlyListedAttributesArePassedOn(t *testing.T) {
	cisco := "\x00\x00\x00\x09"
	f := newFakeServer(t, always(t, codec.CodeAccessAccept,
		avp(rfc2865.Class_Type, "one"), avp(rfc2865.ReplyMessage_Type, "Your PIN is 1234"), avp(rfc2865.FilterID_Type, "staff"),
		avp(rfc2865.VendorSpecific_Type, cisco+"\x01\x05abc"+"\x02\x04no"+"\x01\x04de"), avp(rfc2865.VendorSpecific_Type, "\x00\x00"),
		avp(rfc2865.SessionTimeout_Type, "\x00\x00\x00\x3c"), avp(rfc2865.Class_Type, "two"),
	))
	for name, tt := range map[string]struct {
		list []string
		want string
	}{
		"none":    {nil, "0:25=one 0:25=two "},
		"names":   {[]string{"filter-id"}, "0:25=one 0:11=staff 0:25=two "},
		"numbers": {[]string{"11", "9:1"}, "0:25=one 0:11=staff 9:1=abc 9:1=de 0:25=two "},
	} {
		u := forwardingTo(t, func(c *UpstreamConfig) { c.Attributes = tt.list }, f.addr())
		var got strings.Builder
		for _, a := range u.Forward(t.Context(), aliceForwards()).Attributes {
			got.WriteString(attributeText(a))
		}
		if got.String() != tt.want {
			t.Errorf("%s: %q, want %q", name, got.String(), tt.want)
		}
	}
}

func TestAttributesThatCannotBePassedOnAreRefused(t *testing.T) {
	for name, want := range map[string]string{
		"Reply-Message": "the server itself decides", "State": "the server itself decides",
		"2": "the server itself", "80": "the server itself", "256": "no dictionary has", "x:1": "want a name", "0": "want a name",
		// The same by name and by number.
		"Tunnel-Password": "hidden under the upstream's secret", "69": "hidden under the upstream's secret",
		"MS-MPPE-Send-Key": "hidden under the upstream's secret", "311:16": "hidden under the upstream's secret",
		"MS-MPPE-Recv-Key": "hidden under the upstream's secret", "311:17": "hidden under the upstream's secret",
		"MS-CHAP-MPPE-Keys": "encrypt=1 is not supported", "311:12": "hidden under the upstream's secret",
		"Cisco-Key": "hidden under the upstream's secret", "9:2": "hidden under the upstream's secret",
		"Cisco-Old-Key": "encrypt=1 is not supported", "9:3": "hidden under the upstream's secret",
		"WiMAX-Key": "format=1,1,c is not supported", "24757:1": "a format of its own",
		"SN-Name": "a format of its own", "8164:1": "a format of its own", "USR-Number": "a format of its own", "429:7": "a format of its own",
		"4711:5": "the server itself",
	} {
		_, err := newAttributeList(testDictionary(t), 4711, []string{name})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	// With the site's own vendor id that of the documentation is a vendor like any other.
	if _, err := newAttributeList(testDictionary(t), 4711, []string{"32473:1", "9:1", "311:26"}); err != nil {
		t.Error(err)
	}
	// No dictionary needs to be loaded to know the keys of Microsoft.
	if _, err := NewUpstream(UpstreamConfig{Servers: []string{"a:1"}, Secret: testSecret, Attributes: []string{"311:16"}}); err == nil {
		t.Error("311:16 is passed on")
	}
	if _, err := NewUpstream(UpstreamConfig{Servers: []string{"a:1"}, Secret: testSecret, VendorID: 4711, Attributes: []string{"4711:8"}}); err == nil {
		t.Error("a Sallyport attribute is passed on")
	}
}

func attributeText(a login.Attribute) string {
	return fmt.Sprintf("%d:%d=%s ", a.Vendor, a.Type, a.Value)
}
