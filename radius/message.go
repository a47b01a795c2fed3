package radius

import (
	"crypto/rand"
	"errors"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"sallyport/login"
)

// Message is what a [Caller] sends.
type Message struct {
	// Status makes it a Status-Server, which holds none of the following fields.
	Status bool
	// Username and Password are sent as they are; Password is the answer when there is a State. It
	// is at most 128 octets. NoPassword leaves the attribute out, where an Action says all.
	Username   string
	Password   login.Secret
	NoPassword bool
	// State is what the last challenge carried; empty at the start of a login.
	State string
	// Action is sent as Sallyport-Action unless it is empty.
	Action login.Action
	// CallingStationID and NASIdentifier may be empty.
	CallingStationID, NASIdentifier string
	// More are further attributes, sent last and as they are.
	More codec.Attributes
}

// encode writes the packet, Message-Authenticator first, under a fresh Request Authenticator.
func (m Message) encode(key *signer, identifier byte, vendor uint32) ([]byte, error) {
	p := &codec.Packet{Code: codec.CodeAccessRequest, Identifier: identifier, Secret: key.secret}
	rand.Read(p.Authenticator[:]) //nolint:errcheck // never fails, see crypto/rand
	p.Add(rfc2869.MessageAuthenticator_Type, make(codec.Attribute, authSize))
	if m.Status {
		p.Code = codec.CodeStatusServer
	} else if err := m.fill(p, vendor); err != nil {
		return nil, err
	}
	addText(p, rfc2865.NASIdentifier_Type, m.NASIdentifier)
	p.Attributes = append(p.Attributes, m.More...)
	packet, err := p.MarshalBinary()
	if err != nil {
		return nil, err
	}
	key.signRequest(packet)
	return packet, nil
}

func (m Message) fill(p *codec.Packet, vendor uint32) error {
	addText(p, rfc2865.UserName_Type, m.Username)
	if !m.NoPassword {
		password := m.Password.Reveal()
		if len(password) > maxPassword {
			return errors.New("the password or answer is longer than the 128 octets that User-Password holds")
		}
		hidden, err := codec.NewUserPassword([]byte(password), p.Secret, p.Authenticator[:])
		if err != nil {
			return err
		}
		p.Add(rfc2865.UserPassword_Type, hidden)
	}
	addText(p, rfc2865.State_Type, m.State)
	addText(p, rfc2865.CallingStationID_Type, m.CallingStationID)
	w := newVendorWriter(p, vendor)
	w.text(attrAction, string(m.Action))
	return w.err
}

// addText adds an attribute unless it would be empty. Text that is too long fails when the packet is
// written.
func addText(p *codec.Packet, t codec.Type, text string) {
	if text != "" {
		p.Add(t, codec.Attribute(text))
	}
}
