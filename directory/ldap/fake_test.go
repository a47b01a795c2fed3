package ldap_test

import (
	"bufio"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// fake is a server that misbehaves. It counts its connections and their requests.
type fake struct {
	address               string
	connections, requests atomic.Int64
}

// startFake runs serve for every connection, which ends with the test.
func startFake(t *testing.T, serve func(f *fake, conn net.Conn)) *fake {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{address: l.Addr().String()}
	var open sync.WaitGroup
	var mu sync.Mutex
	conns := map[net.Conn]bool{}
	open.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			f.connections.Add(1)
			mu.Lock()
			conns[conn] = true
			mu.Unlock()
			open.Go(func() {
				defer conn.Close()
				serve(f, conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for conn := range conns {
			conn.Close()
		}
		mu.Unlock()
		open.Wait()
	})
	return f
}

// requests hands each request to answer until the connection ends.
func requests(f *fake, conn net.Conn, answer func(id int64, op *ber.Packet)) {
	r := bufio.NewReader(conn)
	for {
		packet, err := ber.ReadPacket(r)
		if err != nil || len(packet.Children) < 2 {
			return
		}
		f.requests.Add(1)
		id, _ := packet.Children[0].Value.(int64)
		answer(id, packet.Children[1])
	}
}

// message encodes a response of an operation with a result code and further elements.
func message(id int64, application ber.Tag, code int, words string, more ...*ber.Packet) []byte {
	p := ber.NewSequence("LDAPMessage")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, "messageID"))
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, application, nil, "op")
	op.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, code, "resultCode"))
	op.AppendChild(octets(""))
	op.AppendChild(octets(words))
	for _, m := range more {
		op.AppendChild(m)
	}
	p.AppendChild(op)
	return p.Bytes()
}

// searchReference encodes a SearchResultReference (RFC 4511 §4.5.3).
func searchReference(id int64, uri string) []byte {
	p := ber.NewSequence("LDAPMessage")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, "messageID"))
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldap.ApplicationSearchResultReference, nil, "op")
	op.AppendChild(octets(uri))
	p.AppendChild(op)
	return p.Bytes()
}

func octets(text string) *ber.Packet {
	return ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, text, "")
}

// silent reads and never answers.
func silent(f *fake, conn net.Conn) { requests(f, conn, func(int64, *ber.Packet) {}) }

// hangUp closes at once.
func hangUp(*fake, net.Conn) {}
