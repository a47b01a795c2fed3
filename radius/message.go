package radius

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"slices"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"

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
	// bare leaves Message-Authenticator out. Only the probe of an upstream server does so, which
	// cannot otherwise tell another shared secret from a server that is down.
	bare bool
}

// encode writes the packet, Message-Authenticator first, under a fresh Request Authenticator.
func (m Message) encode(key *signer, identifier byte, vendor uint32) ([]byte, error) {
	password := m.Password.Reveal()
	if len(password) > maxPassword {
		return nil, errors.New("the password or answer is longer than the 128 octets that User-Password holds")
	}
	var auth [authSize]byte
	rand.Read(auth[:]) //nolint:errcheck // never fails, see crypto/rand
	code := codec.CodeAccessRequest
	if m.Status {
		code = codec.CodeStatusServer
	}
	w := key.write(code, identifier, auth, vendor)
	if !m.Status {
		m.fill(w, password)
	}
	w.text(rfc2865.NASIdentifier_Type, m.NASIdentifier)
	for _, a := range m.More {
		w.octets(a.Type, a.Attribute)
	}
	packet, err := w.finish()
	if err != nil {
		return nil, err
	}
	if m.bare {
		packet = slices.Delete(packet, headerSize, headerSize+maSize)
		binary.BigEndian.PutUint16(packet[2:4], uint16(len(packet)))
		return packet, nil
	}
	key.signRequest(packet)
	return packet, nil
}

func (m Message) fill(w *writer, password string) {
	w.text(rfc2865.UserName_Type, m.Username)
	if !m.NoPassword {
		hidden, err := codec.NewUserPassword([]byte(password), w.key.secret, w.auth[:])
		if err != nil {
			w.err = err
		}
		w.octets(rfc2865.UserPassword_Type, hidden)
	}
	w.text(rfc2865.State_Type, m.State)
	w.text(rfc2865.CallingStationID_Type, m.CallingStationID)
	w.vendorText(attrAction, string(m.Action))
}
