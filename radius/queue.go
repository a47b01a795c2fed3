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

func (j *job) owner() string    { return j.client.Name }
func (j *job) since() time.Time { return j.arrived }

// queueable is a job of a client, and when it arrived.
type queueable interface {
	comparable
	owner() string
	since() time.Time
}

// queue holds the jobs that wait for a worker, at most limit of them, and shares workers and room among
// the clients: they take turns, however many jobs each has, and one client never has all the workers. Of
// one client, jobs of the preferred class (answers to our own challenges, RFC 5080 §2.2.3) go first. It
// is safe for concurrent use.
type queue[J queueable] struct {
	limit int

	mu     sync.Mutex
	ready  sync.Cond
	jobs   *fair.Queue[J]
	closed bool
}

func newQueue[J queueable](limit, workers int) *queue[J] {
	q := &queue[J]{limit: limit, jobs: fair.NewQueue[J](workers, fair.Share)}
	q.ready.L = &q.mu
	return q
}

// push queues a job. When the queue is full, the oldest job that is not preferred of the client that has
// most gives way and is returned; when j's own client has most, and only preferred ones, j itself is. The
// one returned gets no answer.
func (q *queue[J]) push(j J, preferred bool) (gaveWay J) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return j
	}
	if waiting, _ := q.jobs.Waiting(); waiting >= q.limit {
		var ok bool
		if gaveWay, ok = q.jobs.Shed(j.owner()); !ok {
			return j
		}
	}
	q.jobs.Push(j.owner(), j, preferred)
	q.ready.Signal()
	return gaveWay
}

// pop waits for a job, and for its client's turn; done must follow. It returns nil when the queue is
// closed and empty.
func (q *queue[J]) pop() J {
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
			return j
		}
		q.ready.Wait()
	}
}

// done says that the worker of a job is free again.
func (q *queue[J]) done(j J) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.jobs.Done(j.owner())
	switch waiting, _ := q.jobs.Waiting(); {
	case q.closed:
		q.ready.Broadcast()
	case waiting > 0: // else there is nothing to wake a worker for
		q.ready.Signal()
	}
}

// close lets pop return nil once the queue is empty; push takes no more.
func (q *queue[J]) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.ready.Broadcast()
}

// waiting returns how many jobs wait, and when the oldest of them arrived (zero when none waits).
func (q *queue[J]) waiting() (n int, since time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.jobs.Heads(func(j J) {
		if since.IsZero() || j.since().Before(since) {
			since = j.since()
		}
	})
	n, _ = q.jobs.Waiting()
	return n, since
}
