package radius

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"sallyport/login"
)

// forwardingTo returns an Upstream for these servers, quicker than the default.
func forwardingTo(t *testing.T, change func(*UpstreamConfig), servers ...string) *Upstream {
	t.Helper()
	cfg := UpstreamConfig{
		Servers: servers, Secret: testSecret, NASIdentifier: "node1", ProbeEvery: 20 * time.Millisecond, Sockets: 2,
		Timing: Timing{Initial: 60 * time.Millisecond, Total: 700 * time.Millisecond},
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	if change != nil {
		change(&cfg)
	}
	u, err := NewUpstream(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := u.Close(); err != nil {
			t.Error(err)
		}
	})
	return u
}

// aliceForwards is alice's passcode at the first prompt.
func aliceForwards() login.Forwarding {
	return login.Forwarding{Username: "alice", Answer: "PinPin12123456", CallingStationID: "192.0.2.9", Client: "vpn"}
}

// upstreamReply writes a reply under a key, signed first unless bare.
func upstreamReply(t *testing.T, key *signer, request []byte, code codec.Code, bare bool, attributes ...*codec.AVP) []byte {
	t.Helper()
	p := codec.Packet{Code: code, Identifier: request[1], Authenticator: authenticatorOf(request)}
	if !bare {
		p.Attributes = append(p.Attributes, unsignedMA())
	}
	p.Attributes = append(p.Attributes, attributes...)
	packet, err := p.MarshalBinary()
	if err != nil {
		t.Error(err)
		return nil
	}
	if o, _ := read(packet); o.ma != 0 {
		sum := key.messageAuthenticator(packet, p.Authenticator, o.ma)
		copy(packet[o.ma:], sum[:])
	}
	sum := key.responseAuthenticator(packet, p.Authenticator)
	copy(packet[4:], sum[:])
	return packet
}

// always answers with a reply of this code.
func always(t *testing.T, code codec.Code, attributes ...*codec.AVP) func(int, []byte) [][]byte {
	return func(_ int, request []byte) [][]byte {
		return [][]byte{upstreamReply(t, testKey, request, code, false, attributes...)}
	}
}

func silent(int, []byte) [][]byte { return nil }

func (f *fakeServer) addr() string { return f.conn.LocalAddr().String() }

// logins returns the signed Access-Requests that were received, in the name of a person.
func (f *fakeServer) logins() (logins [][]byte) {
	for _, packet := range f.requests() {
		if packet[0] == byte(codec.CodeAccessRequest) && userOf(packet) == "alice" {
			logins = append(logins, packet)
		}
	}
	return logins
}

func userOf(packet []byte) string {
	p, err := codec.Parse(packet, testKey.secret)
	if err != nil {
		return ""
	}
	return rfc2865.UserName_GetString(p)
}

// closedPort is an address of loopback where nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	return closedPortOf(t, "127.0.0.1")
}

func closedPortOf(t *testing.T, host string) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	return conn.LocalAddr().String()
}

func TestForwardedRequestSaysWhoAsksAndIsSigned(t *testing.T) {
	f := newFakeServer(t, always(t, codec.CodeAccessAccept))
	u := forwardingTo(t, nil, f.addr())
	g := aliceForwards()
	g.Dialogue = &login.Dialogue{Server: f.addr(), State: []byte("SBR-CH 3|1\x00")}
	if out := u.Forward(t.Context(), g); out.Result != login.ForwardAccepted || out.Server != f.addr() || !out.Consumed {
		t.Fatalf("got %+v", out)
	}
	packet := f.requests()[0]
	o, why := read(packet)
	if why != "" || o.ma != firstValue || !testKey.validMessageAuthenticator(packet, o.auth, o.ma) {
		t.Errorf("Message-Authenticator is not first and right: %q %+v", why, o)
	}
	p, err := codec.Parse(packet, testKey.secret)
	if err != nil {
		t.Fatal(err)
	}
	for what, pair := range map[string][2]string{
		"User-Name":          {rfc2865.UserName_GetString(p), "alice"},
		"User-Password":      {rfc2865.UserPassword_GetString(p), "PinPin12123456"},
		"State":              {rfc2865.State_GetString(p), "SBR-CH 3|1\x00"},
		"Calling-Station-Id": {rfc2865.CallingStationID_GetString(p), "192.0.2.9"},
		"NAS-Identifier":     {rfc2865.NASIdentifier_GetString(p), "node1"},
		"NAS-IP-Address":     {rfc2865.NASIPAddress_Get(p).String(), "127.0.0.1"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s = %q, want %q", what, pair[0], pair[1])
		}
	}
	if p.Get(rfc2865.ProxyState_Type) != nil {
		t.Error("a Proxy-State was invented")
	}
}

// What becomes of a passcode is told with the reply to it, also when no server answers.
func TestForwardingEndsWithinTheTimeOfARequest(t *testing.T) {
	within := forwardingTo(t, func(c *UpstreamConfig) { c.Timing = Timing{} }, "192.0.2.1:1812").Within()
	if deadline := (Config{}).withDefaults().Deadline; within > deadline-5*leastTime {
		t.Errorf("a forwarding takes up to %v of a request's %v", within, deadline)
	}
}

func TestForwardReadsTheVerdict(t *testing.T) {
	state, prompt := avp(rfc2865.State_Type, "RSA|a|b|SECURID_NEWPIN\x00"), avp(rfc2869.Prompt_Type, "\x00\x00\x00\x01")
	for name, tt := range map[string]struct {
		code       codec.Code
		attributes []*codec.AVP
		want       login.ForwardResult
		text       string
		echo       bool
	}{
		"accept":    {code: codec.CodeAccessAccept, want: login.ForwardAccepted},
		"reject":    {code: codec.CodeAccessReject, want: login.ForwardRejected},
		"challenge": {codec.CodeAccessChallenge, []*codec.AVP{state, avp(rfc2865.ReplyMessage_Type, "Enter\r\n"), avp(rfc2865.ReplyMessage_Type, " a PIN:")}, login.ForwardChallenged, "Enter\r\n a PIN:", false},
		"echo":      {codec.CodeAccessChallenge, []*codec.AVP{state, prompt}, login.ForwardChallenged, "", true},
		"no State":  {code: codec.CodeAccessChallenge, want: login.ForwardUnavailable},
		"two":       {code: codec.CodeAccessChallenge, attributes: []*codec.AVP{state, state}, want: login.ForwardUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeServer(t, always(t, tt.code, tt.attributes...))
			out := forwardingTo(t, nil, f.addr()).Forward(t.Context(), aliceForwards())
			if out.Result != tt.want || !out.Consumed || (out.Reason == "") != (tt.want != login.ForwardUnavailable) {
				t.Fatalf("got %+v", out)
			}
			if tt.want != login.ForwardChallenged {
				return
			}
			d := out.Dialogue
			if d.Server != f.addr() || string(d.State) != string(state.Attribute) || d.Text.Reveal() != tt.text || d.Echo != tt.echo || d.Step != login.StepPasscode {
				t.Errorf("dialogue %+v, text %q", d, d.Text.Reveal())
			}
		})
	}
}

func TestForwardRetransmitsTheSameBytesToTheSameServer(t *testing.T) {
	first := newFakeServer(t, func(n int, request []byte) [][]byte {
		if n < 3 {
			return nil
		}
		return [][]byte{upstreamReply(t, testKey, request, codec.CodeAccessAccept, false)}
	})
	second := newFakeServer(t, always(t, codec.CodeAccessAccept))
	out := forwardingTo(t, nil, first.addr(), second.addr()).Forward(t.Context(), aliceForwards())
	if out.Result != login.ForwardAccepted || out.Server != first.addr() {
		t.Fatalf("got %+v", out)
	}
	for _, packet := range first.logins() {
		if !bytes.Equal(packet, first.logins()[0]) {
			t.Error("a retransmission has other bytes")
		}
	}
	if n := len(second.requests()); n != 0 {
		t.Errorf("the second server got %d packets", n)
	}
}

func TestSilenceNeverReachesASecondServer(t *testing.T) {
	first, second := newFakeServer(t, silent), newFakeServer(t, always(t, codec.CodeAccessAccept))
	u := forwardingTo(t, nil, first.addr(), second.addr())
	out := u.Forward(t.Context(), aliceForwards())
	if out.Result != login.ForwardUnavailable || !out.Consumed || out.Server != first.addr() {
		t.Fatalf("got %+v", out)
	}
	if n := len(second.requests()); n != 0 {
		t.Errorf("the second server got %d packets of the same passcode", n)
	}
	if n := len(first.logins()); n != upstreamTransmissions {
		t.Errorf("%d transmissions, want %d", n, upstreamTransmissions)
	}
	// The first is down now, so the next passcode goes to the second at once.
	if out = u.Forward(t.Context(), aliceForwards()); out.Result != login.ForwardAccepted || out.Server != second.addr() {
		t.Errorf("the next login: %+v", out)
	}
}

func TestRefusedFirstTransmissionGoesToTheNextServer(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "[::1]"} {
		second := newFakeServer(t, always(t, codec.CodeAccessReject))
		u := forwardingTo(t, nil, closedPortOf(t, host), second.addr())
		if out := u.Forward(t.Context(), aliceForwards()); out.Result != login.ForwardRejected || out.Server != second.addr() {
			t.Fatalf("%s: %+v", host, out)
		}
		if stats := u.Stats(); !stats[0].Down || stats[0].Refused != 1 || stats[1].Down || u.Ready(t.Context()) != nil {
			t.Errorf("%s: stats %+v", host, stats)
		}
	}
}

func TestAnswerThatNobodyCanHaveReadIsNotConsumed(t *testing.T) {
	u := forwardingTo(t, nil, closedPort(t), closedPort(t))
	for range 2 { // the second time all are down, and are tried all the same
		out := u.Forward(t.Context(), aliceForwards())
		if out.Result != login.ForwardUnavailable || out.Consumed || !strings.Contains(out.Reason, "nothing listens") {
			t.Fatalf("got %+v", out)
		}
	}
	if err := u.Ready(t.Context()); err == nil {
		t.Error("ready, though all servers are down")
	}
	long := aliceForwards()
	long.Username = strings.Repeat("x", 254)
	if out := u.Forward(t.Context(), long); out.Result != login.ForwardUnavailable || out.Consumed {
		t.Errorf("a name that does not fit: %+v", out)
	}
}

func TestRefusalIsOfTheRequestThatItQuotes(t *testing.T) {
	c := calling(t, closedPort(t), nil)
	one, other := newCall(request(t, 1, aliceMessage()), manner{}), newCall(request(t, 2, aliceMessage()), manner{})
	c.register(1, one)
	c.register(2, other)
	defer c.register(1, nil)
	defer c.register(2, nil)
	forged := bytes.Clone(other.request[:headerSize])
	forged[10]++ // another Request Authenticator
	c.refuse(forged, net.ErrClosed)
	c.refuse(other.request[:8], net.ErrClosed) // all that an old router quotes
	if err := c.transmit(one.request); err != nil {
		t.Fatal(err)
	}
	select {
	case <-one.refused:
	case <-time.After(5 * time.Second):
		t.Fatal("the refusal was not told")
	}
	if len(other.refused) != 0 {
		t.Error("another request was told of it")
	}
}

func TestDialogueStaysWithItsServer(t *testing.T) {
	gone := closedPort(t)
	other := newFakeServer(t, always(t, codec.CodeAccessAccept))
	u := forwardingTo(t, nil, other.addr(), gone)
	g := aliceForwards()
	for server, reason := range map[string]string{gone: "nothing listens", "192.0.2.1:1812": "not configured"} {
		g.Dialogue = &login.Dialogue{Server: server, State: []byte("s")}
		out := u.Forward(t.Context(), g)
		if out.Result != login.ForwardUnavailable || out.Consumed || out.Server != server || !strings.Contains(out.Reason, reason) {
			t.Errorf("%s: %+v", server, out)
		}
	}
	if n := len(other.requests()); n != 0 {
		t.Errorf("another server got %d packets of the dialogue", n)
	}
	g.Dialogue = &login.Dialogue{Server: other.addr(), State: []byte("s")}
	u.fail(u.servers[0], troubleSilent, "for the test")
	if out := u.Forward(t.Context(), g); out.Result != login.ForwardAccepted {
		t.Errorf("its own server, marked down: %+v", out)
	}
}

func TestForwardObeysItsContext(t *testing.T) {
	f := newFakeServer(t, silent)
	u := forwardingTo(t, nil, f.addr())
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	out := u.Forward(ctx, aliceForwards())
	if out.Result != login.ForwardUnavailable || !out.Consumed {
		t.Errorf("got %+v", out)
	}
	if u.Stats()[0].Down {
		t.Error("the server is down because a login was ended")
	}
}

func TestClosedUpstreamForwardsNothing(t *testing.T) {
	f := newFakeServer(t, always(t, codec.CodeAccessAccept))
	u := forwardingTo(t, nil, f.addr())
	if err := u.Close(); err != nil {
		t.Fatal(err)
	}
	if out := u.Forward(t.Context(), aliceForwards()); out.Result != login.ForwardUnavailable || out.Consumed || len(f.requests()) != 0 {
		t.Errorf("got %+v", out)
	}
}

func TestManyForwardingsShareTheSockets(t *testing.T) {
	var mu sync.Mutex
	identifiers := make(map[string]bool)
	f := newFakeServer(t, func(_ int, request []byte) [][]byte {
		p, err := codec.Parse(request, testKey.secret)
		if err != nil {
			t.Error(err)
			return nil
		}
		mu.Lock()
		identifiers[fmt.Sprint(request[1])] = true
		mu.Unlock()
		class := avp(rfc2865.Class_Type, rfc2865.UserPassword_GetString(p))
		return [][]byte{upstreamReply(t, testKey, request, codec.CodeAccessAccept, false, class)}
	})
	u := forwardingTo(t, func(c *UpstreamConfig) { c.Timing = Timing{Total: 10 * time.Second} }, f.addr())
	var wg sync.WaitGroup
	for n := range 400 {
		wg.Go(func() {
			g := aliceForwards()
			g.Answer = login.Secret(fmt.Sprintf("PinPin12%06d", n))
			out := u.Forward(t.Context(), g)
			if out.Result != login.ForwardAccepted || len(out.Attributes) != 1 || string(out.Attributes[0].Value) != g.Answer.Reveal() {
				t.Errorf("%d: %+v", n, out)
			}
		})
	}
	wg.Wait()
	if mu.Lock(); len(identifiers) < 150 {
		t.Errorf("400 requests used %d Identifiers", len(identifiers))
	}
	mu.Unlock()
}
