package radius

import "time"

// A packet that was judged is remembered for judgedFor. At most maxJudged are: at 56 octets each (16 in
// a batch, 17 to 39 in the map) that is 56 MiB, and the hour at 290 requests per second.
const (
	judgedFor = time.Hour
	maxJudged = 1 << 20
)

// Packets are forgotten by the batch: of one client, judged within batchTime of each other.
const (
	batchSize = 256
	batchTime = time.Minute
)

// judged remembers which packets were judged, for an hour. When there is no room, the client of which
// most are remembered loses its oldest ones, so that no client takes the room of another. It is not safe
// for concurrent use.
type judged struct {
	limit   int
	packets map[digest]struct{}
	clients map[string]*history
}

// history has what is remembered of one client, oldest first.
type history struct {
	batches []batch
	count   int
	// forgotten counts the packets that were forgotten before their time.
	forgotten uint64
}

type batch struct {
	began, until time.Time
	packets      []digest
}

func newJudged(limit int) *judged {
	return &judged{limit: limit, packets: make(map[digest]struct{}), clients: make(map[string]*history)}
}

// has reports whether the client's packet was judged within the hour.
func (j *judged) has(client string, packet digest, now time.Time) bool {
	if h := j.clients[client]; h != nil {
		j.expire(h, now)
	}
	_, known := j.packets[packet]
	return known
}

// add remembers a packet of the client.
func (j *judged) add(client string, packet digest, now time.Time) {
	if _, known := j.packets[packet]; known {
		return
	}
	h := j.clients[client]
	if h == nil {
		h = &history{}
		j.clients[client] = h
	}
	last := len(h.batches) - 1
	if last < 0 || len(h.batches[last].packets) == batchSize || now.Sub(h.batches[last].began) >= batchTime {
		h.batches = append(h.batches, batch{began: now})
		last++
	}
	b := &h.batches[last]
	b.packets = append(b.packets, packet)
	if until := now.Add(judgedFor); until.After(b.until) {
		b.until = until
	}
	h.count++
	j.packets[packet] = struct{}{}
	if len(j.packets) > j.limit {
		j.makeRoom(now)
	}
}

// makeRoom forgets what is old enough, and else the oldest packets of who has most.
func (j *judged) makeRoom(now time.Time) {
	var most *history
	for _, h := range j.clients {
		j.expire(h, now)
		if most == nil || h.count > most.count {
			most = h
		}
	}
	if len(j.packets) > j.limit {
		most.forgotten += uint64(j.dropOldest(most))
	}
}

// expire forgets the batches of which the last packet was judged an hour ago.
func (j *judged) expire(h *history, now time.Time) {
	for len(h.batches) > 0 && !now.Before(h.batches[0].until) {
		j.dropOldest(h)
	}
}

func (j *judged) dropOldest(h *history) int {
	packets := h.batches[0].packets
	for _, packet := range packets {
		delete(j.packets, packet)
	}
	h.batches[0] = batch{} // the array outlives what is cut off
	h.batches = h.batches[1:]
	h.count -= len(packets)
	return len(packets)
}
