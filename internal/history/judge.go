package history

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Terms are what a schedule did besides what its history tells.
type Terms struct {
	// Scarce: queues or mailboxes were so small that ordinary traffic may fill them.
	// Volatile messages may be lost then, and clients that read may be slow consumers.
	Scarce bool
	// Hasty: it settled before heartbeats could tell who is gone.
	Hasty bool
	// Recovery says how sockets come back; nil: they do not.
	Recovery *Recovery
	// Slack is how long something may be under way between the two sides, there and
	// back, and a timer late.
	Slack time.Duration
}

// Judge returns what the history shows that the contract forbids.
func Judge(entries []Entry, terms Terms) []Violation {
	x := newIndex(entries, terms)
	conns := sorted(x.conns, func(a, b *conn) int { return cmp.Compare(a.n, b.n) })
	sockets := sorted(x.sockets, func(a, b *socket) int { return cmp.Compare(a.known, b.known) })
	for _, c := range conns {
		x.judgeOrder(c)
		x.judgeAdmission(c)
	}
	if x.recovery != nil {
		x.judgeSessions(terms)
	} else {
		x.judgeRooms(sockets)
	}
	for _, s := range sockets {
		x.judgeArrivals(s)
		x.judgeLoss(s, terms)
		x.judgeEvents(s)
		x.judgeAcks(s)
		x.judgeLife(s)
		x.judgeReason(s, terms)
		x.judgeMembership(s, terms)
	}
	for _, m := range x.sent {
		if m.Question {
			x.judgeQuestion(m, sockets, terms)
		}
	}
	return x.found
}

func sorted[K comparable, V any](of map[K]V, by func(a, b V) int) []V {
	all := make([]V, 0, len(of))
	for _, v := range of {
		all = append(all, v)
	}
	slices.SortFunc(all, by)
	return all
}

// call returns the span of what an arrival at the client is the end of.
func (x *index) call(e *Entry, s *socket) (span, bool) {
	if e.Kind == Got {
		m := x.messages[e.ID]
		if m == nil {
			return span{}, false
		}
		return m.span, true
	}
	if e.Text == Overload && (s == nil || s.overloaded > 0 || s.left != never) {
		return span{1, never}, true // the server said it by itself, perhaps of the next socket
	}
	if s == nil {
		return span{}, false
	}
	var call span
	for _, a := range s.acking[e.ID] {
		if a.Kind == Acking && call.from == 0 {
			call = span{a.Seq, never}
		}
		if a.Kind == AckDone && a.Err == OK {
			call.to = a.Seq
		}
	}
	return call, call.from > 0
}

// judgeOrder: what was sent when something else had been sent arrives after it, in all
// namespaces of a connection; nothing arrives twice, or without having been sent.
func (x *index) judgeOrder(c *conn) {
	type arrival struct {
		kind   Kind
		socket string
		id     int
	}
	seen := map[arrival]bool{}
	var latest span
	last := 0
	for _, e := range c.wire {
		s := x.find(e)
		call, sent := x.call(e, s)
		v := Violation{Conn: c.n, Socket: e.Socket, IDs: []int{e.ID}}
		this := arrival{e.Kind, e.Socket, e.ID}
		switch {
		case seen[this]:
			v.Rule, v.Text = ruleDuplicates, fmt.Sprintf("%s #%d twice", e.Kind, e.ID)
			x.fault(v)
		case !sent:
			v.Rule, v.Text = ruleTarget, fmt.Sprintf("%s #%d, which was not sent", e.Kind, e.ID)
			x.fault(v)
		case sent && e.Kind == Got && s.missed(x.messages[e.ID]):
			seen[this] = true // has an order with what it missed alone
			continue
		case call.to < latest.from:
			v.Rule, v.IDs = ruleOrder, append(v.IDs, last)
			v.Text = fmt.Sprintf("%s #%d after #%d, which was sent later", e.Kind, e.ID, last)
			x.fault(v)
		}
		seen[this] = true
		if sent && call.from > latest.from {
			latest, last = call, e.ID
		}
	}
}

func (x *index) judgeAdmission(c *conn) {
	if x.settled == nil || !c.open() {
		return
	}
	for namespace := range c.pending {
		x.fault(Violation{Rule: ruleAdmission, Conn: c.n, Text: "CONNECT to " + namespace + " was not answered"})
	}
}

// open reports whether the connection was in use to the end.
func (c *conn) open() bool {
	return c != nil && c.hungUp == nil && c.lost == nil && c.silenced == nil && c.stopped == nil
}

// judgeRooms: what was broadcast to a room, or to all, has one order for all sockets: a
// cycle in what they saw is the proof that it has none.
func (x *index) judgeRooms(sockets []*socket) {
	orders := map[[2]string][][]int{} // namespace and room ("" stands for all): what each saw
	for _, s := range sockets {
		mine := map[[2]string][]int{}
		rooms := map[string]bool{"": true}
		for _, e := range s.got {
			if m := x.messages[e.ID]; m != nil && m.Socket == "" {
				for _, room := range m.Rooms {
					rooms[room] = true
				}
			}
		}
		for _, e := range s.got {
			m := x.messages[e.ID]
			if m == nil || m.Socket != "" {
				continue
			}
			for room := range rooms {
				if len(m.Rooms) == 0 || slices.Contains(m.Rooms, room) {
					key := [2]string{s.namespace, room}
					mine[key] = append(mine[key], e.ID)
				}
			}
		}
		for key, ids := range mine {
			if len(ids) > 1 {
				orders[key] = append(orders[key], ids)
			}
		}
	}
	for key, seen := range orders {
		if cycle := cycle(seen); cycle != nil {
			x.fault(Violation{Rule: ruleRoomOrder, IDs: cycle,
				Text: fmt.Sprintf("room %q of %s: its members saw %v in different orders", key[1], key[0], cycle)})
		}
	}
}

// cycle returns what no single order explains, or nil.
func cycle(sequences [][]int) []int {
	next, before := map[int][]int{}, map[int]int{}
	for _, ids := range sequences {
		for i, id := range ids {
			before[id] += 0
			if i > 0 {
				next[ids[i-1]] = append(next[ids[i-1]], id)
				before[id]++
			}
		}
	}
	var free []int
	for id, n := range before {
		if n == 0 {
			free = append(free, id)
		}
	}
	for len(free) > 0 {
		id := free[len(free)-1]
		free = free[:len(free)-1]
		delete(before, id)
		for _, after := range next[id] {
			if before[after]--; before[after] == 0 {
				free = append(free, after)
			}
		}
	}
	var stuck []int
	for id := range before {
		stuck = append(stuck, id)
	}
	slices.Sort(stuck)
	return stuck
}

// judgeArrivals: who gets something was meant, and the call that sent it did not fail.
func (x *index) judgeArrivals(s *socket) {
	for _, e := range s.got {
		m := x.messages[e.ID]
		if m == nil {
			continue // told already
		}
		v := Violation{Conn: e.Conn, Socket: s.id, IDs: []int{e.ID}}
		if _, maybe := x.meant(m, s); !maybe {
			v.Rule, v.Text = ruleTarget, fmt.Sprintf("#%d reached a socket that it was not meant for", e.ID)
			x.fault(v)
		}
		if m.from > s.ended {
			v.Rule, v.Text = ruleAfterEnd, fmt.Sprintf("#%d was sent after OnDisconnecting", e.ID)
			x.fault(v)
		}
		if !m.kept() && x.recovery != nil && m.to < s.asked {
			v.Rule, v.Text = ruleReplay, fmt.Sprintf("#%d is not one that is kept, and came with what the client missed", e.ID)
			x.fault(v)
		}
		slow := m.done != nil && m.done.Err == ErrSlow && s.conn != nil && m.Conn != s.conn.n // kept for the next connection
		if m.done != nil && m.Socket != "" && !m.Question && m.done.Err != OK && !(x.recovery != nil && slow) {
			v.Rule, v.Text = ruleErrors, fmt.Sprintf("#%d arrived, although the call returned %q", e.ID, m.done.Err)
			x.fault(v)
		}
	}
}

// judgeLoss: whoever stays connected gets everything; whoever the server disconnects,
// what was sent before; and nobody misses what came before something that he got.
func (x *index) judgeLoss(s *socket, terms Terms) {
	if s.conn == nil {
		return
	}
	until := 0
	switch {
	case x.settled != nil && s.present():
		until = x.settled.Seq
	case s.dismissed != never && s.ending != never && s.left == never && s.reason() != "flooding":
		until = s.ending
	}
	got := map[int]bool{}
	for _, e := range s.got {
		got[e.ID] = true
		if m := x.messages[e.ID]; m != nil {
			until = max(until, m.from)
		}
	}
	for _, m := range x.sent {
		id := m.ID
		switch {
		case x.recovery != nil && m.kept(): // judged for the whole session
			continue
		case m.Socket == "" && m.from < s.known: // it was not there yet
			continue
		case got[id], m.to >= until, m.done == nil, m.Volatile && terms.Scarce, m.Volatile && s.conn.stopped != nil:
			continue
		case m.Question && m.done.Err == ErrTimeout:
		case m.done.Err != OK:
			continue
		}
		if surely, _ := x.meant(m, s); surely {
			x.fault(Violation{Rule: ruleLoss, Conn: s.conn.n, Socket: s.id, IDs: []int{id},
				Text: fmt.Sprintf("#%d never arrived", id)})
		}
	}
}

// present reports whether the socket was connected to the end.
func (s *socket) present() bool {
	return s.conn.open() && s.admitted > 0 && s.dismissed == never && s.left == never && s.ending == never
}
