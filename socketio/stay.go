package socketio

import (
	"context"
	"slices"
	"time"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/socketio/adapter"
)

// stay is what a socket has besides where its namespace keeps a journal. All but recovered
// is guarded by the journal's mu.
type stay struct {
	id        string // private: whoever knows it may come back as this socket
	recovered bool
	rooms     []presence
	since     uint64 // position at which it, or the first with its id, was admitted
	sent      uint64 // position of the last event that was queued for it
	recent    [8]uint64
	count     int    // how many were queued; recent has the positions of the last ones
	floor     uint64 // what was sent up to here can no longer be told
	claimed   *session
}

// presence is a time in a room: after the event from, up to the event to.
type presence struct {
	room string
	from uint64
	to   uint64 // present, while it lasts
}

const (
	present = ^uint64(0)
	// maxPast bounds the rooms that a socket has left and that are remembered, for
	// events that got lost on the way while it was there.
	maxPast = 256
)

// session is a socket whose client may come back.
type session struct {
	stay
	socket string
	data   any
	kept   any // of its extension
	reason Reason
	ended  time.Time
	at     uint64        // position at its end: nothing later was sent to it
	until  time.Duration // on the journal's clock
	back   bool          // it came back, or is coming

	has      uint64 // up to which the client has, or is being sent, everything
	replayed int
}

// queued notes that the event at a position was queued for the socket. Under the journal's mu.
func (y *stay) queued(at uint64) {
	y.sent = at
	y.recent[y.count%len(y.recent)] = at
	y.count++
}

// lastBefore is the position of the last event before first that was queued for the
// socket, as far as that is known: first-1, where it is not. Under the journal's mu.
func (y *stay) lastBefore(first uint64) (last uint64) {
	for _, at := range y.recent[:min(y.count, len(y.recent))] {
		if at < first {
			last = max(last, at)
		}
	}
	if last == 0 && y.count > len(y.recent) {
		return first - 1
	}
	return last
}

// entered notes that the socket joined a room. Under the journal's mu.
func (y *stay) entered(room string, at uint64) {
	for i := range y.rooms {
		if p := &y.rooms[i]; p.room == room && p.to == present {
			return
		}
	}
	y.rooms = append(y.rooms, presence{room, at, present})
}

// left notes that the socket left a room. first is the oldest event that is kept: nobody
// asks for what was before. Under the journal's mu.
func (y *stay) left(room string, at, first uint64) {
	past := 0
	y.rooms = slices.DeleteFunc(y.rooms, func(p presence) bool { return p.to < first })
	for i := range y.rooms {
		p := &y.rooms[i]
		if p.room == room && p.to == present {
			p.to = at
		}
		if p.to != present {
			past++
		}
	}
	if past > maxPast {
		oldest := slices.IndexFunc(y.rooms, func(p presence) bool { return p.to != present })
		y.floor = max(y.floor, y.rooms[oldest].to)
		y.rooms = slices.Delete(y.rooms, oldest, oldest+1)
	}
}

// meant reports whether the event at a position was for the socket.
func (y *stay) meant(t adapter.Target, at uint64) bool {
	in := func(name string) bool {
		return slices.ContainsFunc(y.rooms, func(p presence) bool {
			return p.room == name && p.from < at && at <= p.to
		})
	}
	return (len(t.Rooms) == 0 || slices.ContainsFunc(t.Rooms, in)) && !slices.ContainsFunc(t.Except, in)
}

// join and leave are those of index, with a note of when.
func (j *journal) join(s *Socket, room string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ns.local.join(s, room)
	if s.stay != nil && s.stay.claimed == nil && room != s.id && s.Connected() {
		s.stay.entered(room, j.head)
	}
}

func (j *journal) leave(s *Socket, room string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ns.local.leave(s, room)
	if y := s.stay; y != nil && room != s.id {
		if y.claimed != nil { // by a middleware: what it decides holds for the session
			y = &y.claimed.stay
		}
		y.left(room, j.head, j.first())
	}
}

// part takes an ended socket out of the index, and keeps it for its client where that may
// come back.
func (j *journal) part(s *Socket, reason Reason) (rooms []string) {
	kept := s.kept()
	j.mu.Lock()
	rooms = j.ns.local.remove(s)
	var lost []*session
	if y := s.stay; y != nil {
		j.forget(s)
		if recoverable(reason) && s.conn.form.kind == current {
			lost = j.store(&session{
				stay: stay{
					id: y.id, rooms: y.rooms, since: y.since, sent: y.sent, recent: y.recent, count: y.count, floor: y.floor,
				},
				socket: s.id, data: s.Data(), kept: kept, reason: reason, ended: time.Now(), at: j.head,
			})
		}
		y.rooms = nil // the session's now: leaving has no effect on it any more
	}
	j.mu.Unlock()
	j.expireLater(lost)
	return rooms
}

// unclaim keeps a session on whose socket ended while it was being restored, or gives it
// up where nobody comes back from that.
func (j *journal) unclaim(s *Socket, reason Reason) {
	j.mu.Lock()
	var lost []*session
	if y := s.stay; y != nil && y.claimed != nil {
		j.forget(s)
		switch {
		case recoverable(reason):
			kept := *y.claimed
			kept.back, kept.at = false, kept.has
			lost = j.store(&kept)
		case reason != engineio.ServerShuttingDown && !j.closed:
			j.ns.hold() // until it was told of
			lost = []*session{y.claimed}
		}
		y.claimed = nil
	}
	j.mu.Unlock()
	j.expireLater(lost)
}

// forget notes that nobody has the session any more. Under mu.
func (j *journal) forget(s *Socket) {
	if j.live[s.stay.id] == s {
		delete(j.live, s.stay.id)
	}
}

// store keeps a session, and returns those that are too many. Under mu.
func (j *journal) store(s *session) (lost []*session) {
	if j.closed {
		return nil
	}
	j.ns.hold() // until it is claimed, or was told of
	s.until = j.now() + j.opts.Window
	j.away[s.id] = s
	j.order = append(j.order, s)
	if len(j.order) > 2*len(j.away)+64 { // of clients that come and go
		j.order = slices.DeleteFunc(j.order, func(s *session) bool { return s.back })
	}
	for len(j.away) > j.opts.MaxSessions {
		if oldest := j.shift(); !oldest.back {
			delete(j.away, oldest.id)
			lost = append(lost, oldest)
		}
	}
	j.arm(j.opts.Window)
	return lost
}

// shift takes the oldest session off the list. Under mu.
func (j *journal) shift() *session {
	s := j.order[0]
	j.order[0] = nil
	j.order = j.order[1:]
	if len(j.order) == 0 {
		j.order = nil
	}
	return s
}

func (j *journal) expireLater(lost []*session) {
	if len(lost) == 0 {
		return
	}
	j.ns.srv.work.add()
	go func() {
		defer j.ns.srv.work.done()
		j.expire(lost)
	}()
}

// expire tells the application of sessions that are given up.
func (j *journal) expire(lost []*session) {
	o := &j.ns.srv.opts
	for _, s := range lost {
		o.Hooks.Expired(j.ns, s.socket)
		e := &ExpiredSession{Namespace: j.ns, Socket: s.socket, Rooms: s.names(), Data: s.data, Reason: s.reason, Ended: s.ended}
		for _, f := range j.ns.registered().expired {
			ctx, cancel := context.WithTimeout(context.Background(), o.HookTimeout)
			if err := protect(func() error { return f(ctx, e) }); err != nil {
				o.Logger.Error("handler failed", "namespace", j.ns.name, "socket", s.socket, "event", "session expired", "error", err)
			}
			cancel()
		}
		j.ns.release()
	}
}

// names returns the rooms that the session is in.
func (s *session) names() []string {
	names := []string{s.socket}
	for _, p := range s.rooms {
		if p.to == present && p.room != s.socket {
			names = append(names, p.room)
		}
	}
	return names
}
