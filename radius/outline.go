package radius

import (
	"encoding/binary"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"
)

// outline is what must be known of a packet before it is decoded. It is read from the raw octets
// without allocating, because it is also made for packets of strangers.
type outline struct {
	code       codec.Code
	identifier byte
	auth       [authSize]byte
	// ma is the offset of the Message-Authenticator's value, 0 when there is none.
	ma int
	// badMA means that there are two of them, or one that has not 16 octets.
	badMA bool
	// attributes counts all attributes, proxyStates those of that type.
	attributes  int
	proxyStates int
	eap         bool
	// state is the first State, part of the packet; states counts them.
	state  []byte
	states int
	// tolerated says that the packet is taken without a Message-Authenticator although the client sends it elsewhere.
	tolerated bool
	// names are parts of the packet too.
	names senderNames
}

// cut returns the packet of a datagram: as many octets as its Length says. What follows is padding
// and ignored (RFC 2865 §3); a Length outside 20..4096 or beyond the datagram is no packet.
func cut(datagram []byte) (packet []byte, ok bool) {
	if len(datagram) < headerSize {
		return nil, false
	}
	length := int(binary.BigEndian.Uint16(datagram[2:4]))
	if length < headerSize || length > maxPacket || length > len(datagram) {
		return nil, false
	}
	return datagram[:length], true
}

// read outlines a packet. The reason is "" when the packet is well-formed.
func read(packet []byte) (o outline, why Reason) {
	o = outline{code: codec.Code(packet[0]), identifier: packet[1], auth: authenticatorOf(packet)}
	for at := headerSize; at < len(packet); {
		if len(packet)-at < 2 {
			return o, DropMalformed
		}
		size := int(packet[at+1])
		if size < 2 || at+size > len(packet) {
			return o, DropMalformed
		}
		if o.attributes++; o.attributes > maxAttributes {
			return o, DropTooManyAttributes
		}
		o.note(codec.Type(packet[at]), packet[at+2:at+size], at+2)
		at += size
	}
	return o, ""
}

// decode returns the packet that read has outlined. Its attributes are parts of packet, not copies.
func (o *outline) decode(packet, secret []byte) *codec.Packet {
	p := &codec.Packet{Code: o.code, Identifier: o.identifier, Authenticator: o.auth, Secret: secret}
	p.Attributes = make(codec.Attributes, 0, o.attributes)
	pairs := make([]codec.AVP, 0, o.attributes)
	for rest := packet[headerSize:]; len(rest) > 0; {
		size := int(rest[1])
		pairs = append(pairs, codec.AVP{Type: codec.Type(rest[0]), Attribute: codec.Attribute(rest[2:size:size])})
		p.Attributes = append(p.Attributes, &pairs[len(pairs)-1])
		rest = rest[size:]
	}
	return p
}

// note takes one attribute into the outline.
func (o *outline) note(t codec.Type, value []byte, at int) {
	switch t {
	case rfc2869.MessageAuthenticator_Type:
		if o.ma != 0 || len(value) != authSize {
			o.badMA = true
		}
		o.ma = at
	case rfc2865.ProxyState_Type:
		o.proxyStates++
	case rfc2869.EAPMessage_Type:
		o.eap = true
	case rfc2865.State_Type:
		if o.states++; o.states == 1 {
			o.state = value
		}
	default:
		o.names.note(t, value)
	}
}
