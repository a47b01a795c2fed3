package radius

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"sallyport/login"
)

// fakeServer answers each datagram with what answer makes of it, under its lock.
type fakeServer struct {
	conn net.PacketConn
	mu   sync.Mutex
	seen [][]byte
}

func newFakeServer(t *testing.T, answer func(n int, request []byte) [][]byte) *fakeServer {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeServer{conn: conn}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buffer := make([]byte, maxPacket)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			got := slices.Clone(buffer[:n])
			f.mu.Lock()
			f.seen = append(f.seen, got)
			replies := answer(len(f.seen), got)
			f.mu.Unlock()
			for _, reply := range replies {
				conn.WriteTo(reply, from) //nolint:errcheck // a lost reply fails the test
			}
		}
	}()
	return f
}

func (f *fakeServer) requests() [][]byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.seen)
}

// replyTo makes a reply under a key: signed first, signed last, or not signed.
func replyTo(t *testing.T, key *signer, request []byte, form string) []byte {
	t.Helper()
	p := codec.Packet{Code: codec.CodeAccessAccept, Identifier: request[1], Authenticator: authenticatorOf(request)}
	message := avp(rfc2865.ReplyMessage_Type, "Welcome.")
	p.Attributes = map[string]codec.Attributes{
		"first": {unsignedMA(), message}, "last": {message, unsignedMA()},
		"twice": {unsignedMA(), unsignedMA(), message}, "absent": {message}, "zero": {unsignedMA(), message},
	}[form]
	packet, err := p.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if o, _ := read(packet); o.ma != 0 && form != "zero" {
		sum := key.messageAuthenticator(packet, p.Authenticator, o.ma)
		copy(packet[o.ma:], sum[:])
	}
	sum := key.responseAuthenticator(packet, p.Authenticator)
	copy(packet[4:], sum[:])
	return packet
}

func TestCallerBelievesAuthenticRepliesOnly(t *testing.T) {
	wrongKey := newSigner("another-shared-secret")
	alter := func(change func(p []byte)) func(*testing.T, []byte) []byte {
		return func(t *testing.T, req []byte) []byte {
			p := replyTo(t, testKey, req, "first")
			change(p)
			return p
		}
	}
	form := func(key *signer, form string) func(*testing.T, []byte) []byte {
		return func(t *testing.T, req []byte) []byte { return replyTo(t, key, req, form) }
	}
	for name, tt := range map[string]struct {
		reply func(*testing.T, []byte) []byte
		want  error
	}{
		"authentic":                 {form(testKey, "first"), nil},
		"another secret":            {form(wrongKey, "first"), errAuthenticator},
		"signature absent":          {form(testKey, "absent"), errMissingSignature},
		"signature not first":       {form(testKey, "last"), errMissingSignature},
		"signature twice":           {form(testKey, "twice"), errBadSignature},
		"signature all zero":        {form(testKey, "zero"), errBadSignature},
		"another Identifier":        {alter(func(p []byte) { p[1]++ }), errNotReply},
		"Accounting-Response":       {alter(func(p []byte) { p[0] = 5 }), errNotReply},
		"an Access-Request":         {alter(func(p []byte) { p[0] = 1 }), errNotReply},
		"altered from Reject":       {alter(func(p []byte) { p[0] = 3 }), errAuthenticator},
		"altered message":           {alter(func(p []byte) { p[len(p)-1]++ }), errAuthenticator},
		"an attribute without size": {alter(func(p []byte) { p[21] = 0 }), errNotReply},
		"short":                     {func(_ *testing.T, req []byte) []byte { return req[:10] }, errNotReply},
	} {
		req := request(t, 5, aliceMessage())
		if _, _, err := verify(testKey, req, tt.reply(t, req), true); !errors.Is(err, tt.want) || err == nil != (tt.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

func TestCallerThatAcceptsUnsignedStillChecksSignatures(t *testing.T) {
	req := request(t, 5, aliceMessage())
	for form, want := range map[string]error{"absent": nil, "last": nil, "zero": errBadSignature, "twice": errBadSignature} {
		if _, _, err := verify(testKey, req, replyTo(t, testKey, req, form), false); err != want {
			t.Errorf("%s: %v, want %v", form, err, want)
		}
	}
}

func TestCallerWaitsForTheRightReplyAmongForgedOnes(t *testing.T) {
	wrongKey := newSigner("another-shared-secret")
	f := newFakeServer(t, func(_ int, req []byte) [][]byte {
		return [][]byte{replyTo(t, wrongKey, req, "first"), replyTo(t, testKey, req, "absent"), replyTo(t, testKey, req, "first")}
	})
	r, err := calling(t, f.conn.LocalAddr().String(), nil).Exchange(t.Context(), aliceMessage())
	if err != nil || r.Bad != 2 || r.Sent != 1 || r.Message != "Welcome." {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestCallerRetransmitsTheSameBytes(t *testing.T) {
	f := newFakeServer(t, func(n int, req []byte) [][]byte {
		if n < 3 {
			return nil
		}
		return [][]byte{replyTo(t, testKey, req, "first")}
	})
	r, err := calling(t, f.conn.LocalAddr().String(), nil).Exchange(t.Context(), aliceMessage())
	if err != nil || r.Sent < 3 {
		t.Fatalf("got %+v, %v", r, err)
	}
	for _, got := range f.requests() {
		if !slices.Equal(got, f.requests()[0]) {
			t.Error("a retransmission has other bytes")
		}
	}
}

func TestCallerTellsWrongSecretFromSilence(t *testing.T) {
	wrongKey := newSigner("another-shared-secret")
	few := func(c *CallerConfig) { c.Timing = Timing{Initial: 10 * time.Millisecond, Transmissions: 2} }
	silent := newFakeServer(t, func(int, []byte) [][]byte { return nil })
	_, err := calling(t, silent.conn.LocalAddr().String(), few).Exchange(t.Context(), aliceMessage())
	var none *NoReplyError
	if !errors.As(err, &none) || none.Bad != 0 || none.Sent != 2 || !strings.Contains(err.Error(), "no reply") {
		t.Errorf("silence: %v", err)
	}
	wrong := newFakeServer(t, func(_ int, req []byte) [][]byte { return [][]byte{replyTo(t, wrongKey, req, "first")} })
	_, err = calling(t, wrong.conn.LocalAddr().String(), few).Exchange(t.Context(), aliceMessage())
	if !errors.As(err, &none) || none.Bad == 0 || !errors.Is(err, errAuthenticator) || !strings.Contains(err.Error(), "shared secrets differ") {
		t.Errorf("wrong secret: %v", err)
	}
}

func TestCallerSendsStatusServerOnce(t *testing.T) {
	silent := newFakeServer(t, func(int, []byte) [][]byte { return nil })
	c := calling(t, silent.conn.LocalAddr().String(), nil)
	var none *NoReplyError
	if _, err := c.Exchange(t.Context(), Message{Status: true}); !errors.As(err, &none) || none.Sent != 1 {
		t.Errorf("got %v", err)
	}
	if got := len(silent.requests()); got != 1 {
		t.Errorf("%d were received", got)
	}
}

func TestCallerNoticesAClosedPort(t *testing.T) {
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	_, err = calling(t, conn.LocalAddr().String(), nil).Exchange(t.Context(), aliceMessage())
	var none *NoReplyError
	if !errors.As(err, &none) || !none.Refused || none.Sent > 3 || !strings.Contains(err.Error(), "nothing listens") {
		t.Errorf("got %v", err)
	}
}

func TestCallerObeysItsContext(t *testing.T) {
	f := newFakeServer(t, func(int, []byte) [][]byte { return nil })
	c := calling(t, f.conn.LocalAddr().String(), nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Exchange(ctx, aliceMessage()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestClosedCallerEndsItsExchanges(t *testing.T) {
	f := newFakeServer(t, func(int, []byte) [][]byte { return nil })
	c := calling(t, f.conn.LocalAddr().String(), func(c *CallerConfig) { c.Timing = Timing{} })
	ended := make(chan error, 1)
	go func() {
		_, err := c.Exchange(t.Context(), aliceMessage())
		ended <- err
	}()
	for c.waiting() == 0 {
		select {
		case err := <-ended:
			t.Fatalf("ended early: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// waiting returns how many exchanges are in progress.
func (c *Caller) waiting() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.pending {
		if one != nil {
			n++
		}
	}
	return n
}

func TestManyExchangesShareACaller(t *testing.T) {
	var mu sync.Mutex
	inUse := make(map[byte]bool)
	f := newFakeServer(t, func(_ int, req []byte) [][]byte {
		mu.Lock()
		defer mu.Unlock()
		inUse[req[1]] = true
		p, err := codec.Parse(req, testKey.secret)
		if err != nil {
			t.Error(err)
			return nil
		}
		packet, _, err := write(&client{signer: testKey}, p, login.Reply{Verdict: login.Accept, Message: rfc2865.UserName_GetString(p)}, DefaultVendorID)
		if err != nil {
			t.Error(err)
		}
		return [][]byte{packet}
	})
	c := calling(t, f.conn.LocalAddr().String(), nil)
	var wg sync.WaitGroup
	for n := range 400 {
		wg.Go(func() {
			name := strings.Repeat("u", 1+n%100)
			if r, err := c.Exchange(t.Context(), Message{Username: name, Password: "p"}); err != nil || r.Message != name {
				t.Errorf("%s: %+v, %v", name, r, err)
			}
		})
	}
	wg.Wait()
	mu.Lock()
	defer mu.Unlock()
	if len(inUse) != 256 {
		t.Errorf("%d Identifiers were used in 400 requests, want all 256", len(inUse))
	}
}

func TestBackoff(t *testing.T) {
	timing := Timing{}.withDefaults()
	var wait time.Duration
	for n, want := range []time.Duration{2, 4, 8, 16, 16} {
		if wait = timing.next(wait, 0); wait != want*time.Second {
			t.Errorf("wait %d is %v, want %ds", n, wait, want)
		}
	}
	if got := timing.next(0, 0.1); got != 2200*time.Millisecond {
		t.Errorf("with a tenth more: %v", got)
	}
	if v := variation(); v < -0.1 || v > 0.1 {
		t.Errorf("varies by %v", v)
	}
}

func TestRequestThatDoesNotFitIsNotSent(t *testing.T) {
	f := newFakeServer(t, func(int, []byte) [][]byte { return nil })
	c := calling(t, f.conn.LocalAddr().String(), nil)
	for name, m := range map[string]Message{
		"password": {Username: "alice", Password: login.Secret(strings.Repeat("x", 129))},
		"name":     {Username: strings.Repeat("x", 254)},
	} {
		if _, err := c.Exchange(t.Context(), m); err == nil || strings.Contains(err.Error(), "xxxx") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := len(f.requests()); got != 0 {
		t.Errorf("%d were sent", got)
	}
}

func TestDialPrefersIPv4(t *testing.T) {
	for server, want := range map[string]string{"localhost:1812": "127.0.0.1:1812", "[::1]:1645": "[::1]:1645", "127.0.0.5:radius": "127.0.0.5:1812"} {
		if got, err := resolve(t.Context(), server); err != nil || got.String() != want {
			t.Errorf("%s: %v, %v", server, got, err)
		}
	}
}

func TestDialNeedsASecret(t *testing.T) {
	for _, cfg := range []CallerConfig{{Server: "127.0.0.1:1812"}, {Server: "no port", Secret: testSecret}} {
		if _, err := Dial(cfg); err == nil {
			t.Errorf("%+v was taken", cfg)
		}
	}
}
