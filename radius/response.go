package radius

import (
	"errors"
	"fmt"
	"strings"
	"time"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"sallyport/login"
)

// Response is an authentic reply.
type Response struct {
	// Reply is the reply in the words of a login: Verdict, Message (all Reply-Messages, joined),
	// State, and of the Prompt what the server tells. Code, Step, Factor and the like are known of
	// a Sallyport server that takes us for a client with UI.
	login.Reply
	// Messages are the Reply-Messages one by one.
	Messages []string
	// Packet is the decoded packet, for attributes that the Reply does not hold. Its Authenticator
	// is the Response Authenticator. Our secret attributes are still hidden in it.
	Packet *codec.Packet
	// Signed says that the reply has a Message-Authenticator, SignedFirst that it is its first
	// attribute. One that is present was right.
	Signed, SignedFirst bool
	// Sent is how often the request was sent, Bad how many replies failed verification before
	// this one came.
	Sent, Bad int
}

// What is wrong with a packet that claims to be the reply.
var (
	errNotReply         = errors.New("not an Access-Accept, -Reject or -Challenge to this request")
	errAuthenticator    = errors.New("the Response Authenticator is wrong: the shared secrets differ")
	errMissingSignature = errors.New("Message-Authenticator is missing or not the first attribute")
	errBadSignature     = errors.New("Message-Authenticator is wrong: the shared secrets differ, or the reply was altered")
)

// verify checks a datagram against the request that it may answer. Nothing of it is believed before.
func verify(key *signer, request, datagram []byte, needSigned bool) ([]byte, outline, error) {
	packet, ok := cut(datagram)
	if !ok {
		return nil, outline{}, errNotReply
	}
	o, why := read(packet)
	if why != "" || o.identifier != request[1] {
		return nil, o, errNotReply
	}
	switch o.code {
	case codec.CodeAccessAccept, codec.CodeAccessReject, codec.CodeAccessChallenge:
	default:
		return nil, o, errNotReply
	}
	auth := authenticatorOf(request)
	switch {
	case !key.validResponse(packet, auth):
		return nil, o, errAuthenticator
	case o.badMA, o.ma != 0 && !key.validMessageAuthenticator(packet, auth, o.ma):
		return nil, o, errBadSignature
	case needSigned && o.ma != firstValue:
		return nil, o, errMissingSignature
	}
	return packet, o, nil
}

// firstValue is the offset of the first attribute's value.
const firstValue = headerSize + 2

// decode reads a verified reply.
func decode(key *signer, request, packet []byte, o outline, vendor uint32) (*Response, error) {
	p, err := codec.Parse(packet, key.secret)
	if err != nil {
		return nil, fmt.Errorf("decode the reply: %w", err)
	}
	r := &Response{Packet: p, Signed: o.ma != 0, SignedFirst: o.ma == firstValue}
	switch o.code {
	case codec.CodeAccessAccept:
		r.Verdict = login.Accept
	case codec.CodeAccessChallenge:
		r.Verdict = login.Challenge
	default:
		r.Verdict = login.Reject
	}
	for _, a := range p.Attributes {
		if a.Type == rfc2865.ReplyMessage_Type {
			r.Messages = append(r.Messages, string(a.Attribute))
		}
	}
	r.Message = strings.Join(r.Messages, "")
	r.State = string(p.Get(rfc2865.State_Type))
	return r, r.readPrompt(authenticatorOf(request), vendor)
}

// readPrompt reads the prompt and our own attributes. auth is the Request Authenticator.
func (r *Response) readPrompt(auth [authSize]byte, vendor uint32) (err error) {
	p := r.Packet
	r.Code = login.Code(firstText(p, vendor, attrCode))
	r.Factor = firstText(p, vendor, attrFactor)
	r.Registered = firstNumber(p, vendor, attrRegistered) == 1
	prompt := &r.Prompt
	prompt.Step = login.Step(firstText(p, vendor, attrStep))
	prompt.MaskedAddress = firstText(p, vendor, attrMaskedAddress)
	prompt.ResendAfter = time.Duration(firstNumber(p, vendor, attrResendAfter)) * time.Second
	prompt.AttemptsLeft = firstNumber(p, vendor, attrAttemptsLeft)
	for _, choice := range values(p, vendor, attrChoices) {
		prompt.Choices = append(prompt.Choices, string(choice))
	}
	if n, err := codec.Integer(p.Get(rfc2869.Prompt_Type)); err == nil {
		prompt.Echo = n == uint32(rfc2869.Prompt_Value_Echo)
	}
	if n, err := codec.Integer(p.Get(rfc2865.SessionTimeout_Type)); err == nil {
		prompt.Expires = time.Duration(n) * time.Second
	}
	if prompt.OTPAuthURI, err = revealText(p, vendor, attrOTPAuthURI, auth); err != nil {
		return fmt.Errorf("reveal Sallyport-OTPAuth-URI: %w", err)
	}
	if prompt.SecretKey, err = revealText(p, vendor, attrSecretKey, auth); err != nil {
		return fmt.Errorf("reveal Sallyport-Secret-Key: %w", err)
	}
	return nil
}
