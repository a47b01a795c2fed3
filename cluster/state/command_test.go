package state

import (
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"sallyport/login"
)

var update = flag.Bool("update", false, "write the golden vectors of new commands")

// examples are the commands of all releases, by the directory of their golden vectors and their name.
func examples() map[string]Command {
	all := map[string]Command{}
	for name, c := range examples1() {
		all["commands-1/"+name] = c
	}
	for name, c := range examples2() {
		all["commands-2/"+name] = c
	}
	for name, c := range examples3() {
		all["commands-3/"+name] = c
	}
	for name, c := range examples4() {
		all["commands-4/"+name] = c
	}
	for name, c := range examples5() {
		all["commands-5/"+name] = c
	}
	return all
}

// examples1 have every field set that the first release knew, or those before an act was named.
func examples1() map[string]Command {
	id := login.ChallengeID{1, 2, 3, 15: 16}
	token, answer, request := login.Tag{4}, login.Tag{5}, login.Tag{6}
	limits := Limits{Attempts: 3, SoftLock: 5, SoftLockFor: 60 * second, SoftLockMax: 3600 * second, HardLock: 50, Keep: 40 * second, Capacity: 65536}
	return map[string]Command{
		"open": &Open{
			ID: id, UserID: "corp:1", Name: "Alice", Handle: login.Handle{7}, Client: "vpn", Factor: "totp", Epoch: 8,
			Record: []byte("sealed"), Rejoin: login.Tag{9}, RejoinWithin: 30 * second, Life: 600 * second, Keep: 40 * second, Capacity: 65536,
		},
		"settle": &Settle{
			Challenge: id, Token: token, Answer: answer, Request: request, Client: "vpn", UserID: "corp:1", Name: "Alice",
			Handle: login.Handle{7}, ClusterEpoch: 1, Epoch: 8, Factor: "totp", Version: 2, Number: 58_000_000,
			Memo: []byte("drift"), Register: []byte("sealed"), Expires: 1_790_000_000 * second, Limits: limits,
		},
		"cancel":     &Cancel{Challenge: id, Client: "vpn", UserID: "corp:1", Handle: login.Handle{7}, Epoch: 8, Expires: 1_790_000_000 * second, Keep: 40 * second, Capacity: 65536},
		"register":   &Register{UserID: "corp:1", Name: "Alice", Handle: login.Handle{7}, Factor: "totp", Version: 2, Record: []byte("sealed")},
		"reset":      &Reset{UserID: "corp:1", Factor: "totp"},
		"unlock":     &Unlock{UserID: "corp:1", Factor: "totp"},
		"learn":      &Learn{Client: "vpn", Address: []byte{192, 0, 2, 1}},
		"forget":     &Forget{Client: "vpn"},
		"reset-act":  &Reset{UserID: "corp:1", Factor: "totp", Act: login.Tag{10}, Handle: login.Handle{7}},
		"unlock-act": &Unlock{UserID: "corp:1", Factor: "totp", Act: login.Tag{10}},
		"forget-act": &Forget{Client: "vpn", Act: login.Tag{10}},
		"found":      &Found{ClusterID: "c1", Check: []byte("check"), Key: StateKey{ID: 1, Sealed: []byte("sealed")}},
		"rotate":     &Rotate{Previous: 1, Key: StateKey{ID: 2, Sealed: []byte("sealed")}},
	}
}

// examples2 are what came with codes that are sent, forwarded and kept.
func examples2() map[string]Command {
	open, settle := examples1()["open"].(*Open), examples1()["settle"].(*Settle)
	id, act := open.ID, login.Tag{10}
	open.Sequence, open.Key, open.Decoy = 3, login.Tag{11}, true
	open.Send = &Send{
		Act: act, Destination: login.Tag{12}, Country: "PK",
		Limits: SendLimits{Between: 60 * second, User: SendRate{5, 10}, Destination: SendRate{6, 11}, Country: SendRate{7, 12}, Global: SendRate{2000, 20000}},
	}
	settle.Code, settle.Exempt, settle.Pass, settle.Sequence = login.Tag{13}, "service", true, 3
	settle.Invitation, settle.Again, settle.Decoy, settle.Conceal = login.Tag{14}, login.Tag{15}, true, true
	return map[string]Command{
		"open":         open,
		"settle":       settle,
		"send-failed":  &SendFailed{Challenge: id, Client: "vpn", UserID: "corp:1", Factor: "sms", Number: 4},
		"claim":        &Claim{Settle: *settle, Act: act, Passcode: login.Tag{16}, Within: 20 * second},
		"conclude":     &Conclude{Settle: *settle, Act: act, Verdict: VerdictPassed, Dialogue: []byte("sealed"), Granted: "octets", Release: true},
		"grant":        &Grant{UserID: "corp:1", Name: "Alice", Handle: login.Handle{7}, Factor: "bypass", Codes: []OneTimeCode{{login.Tag{17}, 2, 1_790_000_000 * second}, {login.Tag{18}, 1, 0}}, Note: "lost telephone", Act: act},
		"renew":        &Renew{UserID: "corp:1", Factor: "totp", Act: act},
		"open-window":  &OpenWindow{Subject: "group:corp:staff", Until: 1_790_000_000 * second, Act: act},
		"close-window": &OpenWindow{Subject: "group:corp:staff", Act: act},
	}
}

// examples3 are what came with registrations whose wrong answers count.
func examples3() map[string]Command {
	settle := examples2()["settle"].(*Settle)
	settle.Count = true
	return map[string]Command{"settle": settle}
}

// examples4 are what came with several nodes.
func examples4() map[string]Command {
	act, fingerprint := login.Tag{10}, [32]byte{19, 31: 20}
	floors := []Floor{{"sms", 9}, {"totp", 58_000_000}}
	return map[string]Command{
		"found":       &Found{ClusterID: "c1", Check: []byte("check"), Key: StateKey{ID: 1, Sealed: []byte("sealed")}, Level: 2},
		"certify":     &Certify{Certificate: []byte("certificate"), Key: []byte("sealed")},
		"issue-token": &IssueToken{ID: login.Tag{21}, Node: "node2", NonVoter: true, Until: 1_790_000_000 * second, Act: act},
		"use-token":   &UseToken{ID: login.Tag{21}, Node: "node2", Address: "192.0.2.12:18300", Fingerprint: fingerprint, Act: act},
		"announce":    &Announce{Node: "node1", Address: "192.0.2.11:18300", Version: "1.0.0", Level: 2, Fingerprint: fingerprint},
		"remove-node": &RemoveNode{Node: "node2", Act: act},
		"raise-level": &RaiseLevel{Level: 2},
		"raise-epoch": &RaiseEpoch{Previous: 1, Key: StateKey{ID: 3, Sealed: []byte("sealed")}, Floors: floors, Act: act},
	}
}

// examples5 are what came with feature level 3.
func examples5() map[string]Command {
	settle := examples3()["settle"].(*Settle)
	settle.Guess, settle.Near = login.Tag{22}, Near{Number: 57_999_996, Ahead: -120 * second}
	claim := examples2()["claim"].(*Claim)
	claim.Settle, claim.Reusable = *settle, true
	return map[string]Command{
		"learn":          &Learn{Client: "vpn", Address: []byte{192, 0, 2, 1}, Sender: login.SenderTag{1, 7: 8}, Unsigned: true},
		"settle-guess":   settle,
		"claim-reusable": claim,
	}
}

// TestGoldenCommands holds the format: what an earlier release wrote into its log is read for ever.
// A vector is never changed; a new field gets a new example beside the old ones.
func TestGoldenCommands(t *testing.T) {
	for name, want := range examples() {
		path := filepath.Join("testdata", name+".hex")
		if *update {
			if err := os.WriteFile(path, []byte(hex.EncodeToString(Encode(want))+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		golden, err := hex.DecodeString(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(golden)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v (%v), want %+v", name, got, err, want)
		}
		if string(Encode(want)) != string(golden) {
			t.Errorf("%s is now written as %x", name, Encode(want))
		}
	}
}

func TestEveryKindHasAnExample(t *testing.T) {
	seen := map[Kind]bool{}
	for _, c := range examples() {
		seen[c.kind()] = true
	}
	for k := range Kind(255) {
		if c := newCommand(k); c != nil && (!seen[k] || c.kind() != k) {
			t.Errorf("kind %d has no example, or %T calls itself %d", k, c, c.kind())
		}
	}
}

func TestFieldsOfNewerProgramsAreIgnored(t *testing.T) {
	for name, want := range examples() {
		b := Encode(want)
		for _, n := range []protowire.Number{100, 200} {
			b = protowire.AppendTag(b, n, protowire.VarintType)
			b = protowire.AppendVarint(b, 1)
			b = protowire.AppendTag(b, n, protowire.BytesType)
			b = protowire.AppendString(b, "new")
			b = protowire.AppendTag(b, n, protowire.Fixed64Type)
			b = protowire.AppendFixed64(b, 1)
		}
		if got, err := Decode(b); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if _, err := Decode(append(b, 0xff)); err == nil {
			t.Errorf("%s: rubbish at the end was not noticed", name)
		}
	}
}
