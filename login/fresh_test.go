package login_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"sallyport/login"
)

// counting is a ledger that counts the questions to the cluster, and what is committed.
type counting struct {
	login.Ledger
	refreshes, commits int
}

func (c *counting) Refresh(ctx context.Context) error {
	c.refreshes++
	return c.Ledger.Refresh(ctx)
}

func (c *counting) Settle(ctx context.Context, s login.Settlement) (login.Outcome, error) {
	c.commits++
	return c.Ledger.Settle(ctx, s)
}

// A registered user with a right code costs one commit, and no question to the leader besides.
func TestRightCodesAskTheClusterNothing(t *testing.T) {
	w := newReplicatedWorld(t)
	node := &counting{Ledger: w.replicas.all.Node(0)}
	e, origin := w.newEngineOn(node, login.Limits{}), login.Origin{Client: "vpn", Policy: "staff"}
	first, err := e.Begin(t.Context(), login.Request{Origin: origin, Username: "alice", Password: "right"})
	if err != nil || first.Verdict != login.Challenge {
		t.Fatalf("Begin: %+v, %v", first, err)
	}
	if node.refreshes != 0 || node.commits != 0 {
		t.Errorf("the first step: %d questions, %d commits", node.refreshes, node.commits)
	}
	second, err := e.Continue(t.Context(), login.Answer{Origin: origin, State: first.State, Text: w.code("alice", "now")})
	if err != nil || second.Verdict != login.Accept {
		t.Fatalf("Continue: %+v, %v", second, err)
	}
	if node.refreshes != 0 || node.commits != 1 {
		t.Errorf("both steps: %d questions, %d commits", node.refreshes, node.commits)
	}
	origin.Mode = login.ModeAppend
	w.now = w.now.Add(60e9)
	at, err := e.Begin(t.Context(), login.Request{Origin: origin, Username: "alice", Password: "right," + w.code("alice", "now")})
	if err != nil || at.Verdict != login.Accept {
		t.Fatalf("in one request: %+v, %v", at, err)
	}
	if node.commits != 2 || node.refreshes != 0 {
		t.Errorf("in one request: %d questions, %d commits", node.refreshes, node.commits)
	}
}

// Where passwords are concealed, a question to the cluster tells neither who is registered nor whether
// the password was right.
func TestQuestionsTellNothingWherePasswordsAreConcealed(t *testing.T) {
	for user, password := range map[string]string{"alice": "right", "bob": "right", "carol": "wrong", "nobody": "wrong"} {
		w := newReplicatedWorld(t)
		node := &counting{Ledger: w.replicas.all.Node(0)}
		e, origin := w.newEngineOn(node, login.Limits{}), login.Origin{Client: "vpn", Policy: "concealed"}
		first, err := e.Begin(t.Context(), login.Request{Origin: origin, Username: user, Password: password})
		if err != nil || first.Verdict != login.Challenge || node.refreshes != 1 {
			t.Errorf("%s, %s: Begin: %v %v, %d questions", user, password, first.Verdict, err, node.refreshes)
		}
		_, err = e.Continue(t.Context(), login.Answer{Origin: origin, Username: user, State: first.State, Text: "000000"})
		if err != nil || node.refreshes != 2 {
			t.Errorf("%s, %s: Continue: %v, %d questions", user, password, err, node.refreshes)
		}
	}
}

// A State that another node has sealed under a key of this moment is opened here as well; one that no
// node has sealed is refused.
func TestStateUnderANewerKeyIsOpened(t *testing.T) {
	w := newReplicatedWorld(t)
	all, origin := w.replicas.all, login.Origin{Client: "vpn", Policy: "staff"}
	w.must(all.Node(0).Rotate(t.Context()))
	all.Node(0).Advance(1)
	first, err := w.replicas.engines[0].Begin(t.Context(), login.Request{Origin: origin, Username: "alice", Password: "right"})
	w.must(err)
	node := &counting{Ledger: all.Node(1)}
	e := w.newEngineOn(node, login.Limits{})
	answer := login.Answer{Origin: origin, State: first.State[:40] + "AAAA" + first.State[44:], Text: w.code("alice", "now")}
	forged, err := e.Continue(t.Context(), answer)
	if err != nil || forged.Code != login.CodeStateInvalid || node.refreshes != 1 {
		t.Errorf("forged: %v, %v, %d questions", forged.Code, err, node.refreshes)
	}
	answer.State = first.State
	if reply, err := e.Continue(t.Context(), answer); err != nil || reply.Verdict != login.Accept {
		t.Errorf("%+v, %v", reply, err)
	}
}

// TestAStateOfANewEpochIsOpenedByWhoLags: a restore, or another reason for a new epoch, leaves one State key.
// Whatever its number, a node that has not heard of it asks, instead of refusing a good State.
func TestAStateOfANewEpochIsOpenedByWhoLags(t *testing.T) {
	for _, rotations := range []int{0, 1, 2, 3, 7, 254, 255, 256, 300} {
		t.Run(fmt.Sprint(rotations), func(t *testing.T) {
			w := newReplicatedWorld(t)
			all, origin := w.replicas.all, login.Origin{Client: "vpn", Policy: "staff"}
			for range rotations {
				w.must(all.Node(0).Rotate(t.Context()))
				all.Node(0).Advance(1)
			}
			w.replicas.spread()
			for epoch := range 3 {
				w.must(all.Node(0).BeginEpoch(t.Context()))
				all.Node(0).Advance(1)
				w.now = w.now.Add(time.Minute) // another code
				first, err := w.replicas.engines[0].Begin(t.Context(), login.Request{Origin: origin, Username: "alice", Password: "right"})
				w.must(err)
				node := &counting{Ledger: all.Node(1)}
				answer := login.Answer{Origin: origin, State: first.State, Text: w.code("alice", "now")}
				if reply, err := w.newEngineOn(node, login.Limits{}).Continue(t.Context(), answer); err != nil || reply.Verdict != login.Accept {
					t.Errorf("epoch %d: %s %s, %v after %d questions", epoch+2, reply.Verdict, reply.Code, err, node.refreshes)
				}
				w.replicas.spread()
			}
		})
	}
}

// A first request that was built on what has moved on is built anew, not refused.
func TestFirstRequestOnOldStateIsBuiltAnew(t *testing.T) {
	for name, tt := range map[string]struct {
		request login.Request
		want    login.Verdict
	}{
		"a code":       {login.Request{Origin: login.Origin{Policy: "staff", Mode: login.ModeAppend}, Username: "alice"}, login.Accept},
		"an exemption": {login.Request{Origin: login.Origin{Policy: "groups"}, Username: "service"}, login.Accept},
		"a send":       {login.Request{Origin: login.Origin{Policy: "email"}, Username: "carol"}, login.Challenge},
	} {
		t.Run(name, func(t *testing.T) {
			w := newReplicatedWorld(t)
			w.enrol("carol", "email", []byte("carol@example.org"))
			w.replicas.spread()
			w.enrol(tt.request.Username, "sms", []byte("+15550003")) // which raises the epoch
			node := &counting{Ledger: w.replicas.all.Node(0)}
			e := w.newEngineOn(node, login.Limits{})
			tt.request.Client, tt.request.Password = "vpn", "right"
			if tt.request.Mode == login.ModeAppend {
				tt.request.Password += "," + w.code("alice", "now")
			}
			reply, err := e.Begin(t.Context(), tt.request)
			if err != nil || reply.Verdict != tt.want || node.refreshes != 1 {
				t.Errorf("%s %s, %v, %d questions", reply.Verdict, reply.Code, err, node.refreshes)
			}
		})
	}
}
