package history

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// judgeSessions looks, where sockets come back, at what only all lives of a session show.
func (x *index) judgeSessions(terms Terms) {
	sessions := sorted(x.sessions, func(a, b *session) int {
		return a.begin() - b.begin()
	})
	orders := map[string][][]int{}
	for _, y := range sessions {
		if len(y.lives) == 0 {
			continue
		}
		x.judgeKept(y)
		x.judgeGaps(y)
		x.judgeLives(y, terms)
		x.judgeExpiry(y, terms)
		var ids []int
		for _, e := range y.got {
			if !slices.Contains(ids, e.ID) {
				ids = append(ids, e.ID)
			}
		}
		orders[y.lives[0].namespace] = append(orders[y.lives[0].namespace], ids)
	}
	for namespace, seen := range orders {
		if cycle := cycle(seen); cycle != nil {
			x.fault(Violation{Rule: ruleRoomOrder, IDs: cycle,
				Text: fmt.Sprintf("%s: its members saw %v in different orders", namespace, cycle)})
		}
	}
	for _, c := range x.claims {
		x.judgeClaim(c, terms)
	}
}

func (y *session) begin() int {
	if len(y.lives) == 0 {
		return never
	}
	return y.lives[0].asked
}

// judgeKept: over all its lives a session gets what is kept in the order in which it was
// sent, and nothing twice.
func (x *index) judgeKept(y *session) {
	seen := map[int]*Entry{}
	var latest *message
	for _, e := range y.got {
		m := x.messages[e.ID]
		v := Violation{Conn: e.Conn, Socket: y.id, IDs: []int{e.ID}}
		if before := seen[e.ID]; before != nil && before.Conn != e.Conn {
			v.Rule, v.Text = ruleDuplicates, fmt.Sprintf("#%d on connection %d, and again on %d", e.ID, before.Conn, e.Conn)
			x.fault(v)
			continue
		}
		seen[e.ID] = e
		if m == nil || !m.kept() {
			continue
		}
		if latest != nil && m.to < latest.from {
			v.Rule, v.IDs = ruleOrder, append(v.IDs, latest.ID)
			v.Text = fmt.Sprintf("#%d after #%d, which was sent later", e.ID, latest.ID)
			x.fault(v)
		}
		if latest == nil || m.from > latest.from {
			latest = m
		}
	}
}

// judgeGaps: a session lacks nothing that was sent to it before something that it got;
// who is there at the end lacks nothing at all, and whom the server disconnects, nothing
// that was sent before.
func (x *index) judgeGaps(y *session) {
	first, last := y.lives[0], y.lives[len(y.lives)-1]
	until := 0
	switch {
	case x.settled != nil && last.present():
		until = x.settled.Seq
	case last.dismissed != never && last.known < last.ending && last.ending != never && last.left == never && last.reason() != "flooding":
		until = last.ending
	}
	for _, e := range y.got {
		if m := x.messages[e.ID]; m != nil {
			until = max(until, m.from)
		}
	}
	for _, m := range x.sent {
		if !m.kept() || y.has[m.ID] || m.to >= until || m.done == nil || m.done.Err != OK && m.done.Err != ErrSlow ||
			m.Socket == "" && m.from < first.known {
			continue
		}
		if surely, _ := x.meant(m, first); surely {
			x.fault(Violation{Rule: ruleLoss, Conn: last.conn.n, Socket: y.id, IDs: []int{m.ID}, Text: fmt.Sprintf("#%d never arrived", m.ID)})
		}
	}
}

// judgeLives: the functions are told who comes back; a socket has its data again; and the
// connection of one that another replaced is closed.
func (x *index) judgeLives(y *session, terms Terms) {
	var before *socket
	told := slices.Clone(y.lives) // in the server's order
	slices.SortStableFunc(told, func(a, b *socket) int { return cmp.Compare(a.known, b.known) })
	for _, s := range told {
		v := Violation{Rule: ruleReturn, Conn: s.conn.n, Socket: y.id}
		back := s != y.lives[0]
		for _, e := range s.server {
			if e.Kind != Greeting {
				continue
			}
			if e.Recovered != back || s.claim != nil && s.recovered() != back {
				v.Text = fmt.Sprintf("Recovered is %t to OnConnect, %t to the client, and should be %t", e.Recovered, s.recovered(), back)
				x.fault(v)
			}
			if back && !x.data(y, s, e) {
				x.fault(Violation{Rule: ruleData, Conn: s.conn.n, Socket: y.id, Text: fmt.Sprintf("came back with the data %q", e.Text)})
			}
		}
		if s.known == never {
			continue
		}
		if before != nil && before.conn.hungUp != nil && before.conn.hungUp.Want && x.settled != nil {
			lost := before.conn.lost
			if lost == nil || lost.At > x.at(s.known)+terms.Slack {
				v.Text = fmt.Sprintf("came back on connection %d, and %d, which it had given up, was not closed", s.conn.n, before.conn.n)
				x.fault(v)
			}
		}
		before = s
	}
}

// data reports whether the session, when it came back as s or, if that is nil, expired,
// may have had the data that e tells.
func (x *index) data(y *session, s *socket, e *Entry) bool {
	text := e.Text
	var all []*setting
	for _, set := range y.data {
		earlier := set.life.known != never && (s == nil || set.life.asked < s.asked)
		if set.from < set.life.ended && (earlier || set.life == s && set.from < e.Seq) {
			all = append(all, set)
		}
	}
	surely := func(set *setting) bool { return set.to < set.life.endsFrom(x) && set.life.known != never }
	if text == "" {
		return !slices.ContainsFunc(all, surely)
	}
	return slices.ContainsFunc(all, func(set *setting) bool {
		return set.text == text && !slices.ContainsFunc(all, func(o *setting) bool { return o.from > set.to && surely(o) })
	})
}

// judgeClaim: who shows a session that is kept comes back as its socket; who shows one
// that is not, begins anew.
func (x *index) judgeClaim(c *claim, terms Terms) {
	if c.socket == nil {
		return
	}
	s, shown := c.socket, x.private[c.asked.Session]
	v := Violation{Rule: ruleReturn, Conn: c.conn.n, Socket: s.id}
	switch {
	case c.answer.Session == "":
		v.Text = "admitted without a private id"
	case c.recovered() && shown != s.session:
		v.Text = "came back with the id of another session"
	case !c.recovered() && (s.session.lives[0] != s || x.private[c.answer.Session] != s.session):
		v.Text = "began anew, with an id that another socket has had"
	case c.recovered():
		v.Text = x.tooLate(c, shown, terms)
	case shown != nil && !c.told:
		v.Text = "began anew, and NotRecovered has not told"
	case shown != nil && !x.lost(shown, c.answer, c):
		v.Socket = shown.id // what it should have had again
		v.Text = "came back in time, and began anew"
	}
	if v.Text != "" {
		x.fault(v)
	}
}

// tooLate says why a session that came back should not have.
func (x *index) tooLate(c *claim, y *session, terms Terms) string {
	last := y.lastKnown(min(c.socket.known, c.answer.Seq), c.socket)
	switch {
	case slices.ContainsFunc(y.expired, func(e *Entry) bool { return e.Seq < c.socket.known && c.socket.known != never }):
		return "came back after it had expired"
	case last == nil || last.ended == never:
		return ""
	case !recoverable(last.reason()):
		return fmt.Sprintf("came back after %q", last.reason())
	case c.asked.At > x.at(last.ended)+x.recovery.Window+terms.Slack && !y.attempted(last.asked, c.asked.Seq):
		return fmt.Sprintf("came back %s after its end", c.asked.At-x.at(last.ended))
	}
	return ""
}

// attempted reports whether somebody else showed the session between two places: that
// keeps it for another window.
func (y *session) attempted(from, to int) bool {
	return slices.ContainsFunc(y.claims, func(c *claim) bool {
		return c.asked.Seq > from && c.asked.Seq < to && !slices.ContainsFunc(y.lives, func(s *socket) bool {
			return s.conn == c.conn && s.known != never
		})
	})
}

// judgeExpiry: a session that was lost comes back or expires, and not both; not before its
// time, unless for a reason.
func (x *index) judgeExpiry(y *session, terms Terms) {
	last := y.lastKnown(never, nil)
	if last == nil {
		return
	}
	v := Violation{Rule: ruleExpiry, Conn: last.conn.n, Socket: y.id}
	if len(y.expired) == 0 {
		late := x.at(last.ended) + x.recovery.Window + terms.Slack
		for _, c := range y.claims { // each keeps it for another window
			late = max(late, c.asked.At+2*x.recovery.Keep-x.recovery.Window+terms.Slack)
		}
		// Of two that show it at once, the one that gets it last may be noted first.
		taken := slices.ContainsFunc(y.lives, func(s *socket) bool { return s.known != never && s.ended > last.ended })
		if !taken && x.settled != nil && last.ended < x.settled.Seq && recoverable(last.reason()) && late < x.settled.At {
			v.Text = fmt.Sprintf("ended with %q, and neither came back nor expired", last.reason())
			x.fault(v)
		}
		return
	}
	e := y.expired[0]
	switch {
	case len(y.expired) > 1:
		v.Text = "expired twice"
	case last.known > e.Seq:
		v.Text = "expired, and came back"
	case last.ended == never:
		v.Text = "expired, and has not ended"
	case !recoverable(last.reason()):
		v.Text = fmt.Sprintf("expired after %q", last.reason())
	case e.Reason != last.reason():
		v.Text = fmt.Sprintf("ended with %q, and expired with %q", last.reason(), e.Reason)
	case !x.lost(y, e, nil) && !slices.ContainsFunc(y.claims, func(c *claim) bool {
		return c.asked.Seq < e.Seq && !c.recovered() && x.lost(y, e, c)
	}):
		v.Text = fmt.Sprintf("expired %s after its end", (e.At - x.at(last.endsFrom(x))).Round(time.Millisecond))
	case !x.data(y, nil, e):
		v.Text = fmt.Sprintf("expired with the data %q", e.Text)
	default:
		x.judgeRoomsOf(last, e, span{last.earliestEnd(x), e.Seq})
		return
	}
	x.fault(v)
}
