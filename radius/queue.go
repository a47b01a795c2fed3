package radius

import (
	"net/netip"
	"sync"
	"time"
)

// job is a packet on its way to an answer.
type job struct {
	client  *client
	packet  []byte
	outline outline
	from    netip.AddrPort
	local   netip.Addr
	socket  sender
	arrived time.Time
	// exchange is nil for Status-Server, which is never a duplicate.
	exchange *exchange
}

// queue holds the jobs that wait for a worker, at most limit of them. Jobs of the preferred class
// (answers to our own challenges, RFC 5080 §2.2.3) go first. It is safe for concurrent use.
type queue struct {
	limit int

	mu        sync.Mutex
	arrived   sync.Cond
	preferred ring
	others    ring
	closed    bool
}

func newQueue(limit int) *queue {
	q := &queue{limit: limit}
	q.arrived.L = &q.mu
	return q
}

// push queues a job. When the queue is full, the oldest job that is not preferred gives way and is
// returned; when there is none, j itself is. The one returned gets no answer.
func (q *queue) push(j *job, preferred bool) (gaveWay *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return j
	}
	if q.preferred.count+q.others.count >= q.limit {
		if q.others.count == 0 {
			return j
		}
		gaveWay = q.others.pop()
	}
	if preferred {
		q.preferred.push(j)
	} else {
		q.others.push(j)
	}
	q.arrived.Signal()
	return gaveWay
}

// pop waits for a job. It returns nil when the queue is closed and empty.
func (q *queue) pop() *job {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		switch {
		case q.preferred.count > 0:
			return q.preferred.pop()
		case q.others.count > 0:
			return q.others.pop()
		case q.closed:
			return nil
		}
		q.arrived.Wait()
	}
}

// close lets pop return nil once the queue is empty; push takes no more.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.arrived.Broadcast()
}

// waiting returns how many jobs wait, and when the oldest of them arrived (zero when none waits).
func (q *queue) waiting() (n int, since time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range []*ring{&q.preferred, &q.others} {
		if r.count > 0 && (since.IsZero() || r.oldest().arrived.Before(since)) {
			since = r.oldest().arrived
		}
	}
	return q.preferred.count + q.others.count, since
}

// ring is a first-in first-out list that grows as needed. The zero value is empty.
type ring struct {
	jobs  []*job
	first int
	count int
}

func (r *ring) oldest() *job { return r.jobs[r.first] }

func (r *ring) push(j *job) {
	if r.count == len(r.jobs) {
		larger := make([]*job, max(16, 2*len(r.jobs)))
		n := copy(larger, r.jobs[r.first:])
		copy(larger[n:], r.jobs[:r.first])
		r.jobs, r.first = larger, 0
	}
	r.jobs[(r.first+r.count)%len(r.jobs)] = j
	r.count++
}

func (r *ring) pop() *job {
	j := r.jobs[r.first]
	r.jobs[r.first] = nil
	r.first = (r.first + 1) % len(r.jobs)
	r.count--
	return j
}
