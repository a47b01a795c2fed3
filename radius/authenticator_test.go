package radius

import (
	"slices"
	"testing"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"sallyport/login"
)

// signature says how a request of the tests is signed.
type signature string

func signedRequest(t *testing.T, how signature) []byte {
	t.Helper()
	name, password := avp(rfc2865.UserName_Type, "alice"), pap(t, 1, "wonderland-1")
	switch how {
	case "right, first":
		return handmade(t, codec.CodeAccessRequest, 1, unsignedMA(), name, password)
	case "right, last":
		return handmade(t, codec.CodeAccessRequest, 1, name, password, unsignedMA())
	case "absent":
		return handmade(t, codec.CodeAccessRequest, 1, name, password)
	case "absent, with Proxy-State":
		return handmade(t, codec.CodeAccessRequest, 1, name, password, avp(rfc2865.ProxyState_Type, "1"))
	case "absent, with EAP-Message":
		return handmade(t, codec.CodeAccessRequest, 1, name, avp(rfc2869.EAPMessage_Type, "\x02\x00\x00\x05\x01"))
	case "twice":
		return handmade(t, codec.CodeAccessRequest, 1, unsignedMA(), name, password, unsignedMA())
	case "short":
		return handmade(t, codec.CodeAccessRequest, 1, avp(rfc2869.MessageAuthenticator_Type, "123456789012345"), name, password)
	case "all zero":
		p := handmade(t, codec.CodeAccessRequest, 1, unsignedMA(), name, password)
		clear(p[headerSize+2 : headerSize+maSize])
		return p
	case "of another secret":
		p := handmade(t, codec.CodeAccessRequest, 1, unsignedMA(), name, password)
		newSigner("another-shared-secret").signRequest(p)
		return p
	case "altered afterwards":
		p := handmade(t, codec.CodeAccessRequest, 1, unsignedMA(), name, password)
		p[headerSize+maSize+2] = 'A'
		return p
	}
	t.Fatalf("no request is signed like %q", how)
	return nil
}

func TestMessageAuthenticatorOfRequests(t *testing.T) {
	const answered Reason = ""
	for _, tt := range []struct {
		how                      signature
		auto, required, optional Reason
	}{
		{"right, first", answered, answered, answered},
		{"right, last", answered, answered, answered},
		{"absent", answered, DropUnsigned, answered},
		{"absent, with Proxy-State", DropProxyState, DropUnsigned, DropProxyState},
		{"absent, with EAP-Message", DropUnsigned, DropUnsigned, DropUnsigned},
		{"twice", DropSignatureForm, DropSignatureForm, DropSignatureForm},
		{"short", DropSignatureForm, DropSignatureForm, DropSignatureForm},
		{"all zero", DropBadSignature, DropBadSignature, DropBadSignature},
		{"of another secret", DropBadSignature, DropBadSignature, DropBadSignature},
		{"altered afterwards", DropBadSignature, DropBadSignature, DropBadSignature},
	} {
		for rule, want := range map[Rule]Reason{RuleAuto: tt.auto, RuleRequired: tt.required, RuleOptional: tt.optional} {
			var asked int
			b := newBench(t, accepting(&asked), func(_ *Config, c *Client) { c.MessageAuthenticator = rule })
			replies := b.exchange(signedRequest(t, tt.how))
			if want == answered && (len(replies) != 1 || asked != 1) {
				t.Errorf("%s, rule %d: %d replies, %v dropped", tt.how, rule, len(replies), b.vpn().Dropped)
			}
			if want != answered {
				b.wantDrops(t, want, 1)
				if entries, _ := b.duplicates.size(); asked != 0 || len(replies) != 0 || entries != 0 {
					t.Errorf("%s, rule %d: asked %d times, %d replies, %d cached", tt.how, rule, asked, len(replies), entries)
				}
			}
		}
	}
}

func TestProxyStateLimitOfOptionalClients(t *testing.T) {
	var asked int
	b := newBench(t, accepting(&asked), func(_ *Config, c *Client) {
		c.MessageAuthenticator, c.ProxyStateLimit = RuleOptional, 1
	})
	two := handmade(t, codec.CodeAccessRequest, 2, pap(t, 2, "x"), avp(rfc2865.ProxyState_Type, "1"), avp(rfc2865.ProxyState_Type, "2"))
	if replies := b.exchange(signedRequest(t, "absent, with Proxy-State"), two); len(replies) != 1 {
		t.Errorf("%d replies, want one", len(replies))
	}
	b.wantDrops(t, DropProxyState, 1)
}

func TestForgedRequestLeavesTheCacheAlone(t *testing.T) {
	var asked int
	b := newBench(t, accepting(&asked), nil)
	good := request(t, 9, aliceMessage())
	b.exchange(good)
	forged := slices.Clone(good)
	forged[4] ^= 1 // another Request Authenticator would purge the entry
	replies := b.exchange(forged, good)
	if len(replies) != 2 || !slices.Equal(replies[0], replies[1]) || asked != 1 {
		t.Errorf("asked %d times, %d replies", asked, len(replies))
	}
}

func TestEveryReplyIsSignedFirst(t *testing.T) {
	for _, verdict := range []login.Verdict{login.Accept, login.Reject, login.Challenge} {
		rep := login.Reply{Verdict: verdict, Message: "m", State: "s"}
		req := request(t, 3, aliceMessage())
		p, err := codec.Parse(req, testKey.secret)
		if err != nil {
			t.Fatal(err)
		}
		packet, _, err := write(&client{signer: testKey}, p, rep, DefaultVendorID)
		if err != nil {
			t.Fatal(err)
		}
		if r := open(t, req, packet); !r.SignedFirst || r.Verdict != verdict {
			t.Errorf("verdict %v: signed first %v, verdict %v", verdict, r.SignedFirst, r.Verdict)
		}
	}
}
