package state

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sallyport/login"
)

func snapshotOf(t rapid.TB, v View) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := v.WriteSnapshot(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// restoredFrom is a machine that knows nothing but the snapshot of a view.
func restoredFrom(t rapid.TB, v View) *Machine {
	t.Helper()
	m := New()
	if err := m.Restore(bytes.NewReader(snapshotOf(t, v))); err != nil {
		t.Fatal(err)
	}
	return m
}

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
	if ring := m.View().Meta(); ring.ClusterID != "test" || len(ring.Keys) != 2 || !m.View().Learned("vpn", []byte{192, 0, 2, 1}, 0) {
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
	if fresh := restoredFrom(t, m.View()); fresh.View().Hash() != m.View().Hash() {
		t.Error("written anew, it is another state")
	}
	if got := m.View().Level(); got != 1 {
		t.Errorf("level %d", got)
	}
}

// TestASnapshotWithNodesIsRestored holds what came with several nodes. The file was written by the first
// release that had them, and is never changed.
func TestASnapshotWithNodesIsRestored(t *testing.T) {
	path := filepath.Join("testdata", "snapshot-2")
	if *update {
		if err := os.WriteFile(path, snapshotOf(t, clusterOfTwo().View()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, want := New(), clusterOfTwo().View()
	if err := m.Restore(bytes.NewReader(b)); err != nil {
		t.Fatal(err)
	}
	got := m.View()
	if got.Hash() != want.Hash() || got.Digest() != want.Digest() {
		t.Error("the state is not what was written")
	}
	if !slices.Equal(got.Nodes(), want.Nodes()) || len(got.Nodes()) != 2 {
		t.Errorf("nodes %+v", got.Nodes())
	}
	if k, ok := got.Token(login.Tag{1}); !ok || k.UsedBy != (login.Tag{7}) || k.Node != "node2" {
		t.Errorf("token %+v", k)
	}
	certificate, key := got.Authority()
	if string(certificate) != "certificate" || string(key) != "sealed" || got.Level() != 2 || got.Floor("totp") != 9 || got.Meta().Epoch != 2 {
		t.Errorf("meta %+v", got.Meta())
	}
	if o := m.apply(5, 0, []Command{answer(num(9), inEpoch2)})[0].Outcome; o.Code != login.CodeOTPReplayed {
		t.Errorf("a number below the floor: %+v", o)
	}
}

func inEpoch2(c *Settle) { c.ClusterEpoch = 2 }

// clusterOfTwo has everything that came with several nodes, in its second epoch.
func clusterOfTwo() *Machine {
	m := enrolledAt(2)
	m.apply(3, 0, []Command{announce(), issue(), use(), &Certify{Certificate: []byte("certificate"), Key: []byte("sealed")}})
	m.apply(4, 0, []Command{&RaiseEpoch{
		Previous: 1, Key: StateKey{ID: 2, Sealed: []byte("key 2")}, Floors: []Floor{{"totp", 9}}, Act: login.Tag{3},
	}})
	return m
}
