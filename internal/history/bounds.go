package history

import "slices"

// remembered is how many of the last events of a socket a server knows at least.
const remembered = 8

// lost reports whether a session may have been given up when e was noted. by is the claim
// that was refused; nil: it expired.
func (x *index) lost(y *session, e *Entry, by *claim) bool {
	r := x.recovery
	last := y.lastKnown(e.Seq, nil)
	if last == nil || x.shutdown < e.Seq || !recoverable(last.reason()) {
		return true
	}
	if slices.ContainsFunc(y.claims, func(c *claim) bool { return c != by && c.asked.Seq < e.Seq && x.spoilt(y, c, e) }) {
		return true
	}
	if by != nil && r.RequireOffset && by.asked.Text == "" {
		return true
	}
	from := last.endsFrom(x)
	if from == 0 || from == never {
		from = last.asked
	}
	if e.At >= x.at(from)+r.Window {
		return true
	}
	return r.MaxSessions > 0 && x.others(y, from, e.Seq) >= r.MaxSessions || by != nil && x.gone(y, last, e, by)
}

// others counts the sessions that may have been stored between two places.
func (x *index) others(y *session, from, to int) int {
	n := 0
	for _, other := range x.sessions {
		if other == y || len(other.lives) == 0 || other.lives[0].namespace != y.lives[0].namespace {
			continue
		}
		if slices.ContainsFunc(other.lives, func(s *socket) bool { return s.endsFrom(x) < to && s.ended > from && s.known != never }) ||
			other.attempted(0, to) {
			n++
		}
	}
	return n
}

// gone reports whether an event that the session lacks need not be kept any more, or that
// need not be known: after the end of its socket, or where more than a few were sent to
// it since the last that it shows.
func (x *index) gone(y *session, last *socket, e *Entry, by *claim) bool {
	since, lacks := y.lives[0].asked, 0 // the last event that it shows
	has := map[int]bool{}
	for _, got := range y.got {
		if m := x.messages[got.ID]; m != nil && m.kept() && got.Seq < by.asked.Seq {
			since, has[got.ID] = m.from, true
		}
	}
	for _, m := range x.sent {
		if !m.kept() || has[m.ID] || m.from > e.Seq || m.done != nil && m.done.Err != OK && m.done.Err != ErrSlow {
			continue
		}
		if _, maybe := x.meant(m, y.lives[0]); !maybe {
			continue
		}
		if lacks++; x.dropped(m.from, e) {
			return true
		}
	}
	ended := last.endsFrom(x)
	if y.attempted(last.asked, by.asked.Seq) {
		ended = since
	}
	return x.dropped(ended, e) || lacks > remembered && x.dropped(since, e)
}

// dropped reports whether something of what was sent from a place on may be dropped.
func (x *index) dropped(from int, e *Entry) bool {
	r, events, bytes := x.recovery, 0, 0
	for _, other := range x.sent {
		if other.kept() && other.Namespace == e.Namespace && other.to > from && other.from < e.Seq {
			events++
			bytes += other.Size
		}
	}
	return e.At-x.at(from) >= r.Keep || r.MaxEvents > 0 && events > r.MaxEvents || r.MaxBytes > 0 && bytes > r.MaxBytes
}

// spoilt reports whether a socket may have ended, while it was being restored, for a reason
// after which nobody comes back.
func (x *index) spoilt(y *session, c *claim, e *Entry) bool {
	if c.answer != nil && c.answer.Kind == Dismissed {
		return true
	}
	s := x.sockets[name{y.id, c.conn.n}]
	return s != nil && s.known == never && (s.left < e.Seq || s.ending < e.Seq || s.dismissed != never || s.overloaded > 0)
}
