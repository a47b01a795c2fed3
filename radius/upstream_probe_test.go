package radius

import (
	"strings"
	"testing"

	codec "layeh.com/radius"
)

// strict answers as a server that drops what has no Message-Authenticator.
func strict(t *testing.T) func(int, []byte) [][]byte {
	return func(n int, request []byte) [][]byte {
		if o, _ := read(request); o.ma == 0 {
			return nil
		}
		return always(t, codec.CodeAccessReject)(n, request)
	}
}

func TestProbeNamesTheRow(t *testing.T) {
	otherKey := newSigner("another-shared-secret")
	for want, answer := range map[ProbeRow]func(int, []byte) [][]byte{
		RowReady:       always(t, codec.CodeAccessReject),
		RowSignedOnly:  strict(t),
		RowWrongSecret: modern(t, otherKey),
		RowSilent:      silent,
		RowIgnoresLogins: func(n int, request []byte) [][]byte {
			if request[0] != byte(codec.CodeStatusServer) {
				return nil
			}
			return always(t, codec.CodeAccessAccept)(n, request)
		},
	} {
		t.Run(string(want), func(t *testing.T) {
			t.Parallel()
			f := newFakeServer(t, answer)
			u := forwardingTo(t, nil, f.addr())
			p := u.Probe(t.Context(), f.addr())
			if p.Row != want || p.Remedy != want.remedy() || p.Server != f.addr() || p.Took < 0 {
				t.Errorf("got %+v", p)
			}
			if p.Signature != (want == RowReady || want == RowSignedOnly) {
				t.Errorf("signature %v", p.Signature)
			}
			if u.Stats()[0].Down || u.Stats()[0].Requests != 0 {
				t.Errorf("the probe changed %+v", u.Stats()[0])
			}
			for _, packet := range f.requests() {
				if packet[0] == byte(codec.CodeAccessRequest) && userOf(packet) != defaultProbeUser {
					t.Errorf("a probe in the name of %q", userOf(packet))
				}
			}
		})
	}
}

func TestProbeOfWhatIsNotThere(t *testing.T) {
	u := forwardingTo(t, nil, closedPort(t))
	if p := u.Probe(t.Context(), u.servers[0].addr); p.Row != RowNothingListens || p.Signed != AnswerRefused {
		t.Errorf("closed port: %+v", p)
	}
	if p := u.Probe(t.Context(), "127.0.0.1:99999"); p.Row != RowUnreachable || p.Detail == "" {
		t.Errorf("no such port: %+v", p)
	}
}

func TestRowsHaveRemedies(t *testing.T) {
	seen := make(map[string]ProbeRow)
	for _, row := range []ProbeRow{RowReady, RowSignedOnly, RowWrongSecret, RowSilent, RowIgnoresLogins, RowNothingListens, RowUnreachable} {
		remedy := row.remedy()
		if other, twice := seen[remedy]; twice || !strings.HasSuffix(remedy, ".") {
			t.Errorf("%s and %s have the remedy %q", row, other, remedy)
		}
		seen[remedy] = row
	}
}
