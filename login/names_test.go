package login_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"sallyport/directory/directorytest"
	"sallyport/directory/ldap"
	"sallyport/factors/totp"
	"sallyport/login"
)

// A State goes on under each name of the person whom it was issued to, and under no name of anybody else or of
// nobody; and with the right code it lets in that person alone.
func TestR7AStateGoesOnUnderEachNameOfItsPerson(t *testing.T) {
	people := map[string][]string{
		"test:alice": {"alice", "ALICE", `CORP\alice`, `corp\Alice`, "alice@corp.example", " alice ", "ａｌｉｃｅ", "a.liddell@mail.example", "+15550100"},
		"test:bob":   {"bob", `CORP\bob`, "bob@corp.example", "b.uilder@mail.example"},
		"":           {"nobody", `OTHER\alice`, "alice@other.example", "alice@corp.example@corp.example", "ali\x00ce", "alice\u200b", "*", "a"},
	}
	seed := uint64(7)
	rng := rand.New(rand.NewPCG(seed, 0))
	var onward, refused int
	for range 600 {
		w := namesakes(t)
		began, name := pickName(rng, people["test:alice"]), ""
		who := []string{"test:alice", "test:alice", "test:bob", ""}[rng.IntN(4)]
		name = pickName(rng, people[who])
		origin := login.Origin{Client: "vpn", Policy: "staff"}
		first, err := w.engine.Begin(t.Context(), login.Request{Origin: origin, Username: began, Password: "right"})
		if err != nil || first.Verdict != login.Challenge {
			t.Fatalf("seed %d: %q cannot begin: %v %v", seed, began, first.Code, err)
		}
		if rng.IntN(2) == 0 { // what the directory refuses of the other shows in nothing
			w.dir.users["bob"].refusal = login.ErrLocked
		}
		got, err := w.engine.Continue(t.Context(), login.Answer{Origin: origin, Username: name, State: first.State, Text: w.code("alice", "now")})
		switch {
		case err != nil:
			t.Errorf("seed %d: %q, then %q: %v", seed, began, name, err)
		case who == "test:alice" && (got.Verdict != login.Accept || w.events[len(w.events)-1].UserID != who):
			t.Errorf("seed %d: %q, then %q: %v %s", seed, began, name, got.Verdict, got.Code)
		case who != "test:alice" && (got.Verdict != login.Reject || got.Code != login.CodeStateInvalid):
			t.Errorf("seed %d: %q, then %q of %q: %v %s", seed, began, name, who, got.Verdict, got.Code)
		case who == "test:alice":
			onward++
		default:
			refused++
		}
	}
	if onward < 100 || refused < 100 {
		t.Errorf("%d went on, %d were refused: too little was tried", onward, refused)
	}
}

// Where passwords are concealed the name of the answer tells no more than the password does: whosever it is, the
// replies are the same with a right password and a wrong one, and as good for a name that nobody has. Under a name of
// somebody else no code is right.
func TestR7NamesTellNothingWherePasswordsAreConcealed(t *testing.T) {
	for _, name := range []string{
		"alice", "ALICE", `CORP\alice`, "alice@corp.example", "a.liddell@mail.example", "bob", `CORP\bob`, "nobody", `OTHER\alice`, "ali\x00ce",
	} {
		for _, text := range []string{"wrong", "now", "text:", "text:r"} {
			var replies, verdicts []string
			for _, try := range []struct{ began, password string }{{"alice", "right"}, {"alice", "wrong"}, {"ghost", "wrong"}} {
				w := namesakes(t)
				w.open(try.began, try.password, "")
				code := w.code("alice", text)
				if same(name) && try.password == "right" && text == "now" {
					code = w.code("alice", "wrong") // who has the password and the code is let in
				}
				w.respond(name, 0, code, "")
				if w.reply.Verdict == login.Accept {
					t.Errorf("%s password of %s, then %q and %s: let in", try.password, try.began, name, text)
				}
				if try.began == "ghost" || len(replies) == 0 { // who is asked for another factor
					verdicts = append(verdicts, fmt.Sprint(w.reply.Verdict, w.reply.Code, w.reply.Prompt.AttemptsLeft, w.err))
				}
				if try.began != "ghost" {
					replies = append(replies, fmt.Sprintf("%s %v", shown(w.reply), w.err))
				}
			}
			if replies[0] != replies[1] {
				t.Errorf("%q and %s show that the password was right:\n%s\n%s", name, text, replies[0], replies[1])
			}
			if verdicts[0] != verdicts[1] {
				t.Errorf("%q and %s show that there is such a user: %s, %s", name, text, verdicts[0], verdicts[1])
			}
		}
		if !same(name) {
			continue
		}
		w := namesakes(t)
		w.open("alice", "right", "")
		w.respond(name, 0, w.code("alice", "now"), "")
		if w.reply.Verdict != login.Accept {
			t.Errorf("%q with the right password and code: %v %s", name, w.reply.Verdict, w.reply.Code)
		}
	}
}

// A directory that cannot be asked says nothing of a name: silence, for everybody.
func TestR7NamesDuringAnOutage(t *testing.T) {
	for _, policy := range []string{"staff", "concealed"} {
		for _, name := range []string{`CORP\alice`, "bob", "nobody"} {
			w := namesakes(t)
			origin := login.Origin{Client: "vpn", Policy: policy}
			first, err := w.engine.Begin(t.Context(), login.Request{Origin: origin, Username: "alice", Password: "right"})
			if err != nil {
				t.Fatal(err)
			}
			w.dir.down = true
			got, err := w.engine.Continue(context.Background(), login.Answer{Origin: origin, Username: name, State: first.State, Text: w.code("alice", "now")})
			if err == nil {
				t.Errorf("%s, %q: %v %s", policy, name, got.Verdict, got.Code)
			}
		}
	}
}

func namesakes(t *testing.T) *world {
	w := concealing(t, false)
	w.dir.other = map[string]string{"a.liddell@mail.example": "alice", "+15550100": "alice", "b.uilder@mail.example": "bob"}
	return w
}

func pickName(rng *rand.Rand, names []string) string { return names[rng.IntN(len(names))] }

// same reports whether a name is one of alice's.
func same(name string) bool {
	switch name {
	case "alice", "ALICE", `CORP\alice`, "alice@corp.example", "a.liddell@mail.example":
		return true
	}
	return false
}

// Nor does what an answer costs tell that the password was right, whatever name comes with it.
func TestR7NamesCostTheSameWherePasswordsAreConcealed(t *testing.T) {
	for kind, change := range map[string]func(*ldap.Config){
		"service account": nil,
		"bind template":   func(c *ldap.Config) { c.BindTemplate = "uid={username},ou=people," + directorytest.BaseDN },
	} {
		s := newConcealedSite(t, change)
		var alice directorytest.Person
		for _, p := range directorytest.People() {
			if p.Name == directorytest.Alice {
				alice = p
			}
		}
		key, err := totp.ParseKey(aliceKey)
		s.must(err)
		s.enrol(alice.ID, totp.Name, key)
		for _, name := range []string{
			alice.Name, strings.ToUpper(alice.Name), alice.Name + "@example.test", directorytest.Bob, directorytest.Dora, "ghost", "",
			`OTHER\` + alice.Name, alice.Name + "@", "a\x00b", "\u200b",
		} {
			for _, text := range []string{"000000", "", "x"} {
				var costs []string
				for _, password := range []string{alice.Password, "wrong"} {
					s.now = s.now.Add(time.Hour)
					origin := login.Origin{Client: "vpn", Policy: "concealed-app", CallingStationID: name + text}
					first, err := s.engine.Begin(t.Context(), login.Request{Origin: origin, Username: alice.Name, Password: password})
					if err != nil || first.Verdict != login.Challenge {
						t.Fatalf("%v %v", first.Code, err)
					}
					cost, reply := s.cost(func() (login.Reply, error) {
						return s.engine.Continue(t.Context(), login.Answer{Origin: origin, Username: name, State: first.State, Text: text})
					})
					costs = append(costs, fmt.Sprint(cost, ", ", reply.Verdict, reply.Code))
				}
				if costs[0] != costs[1] {
					t.Errorf("%s: an answer %q under the name %q:\nafter the right password %s\nafter a wrong one      %s", kind, text, name, costs[0], costs[1])
				}
			}
		}
	}
}
