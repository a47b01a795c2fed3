package radius

import (
	"errors"
	"log/slog"
	"time"
	"unicode/utf8"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"sallyport/login"
)

const (
	// maxValue is what one attribute holds (RFC 2865 §5).
	maxValue = 253
	// goodReply is the size above which replies fail in clients that we know.
	goodReply = 1024
)

// output is a reply ready to be sent.
type output struct {
	packet  []byte
	verdict login.Verdict
}

// reply decides what the client is sent, and writes it. It is the only place that knows what an
// error of [Logins] means to a client. The reason is "" when there is a reply; otherwise the error
// says more.
func (s *Server) reply(j *job, request *codec.Packet, rep login.Reply, err error) (output, Reason, error) {
	c := j.client
	if err != nil {
		if c.OnOutage != OutageReject {
			return output{}, DropOutage, err
		}
		s.hint(j, slog.LevelError, "login rejected because a back end did not answer", causes(rep, err)...)
		rep = login.Outage(err)
	}
	packet, err := write(c, request, rep, s.cfg.VendorID)
	if err != nil {
		return output{}, DropReply, err
	}
	if len(packet) > goodReply {
		c.counts.oversized.Add(1)
		s.hint(j, slog.LevelWarn, "RADIUS reply is larger than 1024 octets; some clients drop it", slog.Int("octets", len(packet)))
	}
	return output{packet: packet, verdict: rep.Verdict}, "", nil
}

// causes are the facts of a login that came to no usable reply: its trace, where there is one, and
// what went wrong.
func causes(rep login.Reply, err error) []slog.Attr {
	facts := []slog.Attr{slog.String("error", err.Error())}
	trace := rep.Trace
	var outage *login.UnavailableError
	if errors.As(err, &outage) {
		trace = outage.Trace
	}
	if trace != "" {
		facts = append(facts, slog.String("trace", trace))
	}
	return facts
}

// write is the reply as RFC 2865 §5.44 and RFC 2869 §5.19 allow it: a Reject has a Reply-Message and
// nothing else, unless the client reads our attributes.
func write(c *client, request *codec.Packet, rep login.Reply, vendor uint32) ([]byte, error) {
	code := codec.CodeAccessReject
	list := codec.Packet{Secret: request.Secret, Authenticator: request.Authenticator}
	addMessage(&list, rep.Message)
	switch rep.Verdict {
	case login.Accept:
		code = codec.CodeAccessAccept
	case login.Challenge:
		code = codec.CodeAccessChallenge
		if rep.State == "" || len(rep.State) > maxValue {
			return nil, errors.New("the State of a challenge has 1 to 253 octets")
		}
		list.Add(rfc2865.State_Type, codec.Attribute(rep.State))
		list.Add(rfc2869.Prompt_Type, codec.NewInteger(echo(rep.Prompt.Echo)))
		if rep.Prompt.Expires > 0 {
			list.Add(rfc2865.SessionTimeout_Type, codec.NewInteger(max(seconds(rep.Prompt.Expires), 1)))
		}
	}
	if c.UI {
		w := newVendorWriter(&list, vendor)
		addForUI(w, rep)
		if w.err != nil {
			return nil, w.err
		}
	}
	return encodeReply(c.signer, request, code, list.Attributes)
}

// addForUI adds what a client that draws its own screens needs to know.
func addForUI(w *vendorWriter, rep login.Reply) {
	w.text(attrCode, string(rep.Code))
	switch rep.Verdict {
	case login.Accept:
		w.text(attrFactor, rep.Factor)
		if rep.Registered {
			w.number(attrRegistered, 1)
		}
	case login.Challenge:
		p := rep.Prompt
		w.text(attrStep, string(p.Step))
		w.text(attrFactor, rep.Factor)
		w.hidden(attrOTPAuthURI, p.OTPAuthURI)
		w.hidden(attrSecretKey, p.SecretKey)
		w.text(attrMaskedAddress, p.MaskedAddress)
		if p.MaskedAddress != "" || p.ResendAfter > 0 {
			w.number(attrResendAfter, int(seconds(p.ResendAfter+time.Second-1)))
		}
		if p.AttemptsLeft > 0 {
			w.number(attrAttemptsLeft, p.AttemptsLeft)
		}
		for _, choice := range p.Choices {
			w.text(attrChoices, choice)
		}
	}
}

// encodeReply writes a signed reply: Message-Authenticator first, then the list, then every
// Proxy-State of the request in its order (RFC 2865 §5.33).
func encodeReply(key *signer, request *codec.Packet, code codec.Code, list codec.Attributes) ([]byte, error) {
	reply := codec.Packet{Code: code, Identifier: request.Identifier, Authenticator: request.Authenticator}
	reply.Attributes = make(codec.Attributes, 0, 1+len(list)+1)
	reply.Add(rfc2869.MessageAuthenticator_Type, make(codec.Attribute, authSize))
	reply.Attributes = append(reply.Attributes, list...)
	for _, a := range request.Attributes {
		if a.Type == rfc2865.ProxyState_Type {
			reply.Attributes = append(reply.Attributes, a)
		}
	}
	packet, err := reply.MarshalBinary()
	if err != nil {
		return nil, err
	}
	key.signReply(packet)
	return packet, nil
}

// addMessage adds the sentence, split where one attribute does not hold it, but never inside a
// character.
func addMessage(p *codec.Packet, message string) {
	if message == "" {
		message = login.MessageFallback
	}
	for len(message) > maxValue {
		at := maxValue
		for at > maxValue-utf8.UTFMax && !utf8.RuneStart(message[at]) {
			at--
		}
		p.Add(rfc2865.ReplyMessage_Type, codec.Attribute(message[:at]))
		message = message[at:]
	}
	p.Add(rfc2865.ReplyMessage_Type, codec.Attribute(message))
}

// echo is the value of Prompt (RFC 2869 §5.10).
func echo(show bool) uint32 {
	if show {
		return uint32(rfc2869.Prompt_Value_Echo)
	}
	return uint32(rfc2869.Prompt_Value_NoEcho)
}

// seconds rounds down, so that nobody is promised time that they do not have.
func seconds(d time.Duration) uint32 { return uint32(max(d/time.Second, 0)) }
