package radius

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/login"
)

var vpn, wlan = &client{Client: Client{Name: "vpn"}}, &client{Client: Client{Name: "wlan"}}

func TestQueuePrefersAndGivesWay(t *testing.T) {
	q := newQueue[*job](3, 8)
	jobs := make([]*job, 7)
	for i := range jobs {
		jobs[i] = &job{client: vpn, arrived: time.Unix(int64(i), 0)}
	}
	for i, step := range []struct {
		preferred bool
		gaveWay   *job
	}{
		{false, nil}, {true, nil}, {false, nil},
		{false, jobs[0]}, // the oldest that is not preferred
		{true, jobs[2]},
		{true, jobs[3]},
		{true, jobs[6]}, // all that wait are preferred
	} {
		if got := q.push(jobs[i], step.preferred); got != step.gaveWay {
			t.Errorf("push %d: the wrong job gave way", i)
		}
	}
	if n, since := q.waiting(); n != 3 || !since.Equal(jobs[1].arrived) {
		t.Errorf("%d wait since %v", n, since)
	}
	for _, want := range []*job{jobs[1], jobs[4], jobs[5]} {
		if q.pop() != want {
			t.Error("jobs leave in the wrong order")
		}
	}
}

func TestQueueServesPreferredFirst(t *testing.T) {
	q := newQueue[*job](2, 8)
	other, preferred := &job{client: vpn}, &job{client: vpn}
	q.push(other, false)
	q.push(preferred, true)
	if q.pop() != preferred || q.pop() != other {
		t.Error("the preferred job did not go first")
	}
}

func TestClosedQueueEmptiesAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue[*job](2, 8)
		j := &job{client: vpn}
		q.push(j, false)
		popped := make(chan *job, 2)
		go func() {
			popped <- q.pop()
			popped <- q.pop()
		}()
		synctest.Wait()
		q.close()
		if <-popped != j || <-popped != nil {
			t.Error("pop did not empty the queue and then end")
		}
		if q.push(j, true) != j {
			t.Error("a closed queue takes a job")
		}
	})
}

// While there is too much to do, answers to our own challenges are served and new logins wait or go.
func TestOverloadPrefersAnswers(t *testing.T) {
	var begun, continued int
	l := &logins{
		begin: replying(&begun, login.Reply{Message: "No."}),
		resume: func(_ context.Context, a login.Answer) (login.Reply, error) {
			continued++
			return login.Reply{Verdict: login.Accept, Message: "Yes."}, nil
		},
		vouch: func(state, client string) bool { return state == "ours" && client == "vpn" },
	}
	b := newBench(t, l, nil) // a queue of 4
	for id := range byte(4) {
		b.put(request(t, id, Message{Username: "new" + strconv.Itoa(int(id)), Password: "p"}))
	}
	first := request(t, 0, Message{Username: "late", Password: "p"})
	b.put(request(t, 10, Message{Username: "a", Password: "1", State: "ours"}),
		request(t, 11, Message{Username: "a", Password: "1", State: "forged"}),
		request(t, 12, Message{Username: "a", Password: "1", State: "ours"}))
	b.serveAll()
	if begun != 1 || continued != 3 {
		t.Errorf("%d new logins and %d answers were served, want 1 and 3", begun, continued)
	}
	b.wantDrops(t, DropQueueFull, 3)
	b.exchange(first)
	if begun != 2 {
		t.Error("a packet that gave way cannot be retransmitted")
	}
}

func TestPacketThatWaitedTooLongIsDropped(t *testing.T) {
	var asked int
	b := newBench(t, accepting(&asked), nil)
	packet := request(t, 1, aliceMessage())
	b.put(packet)
	b.clock.advance(b.cfg.Deadline)
	b.serveAll()
	b.wantDrops(t, DropExpired, 1)
	if b.exchange(packet); asked != 1 {
		t.Errorf("asked %d times, want once, for the retransmission", asked)
	}
}
