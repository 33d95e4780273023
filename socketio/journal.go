package socketio

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kachi-io/kachi/internal/ids"
	"github.com/kachi-io/kachi/internal/wheel"
	"github.com/kachi-io/kachi/socketio/adapter"
	"github.com/kachi-io/kachi/socketio/packet"
)

// journal is what connection state recovery keeps of a namespace: the last events, by
// position, and the sessions whose clients may come back. One lock makes one step of
// giving an event its position, keeping it and queueing it for its receivers, and another
// of every change of who they are; so a client that shows a position has everything up to
// it, and what it lacks can be told exactly. What happens under it touches memory only.
//
// Lock order: mu, then those of index, and conn.mu.
type journal struct {
	ns     *Namespace
	opts   *Recovery
	keep   time.Duration // how long events are kept
	epoch  string        // in every position: those of another process mean nothing here
	opened time.Time

	mu     sync.Mutex
	head   uint64  // position of the last event; the first has 1
	events []event // the last of them has the position head
	start  int     // of those that are kept, in events
	bytes  int
	live   map[string]*Socket  // by private id, those that are being restored included
	away   map[string]*session // by private id
	order  []*session          // away ones by their end, some of them back already
	timer  wheel.Timer
	armed  bool
	due    time.Duration // when it rings, where it is armed
	closed bool          // keeps nothing any more
}

// event is one that was sent.
type event struct {
	*copies
	target adapter.Target
	at     time.Duration // since opened
}

func openJournal(ns *Namespace, opts *Recovery, keep time.Duration) *journal {
	return &journal{
		ns: ns, opts: opts, keep: keep, epoch: ids.New()[:8] + ".", opened: time.Now(),
		live: map[string]*Socket{}, away: map[string]*session{},
	}
}

func (j *journal) now() time.Duration { return time.Since(j.opened) }

// first is the position of the oldest event that is kept. Under mu.
func (j *journal) first() uint64 { return j.head + 1 - uint64(len(j.events)-j.start) }

// position names one for clients.
func (j *journal) position(n uint64) string { return j.epoch + strconv.FormatUint(n, 36) }

// parse returns the number of a position that this journal has given. Under mu.
func (j *journal) parse(position string) (uint64, bool) {
	digits, ok := strings.CutPrefix(position, j.epoch)
	n, err := strconv.ParseUint(digits, 36, 64)
	return n, ok && err == nil && n <= j.head
}

// send sends an event to all that t selects, and tells told what became of it for each.
// Volatile ones are not kept, but bear a position all the same: clients take the last
// argument of any event for one, if it is a string. An error is that of a form: see copies.
func (j *journal) send(p *packet.Packet, t adapter.Target, f adapter.Flags, told func(*Socket, error)) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := j.note(p, t, f)
	j.ns.local.each(t, func(s *Socket) {
		err := j.queue(s, c)
		if told != nil {
			told(s, err)
		}
	})
	c.packet = nil // those who come back know positions
	return c.failed()
}

// sendTo is send to one socket.
func (j *journal) sendTo(s *Socket, p *packet.Packet, f adapter.Flags) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !s.Connected() {
		return ErrClosed
	}
	c := j.note(p, adapter.Target{Rooms: []string{s.id}}, f)
	err := j.queue(s, c)
	c.packet = nil
	if err == ErrClosed && !f.Volatile {
		return nil // kept for the client, whose socket ends with its connection at any moment
	}
	return err
}

// note gives an event its position, and keeps it. Under mu.
func (j *journal) note(p *packet.Packet, t adapter.Target, f adapter.Flags) *copies {
	n := j.head
	if !f.Volatile {
		n++
	}
	c := &copies{packet: p, flags: f}
	c.position(j.ns.srv.json, j.position(n))
	if !f.Volatile {
		j.append(event{c, t, j.now()})
	}
	return c
}

// queue queues the newest event for a socket. Under mu.
func (j *journal) queue(s *Socket, c *copies) error {
	if !c.flags.Volatile {
		s.stay.queued(j.head)
	}
	return c.queue(s)
}

// append keeps an event, and lets go of what is too old or too much. Under mu.
func (j *journal) append(e event) {
	j.head++
	if j.closed {
		return
	}
	j.events = append(j.events, e)
	j.bytes += e.size()
	for j.start < len(j.events)-1 &&
		(len(j.events)-j.start > j.opts.MaxEvents || j.bytes > j.opts.MaxBytes || e.at-j.events[j.start].at > j.keep) {
		j.drop()
	}
	j.arm(j.keep)
}

// drop lets go of the oldest event. Under mu.
func (j *journal) drop() {
	j.bytes -= j.events[j.start].size()
	j.events[j.start] = event{}
	j.start++
	if j.start > 64 && 2*j.start > len(j.events) {
		n := copy(j.events, j.events[j.start:])
		clear(j.events[n:])
		j.events, j.start = j.events[:n], 0
	}
	if j.start == len(j.events) {
		j.events, j.start = nil, 0
	}
}

// arm has sweep look for what is too old, after d or before. Under mu.
func (j *journal) arm(d time.Duration) {
	due := j.now() + d
	if (!j.armed || due < j.due) && !j.closed {
		j.armed, j.due = true, due
		j.ns.srv.wheel.Reset(&j.timer, d, j)
	}
}

// Expire is called by the wheel, on its goroutine.
func (j *journal) Expire(*wheel.Timer) {
	j.ns.srv.work.add()
	go func() {
		defer j.ns.srv.work.done()
		j.sweep()
	}()
}

// sweep gives up what is too old.
func (j *journal) sweep() {
	j.mu.Lock()
	now := j.now()
	j.armed = false
	for j.start < len(j.events) && now-j.events[j.start].at > j.keep {
		j.drop()
	}
	var lost []*session
	for len(j.order) > 0 && (j.order[0].back || now >= j.order[0].until) {
		if s := j.shift(); !s.back {
			delete(j.away, s.id)
			lost = append(lost, s)
		}
	}
	var next time.Duration // when to look again
	if j.start < len(j.events) {
		next = j.events[j.start].at + j.keep - now
	}
	if len(j.order) > 0 {
		if d := j.order[0].until - now; next == 0 || d < next {
			next = d
		}
	}
	if next > 0 {
		j.arm(next)
	}
	j.mu.Unlock()
	j.expire(lost)
}

// close lets go of everything: the server ends.
func (j *journal) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = true
	j.ns.srv.wheel.Stop(&j.timer)
	j.events, j.start, j.bytes, j.order = nil, 0, 0, nil
	clear(j.away)
}
