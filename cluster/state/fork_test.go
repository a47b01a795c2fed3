package state

import "testing"

func TestForkAndOriginGoOnApart(t *testing.T) {
	origin := New()
	apply := func(m *Machine, userID string) {
		c := &Register{UserID: userID, Name: userID, Factor: "totp", Record: []byte("key")}
		entry := EncodeBatch(1, [][]byte{Encode(c)})
		if r := m.Apply(m.View().Index()+1, entry); len(r) != 1 || r[0].Status != Done {
			t.Fatalf("register %s: %+v", userID, r)
		}
	}
	for _, id := range []string{"a", "b", "c"} {
		apply(origin, id)
	}
	before := origin.View()
	hash := before.Hash()
	fork := NewFrom(before)
	for _, id := range []string{"d", "e"} {
		apply(fork, id)
	}
	if before.Hash() != hash || origin.View().Hash() != hash {
		t.Error("the fork has changed its origin")
	}
	forked := fork.View().Hash()
	apply(origin, "f")
	if fork.View().Hash() != forked || fork.View().User("f") != nil || origin.View().User("d") != nil {
		t.Error("the origin has changed its fork")
	}
}
