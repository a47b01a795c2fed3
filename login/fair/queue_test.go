package fair

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"
)

// item is a thing that waits, of a client, as the n-th of all.
type item struct {
	client string
	n      int
	first  bool
}

// Whatever is pushed, shed, taken and given back by whom:
//
//   - who has nothing gets the next place that is free, and a place is free while one client has all others;
//   - clients that may take a place take turns;
//   - of one client, what goes first goes first, and else the oldest;
//   - what has no room is of the client that has most waiting.
func TestClientsTakeTurns(t *testing.T) {
	for seed := range int64(300) {
		r := rand.New(rand.NewSource(seed))
		places, share := 1+r.Intn(12), []int{0, 1, Share}[r.Intn(3)]
		q := NewQueue[*item](places, share)
		var waiting []*item
		used := make(map[string]int)
		// passed counts how often others took a place while a client had something waiting and might have.
		passed := make(map[string]int)
		of := func(client string) (list []*item) {
			for _, i := range waiting {
				if i.client == client {
					list = append(list, i)
				}
			}
			return list
		}
		fail := func(format string, args ...any) {
			t.Helper()
			t.Fatalf("seed %d: "+format, append([]any{seed}, args...)...)
		}
		clients := []string{"a", "b", "c", "d"}
		for n := range 600 {
			client := clients[min(r.Intn(4), r.Intn(4))]
			total := 0
			for _, u := range used {
				total += u
			}
			free := places - total
			may := func(c string) bool {
				return free > 0 && (share == 0 || used[c] < share*free) && len(of(c)) > 0
			}
			switch op := r.Intn(10); {
			case op < 4:
				i := &item{client, n, r.Intn(4) == 0}
				if len(waiting) >= 20 {
					most := ""
					for _, c := range clients {
						if most == "" || len(of(c))+own(c, client) > len(of(most))+own(most, client) {
							most = c
						}
					}
					gone, ok := q.Shed(client)
					if !ok {
						gone = i
					}
					if have := len(of(gone.client)) + own(gone.client, client); have < len(of(most))+own(most, client) {
						fail("an item of %s has to go, which has %d, while %s has more", gone.client, have, most)
					}
					if gone.first && slices.ContainsFunc(of(gone.client), func(o *item) bool { return !o.first }) {
						fail("what goes first was shed before the rest")
					}
					waiting = slices.DeleteFunc(waiting, func(o *item) bool { return o == gone })
					if gone == i {
						continue
					}
				}
				q.Push(client, i, i.first)
				waiting = append(waiting, i)
			case op < 7:
				eligible := slices.DeleteFunc(slices.Clone(clients), func(c string) bool { return !may(c) })
				got, ok := q.Take()
				if ok != (len(eligible) > 0) {
					fail("took %v with %v free of %d, used %v, eligible %v", got, free, places, used, eligible)
				}
				if !ok {
					continue
				}
				if !slices.Contains(eligible, got.client) {
					fail("%s took a place, used %v, %d free", got.client, used, free)
				}
				for _, o := range of(got.client) {
					if o.first && !got.first || o.first == got.first && o.n < got.n {
						fail("%+v went before %+v", got, o)
					}
				}
				for _, c := range eligible {
					passed[c]++
				}
				passed[got.client] = 0
				for c, n := range passed {
					if n >= len(clients) {
						fail("%s was passed over %d times", c, n)
					}
				}
				used[got.client]++
				waiting = slices.DeleteFunc(waiting, func(o *item) bool { return o == got })
			case op < 9 && used[client] > 0:
				q.Done(client)
				used[client]--
			case len(of(client)) > 0:
				list := of(client)
				gone := list[r.Intn(len(list))]
				if !q.Remove(client, gone) || q.Remove(client, gone) {
					fail("an item that waited was not removed once")
				}
				waiting = slices.DeleteFunc(waiting, func(o *item) bool { return o == gone })
			}
			for _, c := range clients {
				if len(of(c)) == 0 {
					passed[c] = 0
				}
			}
			if items, lines := q.Waiting(); items != len(waiting) || lines != len(q.turns) || q.WaitingOf(client) != len(of(client)) {
				fail("%d wait, want %d", items, len(waiting))
			}
			if q.used > places {
				fail("%d places are used of %d", q.used, places)
			}
			for c, l := range q.clients {
				if l.used == 0 && l.len() == 0 || l.used != used[c] {
					fail("client %s is kept with %d used, want %d", c, l.used, used[c])
				}
			}
		}
	}
}

// own is 1 for the client whose new item counts.
func own(client, pushing string) int {
	if client == pushing {
		return 1
	}
	return 0
}

// However many clients are busy, one that is quiet finds a place free.
func TestBusyClientsLeavePlacesFree(t *testing.T) {
	for busy := 1; busy <= 20; busy++ {
		q := NewQueue[*item](256, Share)
		for n := range 256 * busy {
			client := fmt.Sprint(n % busy)
			q.Push(client, &item{client: client}, false)
		}
		for _, ok := q.Take(); ok; _, ok = q.Take() {
		}
		free := 256 - q.Used()
		if want := 256 / (1 + Share*busy) / 2; free < want || busy == 1 && q.Used() != 192 {
			t.Errorf("%d busy clients leave %d places free, want at least %d", busy, free, want)
		}
		q.Push("quiet", &item{client: "quiet"}, false)
		if got, ok := q.Take(); !ok || got.client != "quiet" {
			t.Errorf("beside %d busy clients a quiet one has no place", busy)
		}
	}
}
