package state

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"sallyport/login"
)

// TestASnapshotOfAnEarlierReleaseIsRestored holds the format: the file was written by the release
// before codes were sent, and is never changed.
func TestASnapshotOfAnEarlierReleaseIsRestored(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("testdata", "snapshot-1"))
	if err != nil {
		t.Fatal(err)
	}
	m := New()
	if err := m.Restore(bytes.NewReader(b)); err != nil {
		t.Fatal(err)
	}
	if got, want := m.View().Sizes(), (Sizes{Users: 2, Challenges: 3, Verdicts: 2, Learned: 1}); got != want {
		t.Errorf("sizes %+v, want %+v", got, want)
	}
	alice := m.View().UserByHandle(login.Handle{7})
	if cred := alice.Credential("totp"); alice.ID != "corp:1" || cred.Last != 58_000_000 || cred.Failures != 1 || string(cred.Record) != "sealed" {
		t.Errorf("alice: %+v", alice)
	}
	if ring := m.View().Meta(); ring.ClusterID != "test" || len(ring.Keys) != 2 || !m.View().HasLearned("vpn", []byte{192, 0, 2, 1}) {
		t.Errorf("meta: %+v", ring)
	}
	settled := examples1()["settle"].(*Settle)
	settled.Epoch, settled.Version, settled.Register, settled.Expires = 1, 1, nil, 121*second
	want := login.Outcome{Code: login.CodeAccepted, Repeated: true}
	if got := m.apply(4, 3*second, []Command{settled})[0].Outcome; got != want {
		t.Errorf("the settled answer again: %+v", got)
	}
	open := examples1()["open"].(*Open)
	open.ID, open.Epoch = login.ChallengeID{42}, 1
	if got := m.apply(5, 4*second, []Command{open})[0].Opened; got == nil || got.ID[0] != 9 || string(got.Opening.Record) != "sealed" {
		t.Errorf("the opened challenge was not rejoined: %+v", got)
	}
	var again bytes.Buffer
	fresh := New()
	if err := m.View().WriteSnapshot(&again); err != nil {
		t.Fatal(err)
	}
	if err := fresh.Restore(&again); err != nil || fresh.View().Hash() != m.View().Hash() {
		t.Errorf("written anew: %v", err)
	}
}
