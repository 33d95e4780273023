package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"time"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/internal/ids"
)

var (
	errReplaced = errors.New("socketio: the client came back on another connection")
	errTooLate  = errors.New("socketio: what the client missed is no longer kept")
)

// claim finds the session that the client of s comes back to, and makes s that one's
// socket, if there is one. No other connection gets the session from here on. A socket that
// still has it, because nobody has noticed yet that its connection is dead, or because it is
// only just being restored, ends, and its connection with it: who is at the other end, if
// anybody is, must notice, and come back. That happens when the connection on which a client
// asked first, and has given up, is read after the one on which it asked next. Called by the
// connection's reading goroutine.
func (j *journal) claim(s *Socket) {
	var shown struct {
		ID       *string `json:"pid"`
		Position *string `json:"offset"`
	}
	if len(s.auth) == 0 || json.Unmarshal(s.auth, &shown) != nil || shown.ID == nil {
		return
	}
	found, lost := j.take(s, *shown.ID, shown.Position)
	if !found {
		j.ns.srv.opts.Hooks.NotRecovered(s)
	}
	j.expireLater(lost)
}

// claimed returns the session that s goes on with, or nil.
func (j *journal) claimed(s *Socket) *session {
	j.mu.Lock()
	defer j.mu.Unlock()
	if s.stay == nil {
		return nil
	}
	return s.stay.claimed
}

// take is claim by what the client has shown. lost is the session where it is of no use.
func (j *journal) take(s *Socket, id string, position *string) (found bool, lost []*session) {
	for {
		j.mu.Lock()
		other := j.live[id]
		if other == nil {
			break
		}
		j.mu.Unlock()
		other.end(engineio.TransportClose, errReplaced, false)
		if other.conn != s.conn {
			other.conn.session.Abort(engineio.TransportClose, errReplaced)
		}
		runtime.Gosched() // where somebody else ends it
	}
	defer j.mu.Unlock()
	if s.state.Load() == stateEnded {
		return true, nil // leaves it to the next: nobody would give it back any more
	}
	b := j.away[id]
	if b == nil {
		return false, nil
	}
	b.back = true
	delete(j.away, id)
	if j.now() >= b.until || !j.reaches(b, position) {
		return false, []*session{b}
	}
	j.ns.release() // s uses it, too
	s.id, s.stay = b.socket, &stay{id: id, recovered: true, claimed: b}
	s.SetData(b.data)
	if b.kept != nil {
		s.SetExtension(b.kept)
	}
	j.live[id] = s
	return true, nil
}

// reaches decides from where on the session's events are to be sent again, and reports
// whether all of them are kept. b.has becomes the position up to which the client has
// everything. Under mu.
func (j *journal) reaches(b *session, position *string) bool {
	has := b.since
	if position != nil {
		n, ok := j.parse(*position)
		if !ok {
			return false
		}
		has = max(n, has)
	} else if j.opts.RequireOffset {
		return false
	}
	if has < b.floor {
		return false
	}
	first := j.first()
	switch {
	case has >= b.sent: // nothing was lost on the way
		has = max(has, b.at)
	case has >= b.lastBefore(first): // nor of what is no longer kept
		has = max(has, min(b.at, first-1))
	}
	if has+1 < first {
		return false
	}
	// From here on it is as if the client had left with that: what it got once, and lost, is
	// sent again, and may be cut off in the middle of that.
	b.has, b.sent, b.at, b.count = has, has, has, 0
	return true
}

// admit lets a socket into the namespace: a new one, or, once it has got what it missed,
// one whose session was claimed.
//
// The answer to CONNECT comes first: the official client keeps what comes before it, also
// beyond the next loss of its connection, and would hand it on twice when it is sent again
// (the reference implementation has that order).
func (j *journal) admit(s *Socket, b *session) bool {
	if b == nil {
		return j.admitNew(s)
	}
	if !j.greet(s, b) {
		return false
	}
	for {
		if s.conn.session.Room(s.ctx) != nil {
			return false
		}
		before := b.has
		switch done, admitted, err := j.replay(s, b); {
		case err != nil:
			s.conn.session.Abort(engineio.SlowConsumer, err)
			return false
		case done:
			if admitted { // even if it has ended since: its end will be told
				s.ns.srv.opts.Hooks.Recovered(s, b.replayed)
			}
			return admitted
		case b.has == before && !pause(s.ctx): // the next one wants the queue for itself
			return false
		}
	}
}

// greet queues the answer to CONNECT, unless the socket has ended: nothing follows what
// end tells the client.
func (j *journal) greet(s *Socket, b *session) bool {
	m := s.greeting(b.id)
	j.mu.Lock()
	defer j.mu.Unlock()
	return s.stay.claimed == b && s.conn.session.Queue(m) == nil
}

// pause waits a little, or for the end of ctx, which it reports by false.
func pause(ctx context.Context) bool {
	t := time.NewTimer(5 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (j *journal) admitNew(s *Socket) bool {
	y := &stay{id: ids.New()}
	m := s.greeting(y.id)
	j.mu.Lock()
	defer j.mu.Unlock()
	admitted := j.ns.local.add(s, s.admission(func() {
		s.stay = y
		s.conn.queue(m)
	}))
	if admitted {
		y.since, y.sent = j.head, j.head
		for _, room := range s.Rooms() {
			y.entered(room, j.head)
		}
		j.live[y.id] = s
	}
	return admitted
}

// portion is how many missed events, and bytes, are queued in one go: what fits beside
// the half that may be waiting.
func (o *Options) portion() (events, bytes int) {
	events, bytes = o.MaxQueuedMessages, o.MaxQueuedBytes
	setDefault(&events, 4096)
	setDefault(&bytes, 4<<20)
	return max(events/4, 1), bytes / 4
}

// replay queues some more of what a client missed, at a time when it has taken what came
// before, so that it need not all fit into its queue. When nothing is left, the socket
// enters its rooms, in the same step.
func (j *journal) replay(s *Socket, b *session) (done, admitted bool, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if s.stay.claimed != b {
		return true, false, nil // it has ended
	}
	if b.has+1 < j.first() {
		return false, false, errTooLate
	}
	session := s.conn.session
	events, bytes := s.ns.srv.opts.portion()
	waiting, _ := session.Buffered()
	for n, size := 0, 0; b.has < j.head; b.has++ {
		e := &j.events[j.start+int(b.has+1-j.first())]
		if !b.meant(e.target, b.has+1) {
			continue
		}
		// The first may be larger than all that may wait: it waits alone.
		if size += e.size(); n == events || size > bytes && waiting+n > 0 {
			return false, false, nil
		}
		if err := e.queue(s); err != nil && !errors.Is(err, ErrEncoding) {
			return false, false, err
		}
		b.queued(b.has + 1)
		b.replayed++
		n++
	}
	for _, room := range b.names()[1:] {
		j.ns.local.join(s, room)
	}
	admitted = j.ns.local.add(s, s.admission(func() {}))
	if admitted {
		y := s.stay
		y.rooms, y.since, y.sent, y.floor, y.claimed = b.rooms, b.since, b.sent, b.floor, nil
		y.recent, y.count = b.recent, b.count
		for _, room := range s.Rooms() { // a middleware may have had it join more
			y.entered(room, j.head)
		}
	}
	return true, admitted, nil
}
