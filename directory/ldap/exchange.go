package ldap

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/go-ldap/ldap/v3"
)

// answer is one message of a server. Its octets are only good until the next one.
type answer struct {
	tag byte
	// body is what the operation holds, controls what the controls' list does.
	body, controls []byte
}

// request begins a message; send sends it when the operation is written.
func (c *conn) request() *encoder {
	c.id = c.id%math.MaxInt32 + 1
	c.out.b = c.out.b[:0]
	c.message = c.out.open(tagSequence)
	c.out.integer(tagInteger, c.id)
	return &c.out
}

func (c *conn) send() error {
	c.out.close(c.message)
	_, err := c.wire.Write(c.out.b)
	clear(c.out.b) // it may hold a password
	return err
}

// receive reads the next message, which must belong to the question.
func (c *conn) receive() (answer, error) {
	message, err := c.read()
	if err != nil {
		return answer{}, err
	}
	idOctets, rest, err := expect(message, tagInteger)
	if err != nil {
		return answer{}, err
	}
	id, err := integer(idOctets)
	if err != nil {
		return answer{}, err
	}
	var a answer
	if a.tag, a.body, rest, err = element(rest); err != nil {
		return answer{}, err
	}
	switch {
	case id == 0 && a.tag == tagExtendedResponse:
		return answer{}, fmt.Errorf("the server ends the connection: %w", a.notice())
	case id != c.id:
		return answer{}, fmt.Errorf("message %d answers no question: %w", id, errMalformed)
	case len(rest) == 0:
		return a, nil
	}
	a.controls, _, err = expect(rest, tagControls)
	return a, err
}

// read reads one LDAPMessage and returns what it holds.
func (c *conn) read() ([]byte, error) {
	head, err := c.in.Peek(2)
	if err != nil {
		return nil, fmt.Errorf("the server closed the connection: %w", err)
	}
	if head[1] > 0x80 && head[1] <= 0x80+longestIntOctet {
		if head, err = c.in.Peek(2 + int(head[1]&0x7f)); err != nil {
			return nil, err
		}
	}
	size, n, ok := length(head)
	switch {
	case !ok || head[0] != tagSequence:
		return nil, errMalformed
	case size > maxAnswer:
		return nil, errTooLarge
	}
	if _, err := c.in.Discard(n); err != nil {
		return nil, err
	}
	if cap(c.body) < size {
		c.body = make([]byte, size)
	}
	body := c.body[:size]
	if cap(c.body) > keptAnswer {
		c.body = nil
	}
	_, err = io.ReadFull(c.in, body)
	return body, err
}

// result reads the LDAPResult of an answer (RFC 4511 §4.1.9). It is nil for success, and otherwise an
// *ldap.Error with the result code and the server's words.
func (a answer) result() error {
	code, matched, words, err := a.ldapResult()
	switch {
	case err != nil:
		return err
	case code == ldap.LDAPResultSuccess:
		return nil
	case code < 0 || code >= ldap.ErrorNetwork:
		return fmt.Errorf("result code %d: %w", code, errMalformed)
	}
	return &ldap.Error{ResultCode: uint16(code), MatchedDN: matched, Err: errors.New(words)}
}

func (a answer) ldapResult() (code int, matched, words string, err error) {
	codeOctets, rest, err := expect(a.body, tagEnumerated)
	if err != nil {
		return 0, "", "", err
	}
	matchedOctets, rest, err := expect(rest, tagOctetString)
	if err != nil {
		return 0, "", "", err
	}
	wordsOctets, _, err := expect(rest, tagOctetString)
	if err != nil {
		return 0, "", "", err
	}
	code, err = integer(codeOctets)
	return code, string(matchedOctets), string(wordsOctets), err
}

// notice is why the server ends the connection.
func (a answer) notice() error {
	code, _, words, err := a.ldapResult()
	if err != nil {
		return err
	}
	return fmt.Errorf("result code %d: %q", code, words)
}
