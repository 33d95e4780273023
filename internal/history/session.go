package history

import (
	"cmp"
	"slices"
	"time"
)

// Recovery is how the server lets sockets come back.
type Recovery struct {
	Window time.Duration // how long a session is kept
	Keep   time.Duration // how long an event is: what is older may be gone
	// MaxEvents, MaxBytes and MaxSessions bound what is kept; 0: nothing that is sent here
	// reaches the bound.
	MaxEvents, MaxBytes, MaxSessions int
	RequireOffset                    bool // who shows no position is not recovered
}

// session is what has one socket id: lives, each on a connection of its own, of which
// there is one where nobody comes back.
type session struct {
	id      string
	lives   []*socket
	rooms   map[string][]change
	got     []*Entry // in all lives
	has     map[int]bool
	claims  []*claim // CONNECTs that showed it
	data    []*setting
	expired []*Entry
}

// claim is a CONNECT and its answer.
type claim struct {
	conn   *conn
	asked  *Entry
	answer *Entry // nil: none
	socket *socket
	told   bool // NotRecovered
}

func (c *claim) answered(e *Entry) {
	if c != nil && c.answer == nil {
		c.answer = e
	}
}

// recovered reports whether the client was told that it goes on where it left off.
func (c *claim) recovered() bool {
	return c.asked.Session != "" && c.answer != nil && c.answer.Kind == Admitted && c.answer.Session == c.asked.Session
}

// setting is a call that sets a socket's data.
type setting struct {
	span
	life *socket
	text string
}

func (x *index) session(id string) *session {
	y := x.sessions[id]
	if y == nil {
		y = &session{id: id, rooms: map[string][]change{}, has: map[int]bool{}}
		x.sessions[id] = y
	}
	return y
}

// recovered reports whether the client came back as this socket.
func (s *socket) recovered() bool { return s != nil && s.claim != nil && s.claim.recovered() }

// missed reports whether the socket may have got the message as one that it had missed.
func (s *socket) missed(m *message) bool { return s.recovered() && m.kept() && m.from < s.known }

// kept reports whether a message is one that is kept for those who come back.
func (m *message) kept() bool { return !m.Volatile && !m.Question }

func (x *index) takeRecovery(e *Entry) {
	switch e.Kind {
	case Setting:
		s := x.socket(e)
		s.session.data = append(s.session.data, &setting{span{e.Seq, never}, s, e.Text})
		x.settings[e.ID] = s.session.data[len(s.session.data)-1]
	case SetDone:
		if set := x.settings[e.ID]; set != nil {
			set.to = e.Seq
		}
	case NotRecovered:
		if c := x.conn(e.Conn).claims[e.Namespace]; c != nil {
			c.told = true
		}
	case Expired:
		y := x.session(e.Socket)
		y.expired = append(y.expired, e)
	}
}

// settle puts together, when all has been read, what belongs to each session.
func (x *index) settle() {
	if x.recovery == nil {
		return
	}
	x.private = map[string]*session{}
	for _, c := range x.claims {
		if c.socket != nil && x.private[c.answer.Session] == nil {
			x.private[c.answer.Session] = c.socket.session
		}
	}
	first := map[name]int{} // place of the CONNECT of a life that its client did not see
	for _, c := range x.claims {
		if y := x.private[c.asked.Session]; y != nil {
			y.claims = append(y.claims, c)
			at := name{y.id, c.conn.n}
			first[at] = cmp.Or(first[at], c.asked.Seq)
		}
	}
	for at, s := range x.sockets {
		s.asked = cmp.Or(s.asked, first[at])
	}
	for _, y := range x.sessions {
		y.lives = slices.DeleteFunc(y.lives, func(s *socket) bool { return s.conn == nil })
		slices.SortFunc(y.lives, func(a, b *socket) int {
			return cmp.Or(cmp.Compare(a.asked, b.asked), cmp.Compare(a.known, b.known))
		})
		for _, s := range y.lives {
			y.got = append(y.got, s.got...)
		}
		slices.SortFunc(y.got, func(a, b *Entry) int { return cmp.Compare(a.Seq, b.Seq) })
		for _, e := range y.got {
			y.has[e.ID] = true
		}
	}
}

// perhaps is the change as one that may have had no effect.
func (c change) perhaps() change { return change{span{c.from, never}, c.join, c.life} }

// effective returns the changes of a session's rooms that had, or may have had, an effect:
// those that were made through a socket before its end, and the ones made before its
// admission by then; and those of all sockets, if it had one at that time.
func (x *index) effective(y *session, own, all []change) []change {
	var some []change
	for _, c := range own {
		s := c.life
		ends := s.endsFrom(x)
		switch {
		case c.from > s.ended, s.known == never && c.join:
		case c.to >= ends, s.known == never: // a middleware took the room away
			some = append(some, c.perhaps())
		case len(y.lives) > 0 && s != y.lives[0] && c.from < s.known: // counts from its admission on
			some = append(some, change{span{c.from, max(c.to, s.known)}, c.join, s})
		default:
			some = append(some, c)
		}
	}
	for _, c := range all {
		surely, maybe := false, false
		for _, s := range y.lives {
			surely = surely || c.from > s.known && c.to < s.endsFrom(x)
			maybe = maybe || c.to > s.asked && c.from < s.ended && !(s.known == never && s.recovered())
		}
		switch {
		case surely:
			some = append(some, c)
		case maybe:
			some = append(some, c.perhaps())
		}
	}
	return some
}

// endsFrom is the first place at which the socket may have ended; never, if it did not.
func (s *socket) endsFrom(x *index) int {
	if s.ended == never && s.known != never {
		return never
	}
	return s.earliestEnd(x)
}

// claimedElsewhere reports whether another connection had asked to go on as one of the
// sockets of this one's connection, which is then closed.
func (x *index) claimedElsewhere(s *socket, by *Entry) bool {
	return slices.ContainsFunc(x.rivals(s), func(c *claim) bool { return c.asked.Seq < by.Seq })
}

// contested reports whether a connection that the client had given up may have taken the
// connection of this one: it was read later.
func (x *index) contested(s *socket) bool {
	return slices.ContainsFunc(x.rivals(s), func(c *claim) bool { return c.answer == nil && c.asked.Seq < s.asked })
}

// rivals are the CONNECTs on other connections for what the socket's connection has.
func (x *index) rivals(s *socket) (all []*claim) {
	if s.conn == nil || x.recovery == nil {
		return nil
	}
	has := map[string]bool{} // what it showed, and what it was told
	for _, c := range x.claims {
		if c.conn == s.conn {
			has[c.asked.Session] = true
		}
		if c.conn == s.conn && c.socket != nil {
			has[c.answer.Session] = true
		}
	}
	for _, c := range x.claims {
		if c.conn != s.conn && c.asked.Session != "" && has[c.asked.Session] {
			all = append(all, c)
		}
	}
	return all
}

// cutShort reports whether something may have been dropped that was to be sent on the
// socket's connection to one who came back.
func (x *index) cutShort(s *socket) bool {
	return x.recovery != nil && x.recovery.MaxEvents+x.recovery.MaxBytes > 0 &&
		slices.ContainsFunc(x.claims, func(c *claim) bool { return c.conn == s.conn && c.asked.Session != "" })
}

// answerer is the socket that answered a question, or else one with that id; nil: nobody
// knows it.
func (x *index) answerer(id string, question int) *socket {
	y := x.sessions[id]
	if y == nil || len(y.lives) == 0 {
		return nil
	}
	for _, s := range y.lives {
		if len(s.answered[question]) > 0 {
			return s
		}
	}
	return y.lives[0]
}

// recoverable reports whether whoever lost its socket for a reason may come back for it.
func recoverable(reason string) bool {
	switch reason {
	case "transport close", "transport error", "ping timeout", "forced close", "slow consumer":
		return true
	}
	return false
}

// lastKnown is the last life that was told of before a place, but for one; nil: none.
func (y *session) lastKnown(before int, but *socket) *socket {
	var last *socket
	for _, s := range y.lives {
		if s != but && s.known < before && (last == nil || s.known > last.known) {
			last = s
		}
	}
	return last
}

// at is when an entry was made; the beginning for 0.
func (x *index) at(seq int) time.Duration {
	if seq <= 0 || seq > len(x.entries) {
		return 0
	}
	return x.entries[seq-1].At
}
