package radius

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/rfc3162"
	"layeh.com/radius/rfc6911"
)

// maxAccountingText bounds a text of a record in bytes, maxClasses how many Class attributes are kept.
const (
	maxAccountingText = 128
	maxClasses        = 4
)

// AccountingRecord is what a client says of a session. All but Client and Address is the client's word:
// whoever knows the shared secret can write it. Texts are cleaned of control characters and shortened
// to 128 bytes. A number that was not sent is nil, which is not 0. It has no password, whatever the
// request has.
type AccountingRecord struct {
	// Client is the client's name, Address where the packet came from.
	Client  string     `json:"client"`
	Address netip.Addr `json:"address"`
	// Status is Acct-Status-Type by its name in the RFCs, such as "Start"; the number of one that has
	// none; "" when there was none.
	Status string `json:"status,omitempty"`
	// SessionID names the session within its client and NAS, and not over a restart of that.
	SessionID      string   `json:"session_id,omitempty"`
	MultiSessionID string   `json:"multi_session_id,omitempty"`
	Username       string   `json:"username,omitempty"`
	Class          []string `json:"class,omitempty"`

	FramedIP         string `json:"framed_ip,omitempty"`
	FramedIPv6       string `json:"framed_ipv6,omitempty"`
	FramedIPv6Prefix string `json:"framed_ipv6_prefix,omitempty"`
	CallingStationID string `json:"calling_station_id,omitempty"`
	CalledStationID  string `json:"called_station_id,omitempty"`
	NASIdentifier    string `json:"nas_identifier,omitempty"`
	NASAddress       string `json:"nas_address,omitempty"`
	NASPort          string `json:"nas_port,omitempty"`
	NASPortID        string `json:"nas_port_id,omitempty"`
	ServiceType      string `json:"service_type,omitempty"`

	// InputOctets and OutputOctets have the Gigawords (RFC 2869 §5.1) in their upper half; Gigawords says
	// that there were any. Without, a client that counts beyond 4 GiB begins again at 0.
	InputOctets   *uint64 `json:"input_octets,omitempty"`
	OutputOctets  *uint64 `json:"output_octets,omitempty"`
	Gigawords     bool    `json:"gigawords,omitempty"`
	InputPackets  *uint64 `json:"input_packets,omitempty"`
	OutputPackets *uint64 `json:"output_packets,omitempty"`

	// SessionSeconds is Acct-Session-Time. DelaySeconds is Acct-Delay-Time: how long the client had been
	// trying to send the record. EventTime is Event-Timestamp, by the client's clock.
	SessionSeconds *uint64    `json:"session_seconds,omitempty"`
	DelaySeconds   *uint64    `json:"delay_seconds,omitempty"`
	EventTime      *time.Time `json:"event_time,omitempty"`
	// TerminateCause is Acct-Terminate-Cause by its name in RFC 2866 §5.10, or its number.
	TerminateCause string `json:"terminate_cause,omitempty"`
}

// readAccounting reads the record of an Accounting-Request. An attribute of a wrong length counts as
// absent; of one that comes twice the first counts.
func readAccounting(j *accountingJob) AccountingRecord {
	r := AccountingRecord{Client: j.client.Name, Address: plainAddr(j.from.Addr())}
	text := func(field *string, value []byte) {
		if *field == "" {
			*field = cleanText(j.client.Charset.text(value))
		}
	}
	number := func(field **uint64, value []byte) {
		if n, ok := integer(value); ok && *field == nil {
			wide := uint64(n)
			*field = &wide
		}
	}
	name := func(field *string, value []byte, names map[uint32]string) {
		if n, ok := integer(value); ok && *field == "" {
			if *field = names[n]; *field == "" {
				*field = strconv.FormatUint(uint64(n), 10)
			}
		}
	}
	address := func(field *string, value []byte, size int) {
		if addr, ok := netip.AddrFromSlice(value); ok && len(value) == size && *field == "" {
			*field = addr.String()
		}
	}
	var inputGigawords, outputGigawords, event *uint64
	for rest := j.packet[headerSize:]; len(rest) > 0; rest = rest[rest[1]:] {
		value := rest[2:rest[1]]
		switch codec.Type(rest[0]) {
		case rfc2866.AcctStatusType_Type:
			name(&r.Status, value, accountingStatuses)
		case rfc2866.AcctSessionID_Type:
			text(&r.SessionID, value)
		case rfc2866.AcctMultiSessionID_Type:
			text(&r.MultiSessionID, value)
		case rfc2865.UserName_Type:
			text(&r.Username, value)
		case rfc2865.Class_Type:
			if len(r.Class) < maxClasses {
				r.Class = append(r.Class, opaque(value))
			}
		case rfc2865.FramedIPAddress_Type:
			address(&r.FramedIP, value, 4)
		case rfc6911.FramedIPv6Address_Type:
			address(&r.FramedIPv6, value, 16)
		case rfc3162.FramedIPv6Prefix_Type:
			if p, ok := ipv6Prefix(value); ok && r.FramedIPv6Prefix == "" {
				r.FramedIPv6Prefix = p.String()
			}
		case rfc2865.CallingStationID_Type:
			text(&r.CallingStationID, value)
		case rfc2865.CalledStationID_Type:
			text(&r.CalledStationID, value)
		case rfc2865.NASIdentifier_Type:
			text(&r.NASIdentifier, value)
		case rfc2865.NASIPAddress_Type:
			address(&r.NASAddress, value, 4)
		case rfc3162.NASIPv6Address_Type:
			address(&r.NASAddress, value, 16)
		case rfc2865.NASPort_Type:
			name(&r.NASPort, value, nil)
		case rfc2869.NASPortID_Type:
			text(&r.NASPortID, value)
		case rfc2865.ServiceType_Type:
			name(&r.ServiceType, value, serviceTypes)
		case rfc2866.AcctInputOctets_Type:
			number(&r.InputOctets, value)
		case rfc2866.AcctOutputOctets_Type:
			number(&r.OutputOctets, value)
		case rfc2869.AcctInputGigawords_Type:
			number(&inputGigawords, value)
		case rfc2869.AcctOutputGigawords_Type:
			number(&outputGigawords, value)
		case rfc2866.AcctInputPackets_Type:
			number(&r.InputPackets, value)
		case rfc2866.AcctOutputPackets_Type:
			number(&r.OutputPackets, value)
		case rfc2866.AcctSessionTime_Type:
			number(&r.SessionSeconds, value)
		case rfc2866.AcctDelayTime_Type:
			number(&r.DelaySeconds, value)
		case rfc2869.EventTimestamp_Type:
			number(&event, value)
		case rfc2866.AcctTerminateCause_Type:
			name(&r.TerminateCause, value, terminateCauses)
		}
	}
	r.InputOctets = withGigawords(r.InputOctets, inputGigawords)
	r.OutputOctets = withGigawords(r.OutputOctets, outputGigawords)
	r.Gigawords = inputGigawords != nil || outputGigawords != nil
	if event != nil {
		at := time.Unix(int64(*event), 0).UTC()
		r.EventTime = &at
	}
	return r
}

func withGigawords(octets, gigawords *uint64) *uint64 {
	if gigawords == nil {
		return octets
	}
	n := *gigawords << 32
	if octets != nil {
		n |= *octets
	}
	return &n
}

func integer(value []byte) (n uint32, ok bool) {
	if len(value) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(value), true
}

// ipv6Prefix reads a Framed-IPv6-Prefix (RFC 3162 §2.3): an octet that is reserved, the length of the
// prefix in bits, and as many octets of it as are needed.
func ipv6Prefix(value []byte) (netip.Prefix, bool) {
	if len(value) < 2 || len(value) > 18 || value[1] > 128 {
		return netip.Prefix{}, false
	}
	var addr [16]byte
	copy(addr[:], value[2:])
	return netip.PrefixFrom(netip.AddrFrom16(addr), int(value[1])).Masked(), true
}

// cleanText is a text as it may stand in a log: nothing that moves a cursor or hides, and not too long.
func cleanText(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, text)
	if len(text) <= maxAccountingText {
		return text
	}
	const more = "…"
	end := maxAccountingText - len(more)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + more
}

// opaque is octets that are text as that, and others in hex.
func opaque(value []byte) string {
	if text := string(value); utf8.ValidString(text) && cleanText(text) == text {
		return text
	}
	return cleanText("0x" + hex.EncodeToString(value))
}

// accountingStatuses are the values of Acct-Status-Type (RFC 2866 §5.1, RFC 2867 §3.1).
var accountingStatuses = withNames(map[uint32]string{
	9: "Tunnel-Start", 10: "Tunnel-Stop", 11: "Tunnel-Reject", 12: "Tunnel-Link-Start", 13: "Tunnel-Link-Stop", 14: "Tunnel-Link-Reject",
}, rfc2866.AcctStatusType_Strings)

var (
	terminateCauses = withNames(map[uint32]string{}, rfc2866.AcctTerminateCause_Strings)
	serviceTypes    = withNames(map[uint32]string{}, rfc2865.ServiceType_Strings)
)

func withNames[T ~uint32](names map[uint32]string, more map[T]string) map[uint32]string {
	for n, name := range more {
		names[uint32(n)] = name
	}
	return names
}
