package state

import (
	"fmt"
	"slices"
	"testing"

	"sallyport/login"
)

func TestPagesOfUsersAreComplete(t *testing.T) {
	m := foundedMachine()
	const users = 1000
	m.enrolMany(users)
	seen := map[string]int{}
	after := ""
	for pages := 0; ; pages++ {
		page := m.View().Users(after, 7)
		if len(page) == 0 {
			break
		}
		for _, u := range page {
			seen[u.ID]++
		}
		after = page[len(page)-1].ID
		if pages == 50 { // whoever comes in between moves nobody
			m.Apply(9999, EncodeBatch(0, [][]byte{Encode(&Register{UserID: "new", Factor: "totp", Record: []byte("r")})}))
		}
	}
	delete(seen, "new") // seen or not, as its hash wants
	if len(seen) != users {
		t.Errorf("%d users were seen, want %d", len(seen), users)
	}
	for id, times := range seen {
		if times != 1 {
			t.Errorf("%s was seen %d times", id, times)
		}
	}
}

func TestPagesGoOnAfterAnIDThatIsNotStored(t *testing.T) {
	m := foundedMachine()
	m.enrolMany(100)
	all := m.View().Users("", 1000)
	for i := range 20 {
		rest := m.View().Users(fmt.Sprint("nobody ", i), 1000)
		if len(rest) > len(all) || (len(rest) > 0 && rest[0].ID != all[len(all)-len(rest)].ID) {
			t.Errorf("%d users after an unknown one are not the last of all", len(rest))
		}
	}
}

// TestReadersShareNothingThatChanges holds what makes it safe to change a decoded user in place.
func TestReadersShareNothingThatChanges(t *testing.T) {
	m := enrolled()
	before, again := m.View().User("alice"), m.View().UserByHandle(login.Handle{1})
	before.put(Credential{Factor: "sms"})
	before.Credentials[0].Failures = 9
	if len(again.Credentials) != 1 || len(m.View().User("alice").Credentials) != 1 {
		t.Error("a reader changed what another one reads")
	}
	record := slices.Clone(again.Credential("totp").Record)
	m.apply(3, 0, []Command{answer(register)})
	if !slices.Equal(again.Credential("totp").Record, record) {
		t.Error("a registration changed a record that was read before")
	}
}
