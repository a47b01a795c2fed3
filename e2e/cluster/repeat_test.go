//go:build e2e

package cluster

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"sallyport/e2e/history"
)

// One packet, sent five times to every node; its first reply is lost, and now and then the leader dies
// between the commit and the reply: one evaluation, one verdict.
func TestARetransmissionIsAnsweredAlikeEverywhere(t *testing.T) {
	sc := readScript(t, 40)
	s := start(t, options{people: min(sc.rounds+10, 500)})
	const kills = 20 // every so many rounds the leader is killed
	random := rand.New(rand.NewPCG(sc.seed, 1))
	s.register()
	evaluated := 0
	for round := range sc.rounds {
		p := s.fresh(1)[0]
		s.repeat(p, round%3 == 1, func() {
			if round%kills == kills-1 {
				s.hold(time.Duration(random.IntN(4000)) * time.Microsecond)
				s.killAndLaunch(s.leader())
			}
		})
		evaluated++
	}
	s.whole(20 * time.Second)
	s.alike()
	s.oneEvaluation()
	t.Logf("%d rounds: one verdict in each", evaluated)
}

// killAndLaunch kills a node and starts it again at once.
func (s *site) killAndLaunch(n *node) {
	s.Helper()
	n.kill()
	s.must(n.launch())
}

// repeat sends one answer five times to each node, lets something happen meanwhile, and checks that
// whatever is answered, then and to a new packet afterwards, is the same verdict.
func (s *site) repeat(p *person, wrong bool, happen func()) {
	s.Helper()
	c, err := newNAS()
	s.must(err)
	defer c.close()
	var state string
	s.eventually("a challenge", 10*time.Second, func() (err error) {
		state, err = c.begin(p, s.nodes[0], time.Second)
		return err
	})
	p.used = stepNow()
	typed, want := p.code(p.used), history.Accepted
	if wrong {
		typed, want = p.wrong(), history.Invalid
	}
	first, err := c.request(p.name, typed, state)
	s.must(err)
	for range 5 {
		for _, n := range s.nodes {
			s.must(c.send(first, n))
		}
	}
	happen()
	c.receive(first, time.Now().Add(time.Second)) // lost
	again, err := c.request(p.name, typed, state)
	s.must(err)
	for _, r := range []request{first, again} {
		for _, n := range s.nodes {
			s.eventually(fmt.Sprintf("the verdict of %s", n.Name), 20*time.Second, func() error {
				answer, ok := c.ask(r, n, 3*time.Second)
				switch {
				case !ok:
					return fmt.Errorf("%s is silent", n.Name)
				case answer.verdict != want:
					s.Fatalf("%s says %s %s, want %s%s", n.Name, answer.code, answer.verdict, want, s.tails())
				}
				return nil
			})
		}
	}
}

// oneEvaluation checks in the audit of all nodes that each answer was judged once, and else repeated.
func (s *site) oneEvaluation() {
	s.Helper()
	judged := make(map[string]int)
	for _, n := range s.nodes {
		text, err := os.ReadFile(n.LogFile)
		s.must(err)
		for line := range strings.Lines(string(text)) {
			var event struct {
				Event, Step, Trace, Code string
				Repeated                 bool
			}
			if json.Unmarshal([]byte(line), &event) == nil && event.Event == "login" && event.Step == "otp" && !event.Repeated {
				judged[event.Trace+" "+event.Code]++
			}
		}
	}
	if len(judged) == 0 {
		s.Fatal("the audit holds no answer")
	}
	for answer, times := range judged {
		if times > 1 {
			s.Errorf("%s was judged %d times", answer, times)
		}
	}
}
