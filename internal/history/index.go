package history

import (
	"math"
	"slices"
)

const never = math.MaxInt

// span is a call: from the place of its beginning to that of its return.
type span struct{ from, to int }

// message is something that the server sent.
type message struct {
	span
	Entry        // Sending
	done  *Entry // SendDone
}

// change is a join or a leave.
type change struct {
	span
	join bool
	life *socket // through which it was made; nil: of all sockets
}

// name tells sockets apart: with recovery an id has one after another, each on a
// connection of its own; without, no connection is named.
type name struct {
	socket string
	conn   int
}

// socket is a client's part in a namespace, as both sides saw it: one life of a session.
type socket struct {
	id, namespace string
	session       *session
	claim         *claim // with which the client was admitted
	conn          *conn
	asked         int // place of Asked, or 0
	known         int // place of Connected: broadcasts find it from here on
	admitted      int // place of Admitted; 0: the client did not see it
	dismissed     int // the client got DISCONNECT
	left          int // the client sent it
	ending        int // the first call of the server that ends it, or its connection
	whole         bool
	ended         int // place of Disconnecting
	got           []*Entry
	answered      map[int][]*Entry
	sent          []*Entry
	acked         map[int][]*Entry
	handling      []*Entry
	server        []*Entry // its life on the server's side
	acking        map[int][]*Entry
	overloaded    int
	alive         *Entry
}

// conn is a client's connection.
type conn struct {
	n        int
	hungUp   *Entry
	lost     *Entry
	silenced *Entry
	stopped  *Entry
	sockets  []*socket // in the order of their admission
	current  map[string]*socket
	pending  map[string]int      // CONNECT sent and not answered
	early    map[string][]*Entry // sent while it was pending
	claims   map[string]*claim   // the newest CONNECT
	wire     []*Entry            // Got and Acked
}

// index is a history in order.
type index struct {
	entries  []Entry
	recovery *Recovery
	sockets  map[name]*socket
	sessions map[string]*session
	claims   []*claim
	private  map[string]*session
	settings map[int]*setting
	conns    map[int]*conn
	messages map[int]*message
	sent     []*message
	everyone map[string]map[string][]change // namespace, room: joins and leaves of all its sockets
	endings  []*ending
	shutdown int
	settled  *Entry
	found    []Violation
}

func (x *index) fault(v Violation) { x.found = append(x.found, v) }

func (x *index) conn(n int) *conn {
	c := x.conns[n]
	if c == nil {
		c = &conn{n: n, current: map[string]*socket{}, pending: map[string]int{}, early: map[string][]*Entry{}, claims: map[string]*claim{}}
		x.conns[n] = c
	}
	return c
}

func (x *index) socket(e *Entry) *socket {
	s := x.find(e)
	if s == nil {
		s = &socket{
			id: e.Socket, namespace: e.Namespace, session: x.session(e.Socket),
			known: never, dismissed: never, left: never, ending: never, ended: never,
			answered: map[int][]*Entry{}, acked: map[int][]*Entry{}, acking: map[int][]*Entry{},
		}
		s.session.lives = append(s.session.lives, s)
		x.sockets[x.name(e)] = s
	}
	if s.namespace == "" {
		s.namespace = e.Namespace
	}
	return s
}

// name is that of an entry's socket.
func (x *index) name(e *Entry) name {
	if x.recovery == nil {
		return name{socket: e.Socket}
	}
	return name{e.Socket, e.Conn}
}

// find returns the socket of an entry, or nil.
func (x *index) find(e *Entry) *socket { return x.sockets[x.name(e)] }

func newIndex(entries []Entry, terms Terms) *index {
	x := &index{
		entries: entries, recovery: terms.Recovery,
		sockets: map[name]*socket{}, sessions: map[string]*session{}, conns: map[int]*conn{}, messages: map[int]*message{}, settings: map[int]*setting{},
		everyone: map[string]map[string][]change{}, shutdown: never,
	}
	// Which connection a socket belongs to is known to the client alone, and perhaps late.
	for i := range entries {
		if e := &entries[i]; e.Kind == Admitted || e.Kind == Connected && e.Conn > 0 {
			x.socket(e).conn = x.conn(e.Conn)
		}
	}
	open := map[int]*Entry{} // joins and leaves that have not returned
	for i := range entries {
		e := &entries[i]
		switch {
		case e.Kind < Connected:
			x.client(e)
		case e.Kind <= Closed:
			x.life(e)
		default:
			x.takeCall(e, open)
		}
	}
	for _, e := range open {
		x.change(e, never)
	}
	x.settle()
	for _, e := range x.endings {
		for _, s := range x.concerned(e) {
			s.ending = min(s.ending, e.from)
			s.whole = s.whole || e.Whole
		}
	}
	return x
}

func (x *index) life(e *Entry) {
	s := x.socket(e)
	switch e.Kind {
	case Connected:
		s.known = min(s.known, e.Seq)
	case Disconnecting:
		s.ended = min(s.ended, e.Seq)
	case Handling:
		s.handling = append(s.handling, e)
	case Acking, AckDone:
		s.acking[e.ID] = append(s.acking[e.ID], e)
		return // from any goroutine
	case Overloaded:
		s.overloaded++
		return
	}
	s.server = append(s.server, e)
}

func (x *index) takeCall(e *Entry, open map[int]*Entry) {
	switch e.Kind {
	case Sending:
		m := &message{span: span{e.Seq, never}, Entry: *e}
		x.messages[e.ID], x.sent = m, append(x.sent, m)
	case SendDone:
		if m := x.messages[e.ID]; m != nil {
			m.to, m.done = e.Seq, e
		}
	case Joining, Leaving:
		open[e.ID] = e
	case JoinDone, LeaveDone:
		if begun := open[e.ID]; begun != nil {
			delete(open, e.ID)
			x.change(begun, e.Seq)
		}
	case Ending:
		x.endings = append(x.endings, &ending{span{e.Seq, never}, e})
	case EndDone:
		for _, end := range x.endings {
			if end.ID == e.ID {
				end.to = e.Seq
			}
		}
	case ShuttingDown:
		x.shutdown = min(x.shutdown, e.Seq)
	case Settled:
		x.settled = e
	case Alive:
		x.socket(e).alive = e
	case Setting, SetDone, NotRecovered, Expired:
		x.takeRecovery(e)
	}
}

// ending is a call that ends sockets.
type ending struct {
	span
	*Entry
}

// concerned are the sockets that a call may end.
func (x *index) concerned(e *ending) (all []*socket) {
	for _, s := range x.sockets {
		if e.Socket == "" && (e.to < s.asked || e.from > s.ended) {
			continue // not yet, or no more
		}
		meant := s.id == e.Socket && (x.recovery == nil || s.conn != nil && s.conn.n == e.Conn)
		if e.Socket == "" && s.namespace == e.Namespace {
			meant = len(e.Rooms) == 0
			for _, room := range e.Rooms {
				_, maybe := x.member(s, room, e.span)
				meant = meant || maybe
			}
		}
		if !meant {
			continue
		}
		all = append(all, s)
		for _, other := range x.sockets {
			if e.Whole && s.conn != nil && other.conn == s.conn && other != s {
				all = append(all, other)
			}
		}
	}
	return all
}

func (x *index) change(e *Entry, to int) {
	c := change{span: span{e.Seq, to}, join: e.Kind == Joining}
	for _, room := range e.Rooms {
		if e.Socket == "" {
			rooms := x.everyone[e.Namespace]
			if rooms == nil {
				rooms = map[string][]change{}
				x.everyone[e.Namespace] = rooms
			}
			rooms[room] = append(rooms[room], c)
			continue
		}
		c.life = x.socket(e)
		c.life.session.rooms[room] = append(c.life.session.rooms[room], c)
	}
}

// member tells whether the socket surely was in the room during the whole span, and
// whether it may have been at some moment of it.
func (x *index) member(s *socket, room string, during span) (surely, maybe bool) {
	if room == s.id {
		return true, true
	}
	own, all := s.session.rooms[room], x.everyone[s.namespace][room]
	if x.recovery != nil {
		own = x.effective(s.session, own, all)
	} else if len(all) > 0 {
		own = slices.Clone(own)
		for _, c := range all {
			switch {
			case c.to < s.asked: // it did not exist
			case c.from > s.known: // it was found
				own = append(own, c)
			default: // perhaps
				own = append(own, c.perhaps())
			}
		}
	}
	return x.sure(own, during, true), !x.sure(own, during, false)
}

// sure reports whether the changes leave no doubt that the socket was in the room (in) or
// out of it, from the beginning to the end of the span.
func (x *index) sure(changes []change, during span, in bool) bool {
	for _, c := range changes {
		if c.join != in || c.to >= during.from {
			continue
		}
		if !x.undone(changes, c, during) {
			return true
		}
	}
	if in { // out is where everybody begins
		return false
	}
	for _, c := range changes {
		if c.join && c.from < during.to {
			return false
		}
	}
	return true
}

// undone reports whether another change may have reversed c before the end of the span.
func (x *index) undone(changes []change, c change, during span) bool {
	return slices.ContainsFunc(changes, func(other change) bool {
		return other.join != c.join && other.to >= c.from && other.from <= during.to
	})
}

// meant tells whether the message was surely sent to the socket, and whether it may have
// been, given that the socket was connected all the time.
func (x *index) meant(m *message, s *socket) (surely, maybe bool) {
	if m.Namespace != s.namespace {
		return false, false
	}
	if m.Socket != "" {
		to := m.Socket == s.id
		if x.recovery != nil && !m.kept() { // for that connection alone
			to = to && s.conn != nil && s.conn.n == m.Conn
		}
		return to, to
	}
	surely, maybe = len(m.Rooms) == 0, len(m.Rooms) == 0
	for _, room := range m.Rooms {
		a, b := x.member(s, room, m.span)
		surely, maybe = surely || a, maybe || b
	}
	for _, room := range m.Except {
		a, b := x.member(s, room, m.span)
		surely, maybe = surely && !b, maybe && !a
	}
	return surely, maybe
}
