package radius

import (
	"errors"
	"log/slog"
	"time"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"sallyport/login"
)

// goodReply is the size in octets above which replies fail in clients that we know.
const goodReply = 1024

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
		why := undecided(err)
		if c.OnOutage != OutageReject {
			return output{}, why, err
		}
		s.hint(j.client, j.from, why.level(), "login rejected because it could not be decided", causes(rep, err)...)
		rep = login.Outage(err)
	}
	if rep.Verdict == login.Challenge && c.Mode != login.ModeChallenge {
		// Zero means no: a client that cannot answer gets the zero reply, which is a Reject.
		s.hint(j.client, j.from, slog.LevelError, "login rejected because the client's mode has no challenges", slog.String("trace", rep.Trace))
		rep = login.Reply{Trace: rep.Trace}
	}
	packet, omitted, err := write(c, request, rep, s.cfg.VendorID)
	if err != nil {
		return output{}, DropReply, err
	}
	if len(omitted) > 0 {
		s.hint(j.client, j.from, slog.LevelError, "Access-Accept sent without attributes that have no room; let the client's rules or pass_attributes give fewer",
			slog.Any("attributes", omitted), slog.String("trace", rep.Trace))
	}
	if len(packet) > goodReply {
		c.counts.oversized.Add(1)
		s.hint(j.client, j.from, slog.LevelWarn, "RADIUS reply is larger than 1024 octets; some clients drop it", slog.Int("octets", len(packet)))
	}
	return output{packet: packet, verdict: rep.Verdict}, "", nil
}

// undecided tells a login that was shed, which is for nobody to repair, from the outage of a back end.
func undecided(err error) Reason {
	var outage *login.UnavailableError
	if errors.As(err, &outage) && outage.Code == login.CodeRateLimited {
		return DropShed
	}
	return DropOutage
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
// nothing else, unless the client reads our attributes. omitted names what an Accept has no room for.
func write(c *client, request *codec.Packet, rep login.Reply, vendor uint32) (packet []byte, omitted []string, err error) {
	if rep.Verdict == login.Challenge && (rep.State == "" || len(rep.State) > maxValue) {
		return nil, nil, errors.New("the State of a challenge has 1 to 253 octets")
	}
	w := beginReply(c, request, packetCode(rep.Verdict), vendor)
	if failure, ok := eapFailure(request); ok && rep.Verdict == login.Reject {
		w.octets(rfc2869.EAPMessage_Type, failure[:]) // with it there may be no Reply-Message (RFC 3579 §2.6.5)
	} else {
		addMessage(w, c.prompt(rep))
	}
	if rep.Verdict == login.Challenge {
		w.text(rfc2865.State_Type, rep.State)
		w.number(rfc2869.Prompt_Type, echo(rep.Prompt.Echo))
		if rep.Prompt.Expires > 0 {
			w.number(rfc2865.SessionTimeout_Type, max(seconds(rep.Prompt.Expires), 1))
		}
	}
	if c.UI {
		addForUI(w, rep)
	}
	if rep.Verdict == login.Accept {
		omitted = addReplies(w, c.Replies, rep, maxPacket-proxyStates(request))
	}
	packet, err = finishReply(w, request)
	return packet, omitted, err
}

// eapFailure is the EAP packet with which an EAP request is refused (RFC 3579 §2.6.3), under the request's
// Identifier (RFC 3748 §4.2). An EAP-Start has none, and gets 0. ok is false without an EAP-Message.
func eapFailure(request *codec.Packet) (packet [4]byte, ok bool) {
	const failure, identifierAt = 4, 1
	packet = [4]byte{failure, 0, 0, byte(len(packet))}
	at := 0 // the EAP packet may be split anywhere
	for _, a := range request.Attributes {
		if a.Type != rfc2869.EAPMessage_Type {
			continue
		}
		if ok = true; at <= identifierAt && identifierAt < at+len(a.Attribute) {
			packet[1] = a.Attribute[identifierAt-at]
		}
		at += len(a.Attribute)
	}
	return packet, ok
}

// proxyStates is how many octets the Proxy-States of a request have.
func proxyStates(request *codec.Packet) (n int) {
	for _, a := range request.Attributes {
		if a.Type == rfc2865.ProxyState_Type {
			n += 2 + len(a.Attribute)
		}
	}
	return n
}

func packetCode(v login.Verdict) codec.Code {
	switch v {
	case login.Accept:
		return codec.CodeAccessAccept
	case login.Challenge:
		return codec.CodeAccessChallenge
	}
	return codec.CodeAccessReject
}

// addForUI adds what a client that draws its own screens needs to know.
func addForUI(w *writer, rep login.Reply) {
	w.vendorText(attrCode, string(rep.Code))
	switch rep.Verdict {
	case login.Accept:
		w.vendorText(attrFactor, rep.Factor)
		if rep.Registered {
			w.vendorNumber(attrRegistered, 1)
		}
	case login.Challenge:
		p := rep.Prompt
		w.vendorText(attrStep, string(p.Step))
		w.vendorText(attrFactor, rep.Factor)
		w.hidden(attrOTPAuthURI, p.OTPAuthURI)
		w.hidden(attrSecretKey, p.SecretKey)
		w.vendorText(attrMaskedAddress, p.MaskedAddress)
		if p.MaskedAddress != "" || p.ResendAfter > 0 {
			w.vendorNumber(attrResendAfter, int(seconds(p.ResendAfter+time.Second-1)))
		}
		if p.AttemptsLeft > 0 {
			w.vendorNumber(attrAttemptsLeft, p.AttemptsLeft)
		}
		for _, choice := range p.Choices {
			w.vendorText(attrChoices, choice)
		}
	}
}

// beginReply begins the reply to a request, with its Request Authenticator in place of what signing
// puts there.
func beginReply(c *client, request *codec.Packet, code codec.Code, vendor uint32) *writer {
	return c.signer.write(code, request.Identifier, request.Authenticator, vendor)
}

// finishReply adds every Proxy-State of the request in its order (RFC 2865 §5.33) and signs.
func finishReply(w *writer, request *codec.Packet) ([]byte, error) {
	for _, a := range request.Attributes {
		if a.Type == rfc2865.ProxyState_Type {
			w.octets(a.Type, a.Attribute)
		}
	}
	key := w.key
	packet, err := w.finish()
	if err != nil {
		return nil, err
	}
	key.signReply(packet)
	return packet, nil
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
