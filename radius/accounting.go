package radius

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
)

// Accounting says where and how a [Server] answers Accounting-Requests (RFC 2866). The zero value does
// not answer them.
type Accounting struct {
	// Listen are the addresses to serve, as in Config.Listen. None means no accounting.
	Listen []string
	// Optional says that an address of Listen that cannot be bound is logged, and no reason not to start:
	// for addresses that nobody asked for. Logins matter more.
	Optional bool
	// Record makes a record durable. An error means that it is not, and that the client gets no answer,
	// so that it sends the record again. Many workers call it at once; it obeys the context.
	Record func(ctx context.Context, r AccountingRecord) error
}

// Accounting has workers and a queue of its own, so that it never takes those of a login. A worker
// waits for the disk, which is shared by all that wait. Clients take turns, as with logins.
const (
	accountingWorkers = 64
	accountingQueue   = 1024
)

// accountingPause is how long Status-Server is not answered after a record could not be made durable.
// Then it is again, or a client that waits for it would never send the record that shows that it can.
const accountingPause = 10 * time.Second

// accounting is the part of a server that answers Accounting-Requests.
type accounting struct {
	server *Server
	record func(ctx context.Context, r AccountingRecord) error

	sockets   []*socket
	readers   sync.WaitGroup
	workers   sync.WaitGroup
	seen      *accountingSeen
	strangers events
	inFlight  atomic.Int64
	// failed is when a record could not be made durable last, in Unix nanoseconds; 0 after one that was.
	failed atomic.Int64

	queue *queue[*accountingJob]
}

// accountingJob is an Accounting-Request on its way to its record.
type accountingJob struct {
	client  *client
	packet  []byte
	outline outline
	from    netip.AddrPort
	local   netip.Addr
	socket  sender
	arrived time.Time
	entry   *accountingEntry
}

func (j *accountingJob) owner() string    { return j.client.Name }
func (j *accountingJob) since() time.Time { return j.arrived }

func newAccounting(s *Server) *accounting {
	return &accounting{
		server: s, record: s.cfg.Accounting.Record,
		seen:  newAccountingSeen(accountingKeep, accountingEntries),
		queue: newQueue[*accountingJob](accountingQueue, accountingWorkers),
	}
}

// bind binds every address, or what of them can be bound.
func (a *accounting) bind() error {
	addrs, err := parseListen("accounting_listen", a.server.cfg.Accounting.Listen)
	if err != nil {
		return err
	}
	for _, addr := range addrs {
		k, err := listen(addr)
		switch {
		case err == nil:
			a.sockets = append(a.sockets, k)
		case a.server.cfg.Accounting.Optional:
			a.server.log.Error("accounting is not answered: its port cannot be bound; end the other program or name another port as accounting_listen in [radius] ([] for none), allow the port in the systemd unit (SocketBindAllow=), and restart",
				slog.String("address", addr.String()), slog.Any("error", err))
		default:
			return fmt.Errorf("listen for RADIUS accounting on %s: %w", addr, err)
		}
	}
	return nil
}

// start begins to serve what is bound.
func (a *accounting) start() {
	for range accountingWorkers {
		a.workers.Go(a.work)
	}
	for _, k := range a.sockets {
		a.readers.Go(func() { a.server.listenOn(k, a.receive) })
	}
}

// drain waits for the readers and for what they have received. Reading was stopped.
func (a *accounting) drain() {
	a.readers.Wait()
	a.queue.close()
	a.workers.Wait()
}

// receive takes a datagram to its answer, to the queue, or nowhere.
func (a *accounting) receive(d datagram) {
	c := a.server.clients.Load().find(plainAddr(d.from.Addr()))
	if c == nil {
		a.drop(nil, d.from, DropUnknownClient)
		return
	}
	defer a.catch(c, d.from, nil)
	packet, o, why := a.examine(c, d)
	if why != "" {
		a.drop(c, d.from, why)
		return
	}
	now := a.server.cfg.Now()
	counts := &c.counts.accounting
	counts.requests.Add(1)
	o.state = nil // it points into the reader's buffer
	j := &accountingJob{client: c, packet: packet, outline: o, from: d.from, local: d.local, socket: d.socket, arrived: now}
	if o.code == codec.CodeStatusServer {
		a.serveStatus(j)
		return
	}
	entry, what := a.seen.begin(c.Name, packet, o.auth, now)
	switch what {
	case accountingRecorded:
		counts.repeats.Add(1)
		a.answer(j)
		return
	case accountingPending:
		counts.repeats.Add(1)
		a.drop(c, d.from, DropInProgress)
		return
	}
	j.packet, j.entry = append([]byte(nil), packet...), entry
	if gaveWay := a.queue.push(j, false); gaveWay != nil {
		a.abandon(gaveWay, DropQueueFull)
	}
}

// examine checks what can be checked without decoding, and that the sender knows the shared secret. The
// client's rule for Message-Authenticator is about logins: here the Request Authenticator proves as much.
func (a *accounting) examine(c *client, d datagram) (packet []byte, o outline, why Reason) {
	packet, ok := cut(d.bytes)
	if !ok {
		return nil, o, DropMalformed
	}
	code := codec.Code(packet[0])
	switch code {
	case codec.CodeAccountingRequest, codec.CodeStatusServer:
	case codec.CodeAccessRequest:
		return nil, o, DropLogin
	default:
		return nil, o, DropCode
	}
	if o, why = read(packet); why != "" {
		return nil, o, why
	}
	// The Authenticator field of an Accounting-Request counts as zero in both sums (RFC 2866 §3); a
	// Status-Server is signed as on the port for logins (RFC 5997 §3).
	field := o.auth
	if code == codec.CodeAccountingRequest {
		field = [authSize]byte{}
		if want := c.signer.responseAuthenticator(packet, field); !hmac.Equal(want[:], o.auth[:]) {
			return nil, o, DropBadAuthenticator
		}
	}
	switch {
	case o.badMA:
		return nil, o, DropSignatureForm
	case o.ma == 0 && code == codec.CodeStatusServer:
		return nil, o, DropUnsigned
	case o.ma != 0 && !c.signer.validMessageAuthenticator(packet, field, o.ma):
		return nil, o, DropBadSignature
	}
	return packet, o, ""
}

// work serves jobs until the queue is closed and empty.
func (a *accounting) work() {
	for j := a.queue.pop(); j != nil; j = a.queue.pop() {
		a.serve(j)
	}
}

// serve makes the record durable and answers, in this order (RFC 2866 §4.1: no answer to what could not
// be recorded). Every Status-Type is recorded and answered, and a request without attributes that it
// should have is too: a client that is not answered ends the session of somebody who has logged in.
func (a *accounting) serve(j *accountingJob) {
	defer a.queue.done(j)
	left := a.server.cfg.Deadline - a.server.cfg.Now().Sub(j.arrived)
	if left < leastTime {
		a.abandon(j, DropExpired)
		return
	}
	a.inFlight.Add(1)
	defer a.inFlight.Add(-1)
	defer a.catch(j.client, j.from, j.entry)
	ctx, cancel := context.WithTimeout(a.server.base, left)
	defer cancel()
	r := readAccounting(j)
	if err := a.record(ctx, r); err != nil {
		a.failed.Store(a.server.cfg.Now().UnixNano())
		a.abandon(j, DropNotRecorded, slog.String("error", err.Error()))
		return
	}
	a.failed.Store(0)
	a.seen.finish(j.entry)
	j.client.counts.accounting.recorded(r.Status)
	a.answer(j)
}

// answer sends the Accounting-Response. It is the same bytes for the same request, whenever it comes.
func (a *accounting) answer(j *accountingJob) {
	packet, err := accountingResponse(j.client, j.packet, &j.outline)
	if err != nil {
		a.drop(j.client, j.from, DropReply, slog.String("error", err.Error()))
		return
	}
	if err := j.socket.send(packet, j.from, j.local); err != nil {
		a.drop(j.client, j.from, DropSend, slog.String("error", err.Error()))
		return
	}
	j.client.counts.accounting.responses.Add(1)
}

// accountingResponse is the reply to an Accounting-Request or, on this port, to a Status-Server (RFC 5997
// §3): every Proxy-State in its order, and nothing else. RFC 2866 knows no Message-Authenticator and some
// clients refuse attributes that they do not know here, so it is there only for one who sends it too.
func accountingResponse(c *client, packet []byte, o *outline) ([]byte, error) {
	w := c.signer.write(codec.CodeAccountingResponse, o.identifier, o.auth, DefaultVendorID)
	if o.ma == 0 {
		w.b = w.b[:headerSize] // without the Message-Authenticator that every packet begins with
	}
	for rest := packet[headerSize:]; len(rest) > 0; rest = rest[rest[1]:] {
		if codec.Type(rest[0]) == rfc2865.ProxyState_Type {
			w.octets(rfc2865.ProxyState_Type, rest[2:rest[1]])
		}
	}
	out, err := w.finish()
	if err != nil {
		return nil, err
	}
	if o.ma != 0 {
		c.signer.signReply(out)
		return out, nil
	}
	sum := c.signer.responseAuthenticator(out, o.auth)
	copy(out[4:], sum[:])
	return out, nil
}

// serveStatus answers Status-Server while records are made durable.
func (a *accounting) serveStatus(j *accountingJob) {
	hasComeBefore := a.server.duplicates.note(j.client.Name, j.packet, j.arrived)
	if !j.client.counts.accounting.status.allow(j.from, hasComeBefore, j.arrived) {
		a.drop(j.client, j.from, DropStatusLimit)
		return
	}
	if failed := a.failed.Load(); failed != 0 && j.arrived.Sub(time.Unix(0, failed)) < accountingPause {
		a.drop(j.client, j.from, DropNotServing, slog.String("error", "records cannot be made durable"))
		return
	}
	a.answer(j)
}

// abandon gives a job no answer, and lets its retransmission be a fresh try.
func (a *accounting) abandon(j *accountingJob, why Reason, facts ...slog.Attr) {
	a.seen.forget(j.entry)
	a.drop(j.client, j.from, why, facts...)
}

// drop counts and logs a packet that is not answered. c is nil for a stranger.
func (a *accounting) drop(c *client, from netip.AddrPort, why Reason, facts ...slog.Attr) {
	name, d := "", &a.strangers
	if c != nil {
		name, d = c.Name, &c.counts.accounting.drops
	}
	if silent, ok := d.add(why, a.server.cfg.Now()); ok {
		facts = append(facts, why.facts()...)
		a.server.logPaced(why.level(), "RADIUS accounting packet dropped", name, from, silent, facts)
	}
}

// catch ends a panic, as on the port for logins.
func (a *accounting) catch(c *client, from netip.AddrPort, entry *accountingEntry) {
	p := recover()
	if p == nil {
		return
	}
	if entry != nil {
		a.seen.forget(entry)
	}
	a.drop(c, from, DropPanic, slog.String("kind", fmt.Sprintf("%T", p)), slog.String("stack", string(debug.Stack())))
}

// validate reports every fault, each with its key of the configuration in front.
func (c Accounting) validate(logins []netip.AddrPort) error {
	if len(c.Listen) == 0 {
		return nil
	}
	addrs, err := parseListen("accounting_listen", c.Listen)
	faults := []error{err}
	for _, addr := range addrs {
		for _, other := range logins {
			if collide(addr, other) {
				faults = append(faults, fmt.Errorf("accounting_listen: %q and %q of listen would take the same packets", addr, other))
			}
		}
	}
	return errors.Join(faults...)
}

// DefaultAccounting is where accounting is answered beside logins when nothing is said: at the next port
// of each address, as 1813 follows 1812. Port 0 stays a free one. An address that logins have already is
// left out.
func DefaultAccounting(listen []string) []string {
	logins, err := parseListen("listen", listen)
	if err != nil {
		return nil
	}
	var texts []string
	for _, addr := range logins {
		port := addr.Port()
		if port == 65535 {
			continue
		}
		if port != 0 {
			port++
		}
		next := netip.AddrPortFrom(addr.Addr(), port)
		taken := false
		for _, other := range logins {
			taken = taken || collide(next, other)
		}
		if !taken {
			texts = append(texts, next.String())
		}
	}
	return texts
}
