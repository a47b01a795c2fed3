// Package fair shares places among clients, so that none of them takes what another needs: workers,
// questions to a directory, connections, hashes at once. Clients take turns, however much each has
// waiting, and one that is busy leaves some places free for those that are quiet now.
package fair

import "slices"

// Share is how many times the free places a client may hold where none can be taken back soon. One busy
// client holds 3/4 of the places, two 3/7 each, n leave 1/(1+3n) of them free. (It is the dynamic
// threshold of buffers that are shared by ports of a switch, by Choudhury and Hahne.)
const Share = 3

// Queue holds what waits for one of a number of places: for each client first in, first out, and before
// the rest what goes first. It is not safe for concurrent use.
type Queue[T comparable] struct {
	places, share int
	used, waiting int
	clients       map[string]*line[T]
	// turns has those with something waiting, the next one first.
	turns []*line[T]
}

// line is what one client has.
type line[T comparable] struct {
	client      string
	used        int
	first, rest []T
}

// NewQueue returns a queue for so many places. A client takes one while it holds fewer than share times
// those that are free; 0 lets it take any, which is right where a place is soon free again.
func NewQueue[T comparable](places, share int) *Queue[T] {
	return &Queue[T]{places: places, share: share, clients: make(map[string]*line[T])}
}

// Push lets an item of a client wait, before the client's others if it is to go first.
func (q *Queue[T]) Push(client string, item T, first bool) {
	l := q.clients[client]
	if l == nil {
		l = &line[T]{client: client}
		q.clients[client] = l
	}
	if l.len() == 0 {
		q.turns = append(q.turns, l)
	}
	if first {
		l.first = append(l.first, item)
	} else {
		l.rest = append(l.rest, item)
	}
	q.waiting++
}

// Take gives a place to the next item, until Done. There is none when nothing waits, or no client that
// has something waiting may take a place.
func (q *Queue[T]) Take() (item T, ok bool) {
	for i, l := range q.turns {
		if !q.mayTake(l) {
			continue
		}
		item = l.pop()
		q.turns = slices.Delete(q.turns, i, i+1)
		if l.len() > 0 {
			q.turns = append(q.turns, l)
		}
		l.used++
		q.used++
		q.waiting--
		return item, true
	}
	return item, false
}

// TakeNow gives the client a place without waiting, until Done, and reports whether it may have one now:
// nothing waits, and it may take a place.
func (q *Queue[T]) TakeNow(client string) bool {
	l := q.clients[client]
	if q.waiting > 0 || l != nil && !q.mayTake(l) || q.used >= q.places {
		return false
	}
	if l == nil {
		l = &line[T]{client: client}
		q.clients[client] = l
	}
	l.used++
	q.used++
	return true
}

// mayTake reports whether a client may take one more place.
func (q *Queue[T]) mayTake(l *line[T]) bool {
	free := q.places - q.used
	return free > 0 && (q.share == 0 || l.used < q.share*free)
}

// Done returns a place of the client.
func (q *Queue[T]) Done(client string) {
	l := q.clients[client]
	l.used--
	q.used--
	q.tidy(l)
}

// Shed makes room for an item of the client: it takes out and returns the oldest of those that the
// client with most waiting has, what goes first only when it has nothing else. ok is false when the
// client itself has most and nothing else: then its new item is the one to go.
func (q *Queue[T]) Shed(client string) (item T, ok bool) {
	own := q.clients[client]
	longest, most := own, 1
	if own != nil {
		most += own.len()
	}
	for _, l := range q.turns {
		if l.len() > most {
			longest, most = l, l.len()
		}
	}
	if longest == nil || longest == own && len(own.rest) == 0 {
		return item, false
	}
	if len(longest.rest) > 0 {
		item = longest.rest[0]
	} else {
		item = longest.first[0]
	}
	q.Remove(longest.client, item)
	return item, true
}

// Remove takes out an item of the client that waits, and reports whether it did.
func (q *Queue[T]) Remove(client string, item T) bool {
	l := q.clients[client]
	if l == nil {
		return false
	}
	from := &l.rest
	i := slices.Index(*from, item)
	if i < 0 {
		from = &l.first
		i = slices.Index(*from, item)
	}
	if i < 0 {
		return false
	}
	if i == 0 {
		*from = cutFirst(*from)
	} else {
		*from = slices.Delete(*from, i, i+1)
	}
	q.waiting--
	if l.len() == 0 {
		q.turns = slices.DeleteFunc(q.turns, func(other *line[T]) bool { return other == l })
	}
	q.tidy(l)
	return true
}

// Used returns how many places are taken, Waiting how many items wait, and of how many clients.
func (q *Queue[T]) Used() int { return q.used }

// Waiting returns how many items wait, and of how many clients.
func (q *Queue[T]) Waiting() (items, clients int) { return q.waiting, len(q.turns) }

// WaitingOf returns how many items of the client wait.
func (q *Queue[T]) WaitingOf(client string) int {
	if l := q.clients[client]; l != nil {
		return l.len()
	}
	return 0
}

// Heads calls f with the oldest items that wait, of each client and kind.
func (q *Queue[T]) Heads(f func(item T)) {
	for _, l := range q.turns {
		if len(l.first) > 0 {
			f(l.first[0])
		}
		if len(l.rest) > 0 {
			f(l.rest[0])
		}
	}
}

// tidy forgets a client that has nothing here.
func (q *Queue[T]) tidy(l *line[T]) {
	if l.used == 0 && l.len() == 0 {
		delete(q.clients, l.client)
	}
}

func (l *line[T]) len() int { return len(l.first) + len(l.rest) }

func (l *line[T]) pop() (item T) {
	from := &l.first
	if len(*from) == 0 {
		from = &l.rest
	}
	item = (*from)[0]
	*from = cutFirst(*from)
	return item
}

// cutFirst drops the first item, so that the array behind holds it no longer.
func cutFirst[T any](items []T) []T {
	var none T
	items[0] = none
	return items[1:]
}
