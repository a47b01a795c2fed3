//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"sallyport/e2e/servers"
	"sallyport/login"
	"sallyport/radius"
)

// TestS9AQuietClientBesideAFlood has one client ask far more than a slow directory answers, while another
// logs in: none of its logins goes without an answer.
func TestS9AQuietClientBesideAFlood(t *testing.T) {
	t.Parallel()
	const flooding, most = "127.0.0.2", 10_000
	folk := people("user", 5)
	s := startSite(t, fmt.Sprintf(`
[directory.corp]
type = "ldap"
urls = ["ldap://%s"]
base_dn = "dc=example"
bind_dn = "cn=service,dc=example"
bind_password = "service"
search_filter = "(uid={username})"
`, startSlowDirectory(t))+clients+listedClient("flood", flooding, "policy = \"staff\""))

	flood, end := context.WithCancel(t.Context())
	done := make(chan int)
	conn := s.udpFrom(flooding)
	go func() {
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		n := 0
		for ; n < most && flood.Err() == nil; n++ {
			<-tick.C
			p := codec.New(codec.CodeAccessRequest, []byte(servers.ClientSecret))
			p.Identifier = byte(n)
			rfc2865.UserName_SetString(p, fmt.Sprintf("nobody%d", n))
			rfc2865.UserPassword_SetString(p, "guess")
			rfc2865.CallingStationID_SetString(p, fmt.Sprintf("station %d", n))
			raw, err := p.Encode()
			if err == nil {
				_, err = conn.Write(raw)
			}
			if err != nil {
				t.Error(err)
				break
			}
		}
		done <- n
	}()
	s.eventually("the flood is more than the directory answers", func() error {
		if s.dropped("flood") == 0 {
			return fmt.Errorf("nothing of it was dropped")
		}
		return nil
	})
	quiet := s.dial()
	answered := 0
	for n := range 20 {
		p := folk[n%len(folk)]
		r, err := quiet.Exchange(t.Context(), radius.Message{Username: p.UID, Password: login.Secret(p.Password), CallingStationID: "198.51.100.7"})
		if err == nil && r.Verdict == login.Challenge {
			answered++
		}
	}
	end()
	sent := <-done
	if answered != 20 {
		t.Errorf("%d of 20 logins were answered beside %d of the flood", answered, sent)
	}
	if n := s.dropped("vpn"); n != 0 {
		t.Errorf("%d packets of the quiet client were dropped", n)
	}
}

// dropped is how many packets of a client were not answered, retransmissions on their way apart.
func (s *site) dropped(client string) (n int) {
	s.t.Helper()
	_, page, err := s.Get("/metrics")
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(page) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
		if !strings.HasPrefix(name, `sallyport_radius_drops_total{client="`+client+`"`) || strings.Contains(name, `"in_progress"`) {
			continue
		}
		count, err := strconv.ParseFloat(value, 64)
		if err != nil {
			s.t.Fatal(err)
		}
		n += int(count)
	}
	return n
}

// startSlowDirectory returns the address of an LDAP server that knows people whose name begins with "user",
// takes any password of theirs, and takes a second to refuse anybody else's.
func startSlowDirectory(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() { serveSlowly(ctx, conn) })
		}
	})
	t.Cleanup(func() {
		end()
		l.Close()
		open.Wait()
	})
	return l.Addr().String()
}

func serveSlowly(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	for {
		request, err := ber.ReadPacket(conn)
		if err != nil || len(request.Children) < 2 {
			return
		}
		id, op := request.Children[0].Value, request.Children[1]
		uid := regexp.MustCompile(`user\d\d`).Find(op.Bytes())
		answer := func(tag ber.Tag, code int) {
			_, err = conn.Write(ldapAnswer(id, tag, code))
		}
		switch {
		case op.Tag == ldap.ApplicationSearchRequest && uid != nil:
			if _, err = conn.Write(ldapEntry(id, string(uid))); err == nil {
				answer(ldap.ApplicationSearchResultDone, 0)
			}
		case op.Tag == ldap.ApplicationSearchRequest:
			answer(ldap.ApplicationSearchResultDone, 0)
		case uid != nil, bytes.Contains(op.Bytes(), []byte("cn=service")):
			answer(ldap.ApplicationBindResponse, 0)
		default:
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
			answer(ldap.ApplicationBindResponse, ldap.LDAPResultInvalidCredentials)
		}
		if err != nil {
			return
		}
	}
}

// ldapMessage encodes an LDAPMessage with one operation.
func ldapMessage(id any, tag ber.Tag, parts ...*ber.Packet) []byte {
	p := ber.NewSequence("LDAPMessage")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, "messageID"))
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, tag, nil, "op")
	for _, part := range parts {
		op.AppendChild(part)
	}
	p.AppendChild(op)
	return p.Bytes()
}

func ldapAnswer(id any, tag ber.Tag, code int) []byte {
	result := ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, code, "resultCode")
	return ldapMessage(id, tag, result, ldapText(""), ldapText(""))
}

func ldapEntry(id any, uid string) []byte {
	attributes := ber.NewSequence("attributes")
	for name, value := range map[string]string{"uid": uid, "entryUUID": "00000000-0000-4000-8000-0000000000" + uid[4:]} {
		values := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSet, nil, "values")
		values.AppendChild(ldapText(value))
		attribute := ber.NewSequence("attribute")
		attribute.AppendChild(ldapText(name))
		attribute.AppendChild(values)
		attributes.AppendChild(attribute)
	}
	return ldapMessage(id, ldap.ApplicationSearchResultEntry, ldapText("uid="+uid+",dc=example"), attributes)
}

func ldapText(text string) *ber.Packet {
	return ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, text, "")
}
