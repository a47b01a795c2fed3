//go:build e2e

package cluster

import (
	"crypto/hmac"
	"crypto/md5"
	"errors"
	"fmt"
	"net"
	"time"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"sallyport/e2e/history"
	"sallyport/e2e/servers"
	"sallyport/radius"
)

// nas is a RADIUS client whose packets the test has in its own hands: it can send the same octets to
// any node. It is not safe for concurrent use.
type nas struct {
	conn *net.UDPConn
	next byte
}

// request is an Access-Request as it is on the wire.
type request []byte

// reply is an authentic reply to a request.
type reply struct {
	from    string
	code    codec.Code
	verdict history.Verdict
	state   string
}

func newNAS() (*nas, error) {
	conn, err := net.ListenUDP("udp", nil)
	return &nas{conn: conn}, err
}

func (c *nas) close() { c.conn.Close() }

// request writes a request under an Identifier and a Request Authenticator that it has alone.
func (c *nas) request(username, typed, state string) (request, error) {
	c.next++
	p := codec.New(codec.CodeAccessRequest, []byte(servers.ClientSecret))
	p.Identifier = c.next
	err := errors.Join(rfc2865.UserName_SetString(p, username), rfc2865.UserPassword_SetString(p, typed))
	if state != "" {
		err = errors.Join(err, rfc2865.State_SetString(p, state))
	}
	if err != nil {
		return nil, err
	}
	return p.Encode()
}

// send sends a request to a node. A node that is down or unreachable shows as silence.
func (c *nas) send(r request, to *node) error {
	addr, err := net.ResolveUDPAddr("udp", to.Radius)
	if err != nil {
		return err
	}
	_, err = c.conn.WriteTo(r, addr)
	return err
}

// receive waits for a reply to the request until a time; ok is false when there was none.
func (c *nas) receive(r request, until time.Time) (answer reply, ok bool) {
	if err := c.conn.SetReadDeadline(until); err != nil {
		return reply{}, false
	}
	buf := make([]byte, 4096)
	for {
		n, from, err := c.conn.ReadFromUDP(buf)
		if err != nil {
			return reply{}, false
		}
		if codec.IsAuthenticResponse(buf[:n], r, []byte(servers.ClientSecret)) {
			if answer, err := parse(buf[:n], from.String()); err == nil {
				return answer, true
			}
		}
	}
}

func parse(raw []byte, from string) (reply, error) {
	p, err := codec.Parse(raw, []byte(servers.ClientSecret))
	if err != nil {
		return reply{}, err
	}
	r := reply{from: from, code: p.Code, state: rfc2865.State_GetString(p), verdict: history.Accepted}
	if p.Code != codec.CodeAccessAccept {
		r.verdict = history.Verdict(verdictCode(p))
	}
	return r, nil
}

// verdictCode is the value of Sallyport-Code, the attribute 8 of our vendor; "challenge" where there is
// none, since a first prompt has none.
func verdictCode(p *codec.Packet) string {
	const sallyportCode = 8
	for _, a := range p.Attributes {
		if a.Type != rfc2865.VendorSpecific_Type {
			continue
		}
		vendor, value, err := codec.VendorSpecific(a.Attribute)
		if err == nil && vendor == radius.DefaultVendorID && len(value) > 2 && value[0] == sallyportCode {
			return string(value[2:value[1]])
		}
	}
	return "challenge"
}

// ask sends a request to a node, again each third of the time, and waits for the reply.
func (c *nas) ask(r request, n *node, within time.Duration) (reply, bool) {
	const tries = 3
	for range tries {
		if err := c.send(r, n); err != nil {
			return reply{}, false
		}
		if answer, ok := c.receive(r, time.Now().Add(within/tries)); ok {
			return answer, true
		}
	}
	return reply{}, false
}

// begin gets a challenge for a person from a node.
func (c *nas) begin(p *person, n *node, within time.Duration) (state string, err error) {
	r, err := c.request(p.name, password, "")
	if err != nil {
		return "", err
	}
	answer, ok := c.ask(r, n, within)
	switch {
	case !ok:
		return "", fmt.Errorf("%s is silent", n.Name)
	case answer.code != codec.CodeAccessChallenge:
		return "", fmt.Errorf("%s gives %s no challenge: %v %s", n.Name, p.name, answer.code, answer.verdict)
	}
	return answer.state, nil
}

// statusServer writes a Status-Server (RFC 5997), which needs a Message-Authenticator (RFC 3579 §3.2).
func (c *nas) statusServer() (request, error) {
	c.next++
	p := codec.New(codec.CodeStatusServer, []byte(servers.ClientSecret))
	p.Identifier = c.next
	if err := rfc2869.MessageAuthenticator_Set(p, make([]byte, md5.Size)); err != nil {
		return nil, err
	}
	raw, err := p.Encode()
	if err != nil {
		return nil, err
	}
	mac := hmac.New(md5.New, []byte(servers.ClientSecret))
	mac.Write(raw)
	copy(raw[len(raw)-md5.Size:], mac.Sum(nil))
	return raw, nil
}
