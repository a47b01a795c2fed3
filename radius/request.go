package radius

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"sallyport/login"
)

// Values and attributes of Microsoft's dictionary (RFC 2548) that carry no password to check.
const (
	vendorMicrosoft = 311
	msCHAPResponse  = 1
	msCHAP2Response = 25
)

// ask turns an Access-Request into a question to [Logins]. Requests that can be no login are refused
// here with a Reject, since RFC 2865 §4.1 wants an answer to every client.
func (s *Server) ask(ctx context.Context, j *job, p *codec.Packet) (login.Reply, error) {
	hidden, passwords := only(p, rfc2865.UserPassword_Type)
	state, states := only(p, rfc2865.State_Type)
	name, names := only(p, rfc2865.UserName_Type)
	switch {
	case needsOtherThanPAP(p):
		s.hint(j.client, j.from, slog.LevelWarn, "RADIUS client uses CHAP, MS-CHAP or EAP; only PAP can be checked: set the client to PAP")
		return s.refuse(j, p, login.CodeNotPermitted, login.MessageNeedsPAP, "CHAP, MS-CHAP or EAP in place of PAP"), nil
	case states > 1:
		return s.refuse(j, p, login.CodeStateInvalid, login.MessageMalformed, "more than one State"), nil
	case passwords > 1, names > 1:
		return s.refuse(j, p, login.CodeNotPermitted, login.MessageMalformed, "more than one User-Password or User-Name"), nil
	case authorizeOnly(p):
		// This is no login (RFC 5080 §2.1.1): an empty answer would mean "resend".
		return s.refuse(j, p, login.CodeNotPermitted, login.MessageMalformed, "Service-Type is Authorize Only"), nil
	case passwords == 0 && states == 0:
		return s.refuse(j, p, login.CodeNotPermitted, login.MessageNoPassword, "neither User-Password nor State"), nil
	}
	var password string
	if passwords == 1 {
		plain, err := revealPassword(hidden, p.Secret, p.Authenticator)
		if err != nil {
			return s.refuse(j, p, login.CodeNotPermitted, login.MessageMalformed, err.Error()), nil
		}
		// With a Message-Authenticator the secret is right, and an answer is for the login to ask again for.
		isCode, signed := states > 0 || j.client.Mode != login.ModeChallenge, j.outline.ma != 0
		doubted := !signed && j.arrived.UnixNano() < j.client.counts.doubtedUntil.Load()
		why := j.client.Charset.unreadable(plain, isCode, doubted)
		password = j.client.Charset.text(plain)
		if first, second, ok := login.SplitStatic(password); ok && j.client.Mode == login.ModeAppend {
			// What is inside is in the person's character set, and has met no check yet.
			why = cmp.Or(why, j.client.Charset.unreadable([]byte(first), false, doubted), j.client.Charset.unreadable([]byte(second), true, doubted))
			password = login.JoinStatic(j.client.Charset.text([]byte(first)), j.client.Charset.text([]byte(second)))
		}
		if why != "" && !(signed && states > 0) {
			return s.refuseUnreadable(j, p, why, states > 0), nil
		}
	}
	username := j.client.Charset.text(name)
	if states == 0 {
		return s.logins.Begin(ctx, login.Request{Origin: s.origin(j, p), Username: username, Password: password})
	}
	return s.logins.Continue(ctx, login.Answer{
		Origin: s.origin(j, p), Username: username, State: string(state), Text: password,
		Action: login.Action(firstText(p, s.cfg.VendorID, attrAction)),
	})
}

func (s *Server) origin(j *job, p *codec.Packet) login.Origin {
	return login.Origin{
		Client:           j.client.Name,
		Policy:           j.client.Policy,
		UI:               j.client.UI,
		RejectOnOutage:   j.client.OnOutage == OutageReject,
		Address:          plainAddr(j.from.Addr()),
		CallingStationID: string(p.Get(rfc2865.CallingStationID_Type)),
		Mode:             j.client.Mode,
		AppendDigits:     j.client.AppendDigits,
		Language:         j.client.Language,
		Profile:          j.client.Profile,
		Doubtful:         j.outline.tolerated,
		RequestKey:       s.cfg.Tag([]byte(j.client.Name), j.packet),
	}
}

// doubtFor is how long a shared secret is doubted after a User-Password that cannot be one, unless one that
// is right comes from the client.
const doubtFor = 10 * time.Minute

// secretsDiffer is what an operator is told about passwords that cannot be any.
const secretsDiffer = "the shared secrets may differ"

// refuseUnreadable is a Reject of a User-Password that cannot be one. Nobody is asked about it, and it counts
// for nobody: it is not what a person has typed.
func (s *Server) refuseUnreadable(j *job, p *codec.Packet, why string, isAnswer bool) login.Reply {
	code, message := login.CodePasswordInvalid, login.MessageWrongPassword
	switch {
	case isAnswer:
		code, message = login.CodeOTPInvalid, login.MessageWrongCode
	case j.client.Mode != login.ModeChallenge:
		message = login.MessageAtOnce
	}
	if j.outline.ma == 0 {
		why += ": " + secretsDiffer
		j.client.counts.unreadable.Add(1)
		j.client.counts.doubtedUntil.Store(s.cfg.Now().Add(doubtFor).UnixNano())
		if j.client.counts.secretHint.AllowN(s.cfg.Now(), 1) {
			s.log.Warn(secretsDiffer+": a User-Password cannot be a password; compare secret or secret_file, and charset, with the client",
				"client", j.client.Name, "address", j.from.String(), "count", j.client.counts.unreadable.Load())
		}
	}
	return s.refuse(j, p, code, message, why)
}

// refuse is a Reject that no login has decided, and its event: those of logins are reported by
// [Logins]. The reason is for the audit; it does not quote the request.
func (s *Server) refuse(j *job, p *codec.Packet, code login.Code, message, reason string) login.Reply {
	o := s.origin(j, p)
	now := s.cfg.Now()
	s.cfg.Refused(login.Event{
		Time: now, Client: o.Client, Address: o.Address, CallingStationID: o.CallingStationID, Policy: o.Policy,
		Username: j.client.Charset.text(p.Get(rfc2865.UserName_Type)),
		Answered: true, Verdict: login.Reject, Code: code, Reason: reason, Took: now.Sub(j.arrived),
	})
	return login.Reply{Verdict: login.Reject, Code: code, Message: message}
}

// only returns the first attribute of a type, and how many there are.
func only(p *codec.Packet, t codec.Type) (value []byte, count int) {
	for _, a := range p.Attributes {
		if a.Type == t {
			if count++; count == 1 {
				value = a.Attribute
			}
		}
	}
	return value, count
}

// needsOtherThanPAP reports whether the request is CHAP, MS-CHAP or EAP. RFC 2865 §4.1 allows no
// User-Password beside a CHAP-Password, so the one that is there does not help.
func needsOtherThanPAP(p *codec.Packet) bool {
	for _, a := range p.Attributes {
		switch a.Type {
		case rfc2865.CHAPPassword_Type, rfc2869.EAPMessage_Type:
			return true
		case rfc2865.VendorSpecific_Type:
			for _, v := range vendorAttributes(a.Attribute, vendorMicrosoft) {
				if v.number == msCHAPResponse || v.number == msCHAP2Response {
					return true
				}
			}
		}
	}
	return false
}

// authorizeOnly reports Service-Type = Authorize Only (RFC 5176 §3).
func authorizeOnly(p *codec.Packet) bool {
	const authorizeOnlyValue = 17
	n, err := codec.Integer(p.Get(rfc2865.ServiceType_Type))
	return err == nil && n == authorizeOnlyValue
}
