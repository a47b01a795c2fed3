package radius

import (
	"net/netip"
	"sync"
	"time"

	"sallyport/login/fair"
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

// queue holds the jobs that wait for a worker, at most limit of them, and shares workers and room among
// the clients: they take turns, however many jobs each has, and one client never has all the workers. Of
// one client, jobs of the preferred class (answers to our own challenges, RFC 5080 §2.2.3) go first. It
// is safe for concurrent use.
type queue struct {
	limit int

	mu     sync.Mutex
	ready  sync.Cond
	jobs   *fair.Queue[*job]
	closed bool
}

func newQueue(limit, workers int) *queue {
	q := &queue{limit: limit, jobs: fair.NewQueue[*job](workers, fair.Share)}
	q.ready.L = &q.mu
	return q
}

// push queues a job. When the queue is full, the oldest job that is not preferred of the client that has
// most gives way and is returned; when j's own client has most, and only preferred ones, j itself is. The
// one returned gets no answer.
func (q *queue) push(j *job, preferred bool) (gaveWay *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return j
	}
	if waiting, _ := q.jobs.Waiting(); waiting >= q.limit {
		var ok bool
		if gaveWay, ok = q.jobs.Shed(j.client.Name); !ok {
			return j
		}
	}
	q.jobs.Push(j.client.Name, j, preferred)
	q.ready.Signal()
	return gaveWay
}

// pop waits for a job, and for its client's turn; done must follow. It returns nil when the queue is
// closed and empty.
func (q *queue) pop() *job {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		j, ok := q.jobs.Take()
		waiting, _ := q.jobs.Waiting()
		switch {
		case ok && waiting > 0:
			q.ready.Signal() // a place that is free again may be more than one client's turn
			return j
		case ok:
			return j
		case waiting == 0 && q.closed:
			return nil
		}
		q.ready.Wait()
	}
}

// done says that the worker of a job is free again.
func (q *queue) done(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.jobs.Done(j.client.Name)
	if q.closed {
		q.ready.Broadcast()
	} else {
		q.ready.Signal()
	}
}

// close lets pop return nil once the queue is empty; push takes no more.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.ready.Broadcast()
}

// waiting returns how many jobs wait, and when the oldest of them arrived (zero when none waits).
func (q *queue) waiting() (n int, since time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.jobs.Heads(func(j *job) {
		if since.IsZero() || j.arrived.Before(since) {
			since = j.arrived
		}
	})
	n, _ = q.jobs.Waiting()
	return n, since
}
