package main

import (
	"fmt"
	"io"
	"time"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"sallyport/radius"
)

// tracePackets writes each exchange attribute by attribute. What is secret, or lets somebody go on
// with the login, is only measured.
func tracePackets(w io.Writer) func(radius.Message, *radius.Response, time.Duration) {
	return func(m radius.Message, r *radius.Response, took time.Duration) {
		fmt.Fprintln(w, "-> Access-Request")
		attribute(w, "User-Name", m.Username)
		attribute(w, "User-Password", "[redacted]")
		attribute(w, "State", measured(len(m.State)))
		attribute(w, "NAS-Identifier", m.NASIdentifier)
		attribute(w, "Calling-Station-Id", m.CallingStationID)
		if r == nil {
			fmt.Fprintf(w, "<- nothing after %s\n", took.Round(time.Millisecond))
			return
		}
		fmt.Fprintf(w, "<- %s after %s, sent %d times\n", r.Packet.Code, took.Round(time.Microsecond), r.Sent)
		for _, a := range r.Packet.Attributes {
			if a.Type != rfc2865.VendorSpecific_Type {
				attribute(w, attributeName(a.Type), attributeValue(a.Type, a.Attribute))
			}
		}
		traceOurs(w, r)
		if r.Bad > 0 {
			fmt.Fprintf(w, "   %d replies before this one failed verification\n", r.Bad)
		}
	}
}

// traceOurs writes the Sallyport attributes, as the reply was understood.
func traceOurs(w io.Writer, r *radius.Response) {
	attribute(w, "Sallyport-Step", string(r.Prompt.Step))
	attribute(w, "Sallyport-Factor", r.Factor)
	attribute(w, "Sallyport-OTPAuth-URI", redacted(r.Prompt.OTPAuthURI.Reveal()))
	attribute(w, "Sallyport-Secret-Key", redacted(r.Prompt.SecretKey.Reveal()))
	attribute(w, "Sallyport-Masked-Address", r.Prompt.MaskedAddress)
	if r.Prompt.ResendAfter > 0 {
		attribute(w, "Sallyport-Resend-After", fmt.Sprint(int(r.Prompt.ResendAfter.Seconds())))
	}
	if r.Prompt.AttemptsLeft > 0 {
		attribute(w, "Sallyport-Attempts-Left", fmt.Sprint(r.Prompt.AttemptsLeft))
	}
	attribute(w, "Sallyport-Code", string(r.Code))
	for _, choice := range r.Prompt.Choices {
		attribute(w, "Sallyport-Choices", choice)
	}
	if r.Registered {
		attribute(w, "Sallyport-Registered", "1")
	}
}

func attribute(w io.Writer, name, value string) {
	if value != "" {
		fmt.Fprintf(w, "   %s = %s\n", name, printable(value))
	}
}

func redacted(secret string) string {
	if secret == "" {
		return ""
	}
	return "[redacted]"
}

func measured(octets int) string {
	if octets == 0 {
		return ""
	}
	return fmt.Sprintf("(%d octets)", octets)
}

func attributeName(t codec.Type) string {
	switch t {
	case rfc2865.ReplyMessage_Type:
		return "Reply-Message"
	case rfc2865.State_Type:
		return "State"
	case rfc2865.SessionTimeout_Type:
		return "Session-Timeout"
	case rfc2865.Class_Type:
		return "Class"
	case rfc2865.FilterID_Type:
		return "Filter-Id"
	case rfc2865.FramedIPAddress_Type:
		return "Framed-IP-Address"
	case rfc2865.ServiceType_Type:
		return "Service-Type"
	case rfc2865.ProxyState_Type:
		return "Proxy-State"
	case rfc2869.Prompt_Type:
		return "Prompt"
	case rfc2869.MessageAuthenticator_Type:
		return "Message-Authenticator"
	}
	return fmt.Sprintf("Attr-%d", t)
}

// attributeValue shows texts and numbers that are known to be harmless. A Reply-Message may hold a
// key that is being registered; the person sees it as the prompt.
func attributeValue(t codec.Type, value codec.Attribute) string {
	switch t {
	case rfc2865.FilterID_Type:
		return string(value)
	case rfc2865.SessionTimeout_Type, rfc2865.ServiceType_Type, rfc2869.Prompt_Type:
		if n, err := codec.Integer(value); err == nil {
			return fmt.Sprint(n)
		}
	case rfc2869.MessageAuthenticator_Type:
		return "right"
	}
	return measured(len(value))
}
