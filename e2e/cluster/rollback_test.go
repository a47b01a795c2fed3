//go:build e2e

package cluster

import (
	"errors"
	"os"
	"testing"
	"time"

	codec "layeh.com/radius"
)

// A node is put back to an old image, and the only other one that is up slept through what happened
// last: together they are two of three, and know nothing of it. But the sleeper knows that the image is
// old. No code that was used is taken by them.
func TestANodeFromAnOldImageDoesNotVote(t *testing.T) {
	sc := readScript(t, 1)
	s := start(t, options{people: 60})
	s.register()
	for range sc.rounds {
		s.putBack()
	}
}

// imageAge is how long ago the image was made, as the node's clock has it: one of a few seconds is taken
// for a restart.
const imageAge = 10 * time.Minute

func (s *site) putBack() {
	s.Helper()
	witness, back, asleep := s.leader(), s.others(s.leader())[0], s.others(s.leader())[1]
	image := s.TempDir()
	back.kill()
	s.must(os.CopyFS(image, os.DirFS(back.Data)))
	s.must(back.launch())
	s.whole(20 * time.Second)

	s.use(5, witness, back)  // which all nodes hear of
	s.hold(11 * time.Second) // nodes write down every ten seconds what they have heard
	asleep.kill()
	used := s.use(5, witness, back)
	witness.kill()
	back.kill()
	s.must(errors.Join(os.RemoveAll(back.Data), os.CopyFS(back.Data, os.DirFS(image))))
	s.must(back.setClock(imageAge))
	s.must(back.launch())
	s.must(asleep.launch())
	began := time.Now()
	for time.Since(began) < 8*time.Second {
		for _, t := range used {
			s.notTaken(t, back)
			s.notTaken(t, asleep)
		}
	}
	s.Logf("%s was put back: %s", back.Name, back.reason())
	s.must(witness.launch())
	s.must(back.setClock(0))
	s.rejoin(back, witness)
	s.Logf("whole again after %v", s.whole(30*time.Second).Round(10*time.Millisecond))
	for _, t := range used {
		s.notTaken(t, back)
	}
}

// use has people log in, begun on one node and answered on another.
func (s *site) use(n int, issuer, alive *node) []told {
	s.Helper()
	c, err := newNAS()
	s.must(err)
	defer c.close()
	var used []told
	for _, p := range s.fresh(n) {
		state, err := c.begin(p, issuer, patience)
		s.must(err)
		_, err = c.finish(p, state, alive)
		s.must(err)
		used = append(used, told{p, state, p.used})
	}
	return used
}

// notTaken checks that a used code lets nobody in under a new challenge.
func (s *site) notTaken(t told, n *node) {
	s.Helper()
	c, err := newNAS()
	s.must(err)
	defer c.close()
	const short = 300 * time.Millisecond
	state, err := c.begin(t.person, n, short)
	if err != nil {
		return // silence is right
	}
	r, err := c.request(t.person.name, t.person.code(t.step), state)
	s.must(err)
	if answer, ok := c.ask(r, n, short); ok && answer.code == codec.CodeAccessAccept {
		s.Fatalf("%s takes the used code of %s%s", n.Name, t.person.name, s.tails())
	}
}

// rejoin wipes a node and lets it join anew, as the runbook has it.
func (s *site) rejoin(n, member *node) {
	s.Helper()
	n.kill()
	s.eventually("the removal of "+n.Name, 20*time.Second, func() error {
		_, err := member.Run("", "cluster", "remove", n.Name, "--yes", "--force")
		return err
	})
	s.must(errors.Join(os.RemoveAll(n.Data), os.Remove(n.MasterKey)))
	s.must(n.Join(member.Sallyport))
	s.must(n.launch())
	s.must(member.WaitVoters(s.Context(), len(s.nodes)))
}
