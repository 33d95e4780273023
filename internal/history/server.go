package history

import (
	"fmt"
	"slices"
)

// judgeEvents: the events of a client are handled in the order in which it sent them,
// each once, one at a time; all of them unless the connection broke or the server ended
// it. (That they do not overlap is judged by judgeLife.)
func (x *index) judgeEvents(s *socket) {
	if s.conn == nil {
		return
	}
	place := map[int]int{}
	for i, e := range s.sent {
		place[e.ID] = i
	}
	last, handled := -1, 0
	for _, e := range s.handling {
		at, known := place[e.ID]
		v := Violation{Rule: ruleEvents, Conn: s.conn.n, Socket: s.id, IDs: []int{e.ID}}
		switch {
		case !known && s.admitted > 0:
			v.Text = fmt.Sprintf("#%d was handled, but not sent", e.ID)
			x.fault(v)
			continue
		case !known:
			continue // the client does not know which socket it was
		case at == last:
			v.Text = fmt.Sprintf("#%d was handled twice", e.ID)
			x.fault(v)
		case at < last:
			v.IDs = append(v.IDs, s.sent[last].ID)
			v.Text = fmt.Sprintf("#%d was handled after #%d, which was sent later, or twice", e.ID, s.sent[last].ID)
			x.fault(v)
		default:
			last = at
		}
		handled++
	}
	due := last + 1
	switch reason := s.reason(); {
	case s.admitted == 0:
		return
	case x.settled != nil && s.present():
		due = len(s.sent)
	case reason == "client namespace disconnect" && s.left != never,
		reason == "transport close" && s.conn.hungUp != nil && s.conn.hungUp.Orderly && s.ending == never && s.left == never:
		due = len(s.sent)
		for due > 0 && s.sent[due-1].Seq > min(s.left, s.hungUp()) {
			due--
		}
	}
	if due-handled > s.overloaded {
		var missing []int
		for _, e := range s.sent[:due] {
			if !slices.ContainsFunc(s.handling, func(h *Entry) bool { return h.ID == e.ID }) {
				missing = append(missing, e.ID)
			}
		}
		x.fault(Violation{Rule: ruleEvents, Conn: s.conn.n, Socket: s.id, IDs: missing,
			Text: fmt.Sprintf("%v were sent and not handled, and %d dropped for want of room", missing, s.overloaded)})
	}
}

func (s *socket) hungUp() int {
	if s.conn.hungUp == nil {
		return never
	}
	return s.conn.hungUp.Seq
}

func (s *socket) reason() string {
	for _, e := range s.server {
		if e.Kind == Disconnecting {
			return e.Reason
		}
	}
	return ""
}

// judgeAcks: an event is acknowledged once, with what the handler said, where it said
// something; the second call fails.
func (x *index) judgeAcks(s *socket) {
	if s.conn == nil {
		return
	}
	reached := 0 // what was sent before this has arrived
	for _, e := range s.conn.wire {
		if call, ok := x.call(e, x.find(e)); ok {
			reached = max(reached, call.from)
		}
	}
	for id, acked := range s.acked {
		if len(acked) > 1 {
			continue // told as a duplicate
		}
		said := slices.ContainsFunc(s.acking[id], func(a *Entry) bool { return a.Kind == Acking && a.Text == acked[0].Text })
		if !said && len(s.acking[id]) > 0 {
			x.fault(Violation{Rule: ruleAcks, Conn: s.conn.n, Socket: s.id, IDs: []int{id},
				Text: fmt.Sprintf("#%d was acknowledged with %q, which no handler said", id, acked[0].Text)})
		}
	}
	for id, calls := range s.acking {
		wanted := slices.ContainsFunc(s.sent, func(e *Entry) bool { return e.ID == id && e.Want })
		done, failed := 0, 0
		for _, a := range calls {
			switch {
			case a.Kind == AckDone && a.Err == OK:
				done++
			case a.Kind == AckDone:
				failed++
			}
		}
		v := Violation{Rule: ruleAcks, Conn: s.conn.n, Socket: s.id, IDs: []int{id}}
		if wanted && done > 1 {
			v.Text = fmt.Sprintf("%d calls of Ack succeeded for #%d", done, id)
			x.fault(v)
		}
		begun := slices.ContainsFunc(calls, func(a *Entry) bool { return a.Kind == Acking })
		call, _ := x.call(&Entry{Kind: Acked, ID: id}, s)
		due := x.settled != nil && s.present() && begun && (done > 0 || failed == 0) ||
			done > 0 && call.to < reached && (s.left == never && s.dismissed == never)
		if wanted && due && len(s.acked[id]) == 0 {
			v.Text = fmt.Sprintf("the acknowledgement of #%d never arrived", id)
			x.fault(v)
		}
	}
}

// judgeLife: the functions of a socket's life run once each, in their order, one at a time.
func (x *index) judgeLife(s *socket) {
	order := []Kind{Connected, Greeting, Greeted, Handling, Disconnecting, Disconnected, Closed}
	stage := -1
	handling := false
	for _, e := range s.server {
		v := Violation{Rule: ruleLife, Socket: s.id, Conn: s.number(), IDs: []int{e.ID}}
		if e.Kind == Handled {
			handling = false
			continue
		}
		at := slices.Index(order, e.Kind)
		switch {
		case handling:
			v.Text = fmt.Sprintf("%q while another event is being handled", e.Kind)
		case e.Kind == Handling:
			handling = true
			if stage >= 2 && stage <= 3 {
				stage = 3
				continue
			}
			v.Text = fmt.Sprintf("an event was handled after %q", life(order, stage))
		case at == stage+1, e.Kind == Disconnecting && stage == 2:
			stage = at
			continue
		default:
			v.Text = fmt.Sprintf("%q after %q", e.Kind, life(order, stage))
			stage = max(stage, at)
		}
		x.fault(v)
	}
	finished := x.shutdown != never && slices.ContainsFunc(x.entries, func(e Entry) bool { return e.Kind == ShutDown && e.Err == OK })
	if finished && stage >= 0 && stage < len(order)-1 {
		x.fault(Violation{Rule: ruleLife, Socket: s.id, Conn: s.number(),
			Text: fmt.Sprintf("its life ends with %q, and Shutdown has returned", life(order, stage))})
	}
	if finished && stage < 0 && s.admitted > 0 && !s.recovered() { // who is cut off while it is sent what it missed was not told of
		x.fault(Violation{Rule: ruleLife, Socket: s.id, Conn: s.number(), Text: "the client was admitted, and no function told"})
	}
}

func (s *socket) number() int {
	if s.conn == nil {
		return 0
	}
	return s.conn.n
}

func life(order []Kind, stage int) string {
	if stage < 0 {
		return "nothing"
	}
	return order[stage].String()
}

// judgeReason: a socket ends for a reason, and all functions are told the same.
func (x *index) judgeReason(s *socket, terms Terms) {
	told := ""
	for _, e := range s.server {
		if e.Kind != Disconnecting && e.Kind != Disconnected && e.Kind != Closed {
			continue
		}
		v := Violation{Rule: ruleReason, Socket: s.id, Conn: s.number()}
		if told != "" && e.Reason != told {
			v.Text = fmt.Sprintf("%q first, then %q", told, e.Reason)
			x.fault(v)
		}
		told = e.Reason
		if e.Kind != Disconnecting || s.conn == nil {
			continue
		}
		before := func(cause *Entry) bool { return cause != nil && cause.Seq < e.Seq }
		c := s.conn
		so := false
		switch e.Reason {
		case "client namespace disconnect":
			so = s.left < e.Seq
		case "server namespace disconnect":
			so = s.ending < e.Seq
		case "forced server close", "forced close":
			so = s.ending < e.Seq && s.whole
		case "server shutting down":
			so = x.shutdown < e.Seq
		case "transport close", "transport error":
			so = before(c.hungUp) || before(c.stopped) || // who takes nothing is cut off after WriteTimeout
				x.claimedElsewhere(s, e)
		case "ping timeout":
			so = before(c.hungUp) || before(c.silenced) || before(c.stopped) || before(c.lost) // in an upgrade that failed
		case "slow consumer":
			so = before(c.stopped) || before(c.silenced) || before(c.hungUp) || terms.Scarce || x.cutShort(s)
		case "flooding":
			so = s.overloaded > 0
		}
		if !so {
			v.Text = fmt.Sprintf("ended with %q, for which there was no cause", e.Reason)
			x.fault(v)
		}
	}
}

// judgeMembership: the rooms of a socket are those that it joined and did not leave, at
// any time, and when it ends.
func (x *index) judgeMembership(s *socket, terms Terms) {
	check := func(e *Entry, during span) { x.judgeRoomsOf(s, e, during) }
	for _, e := range s.server {
		switch e.Kind {
		case Greeting:
			if s.recovered() && s.known != never {
				check(e, span{s.asked, e.Seq})
			}
		case Disconnecting:
			check(e, span{s.earliestEnd(x), e.Seq})
			if !slices.Contains(e.Rooms, s.id) {
				x.fault(Violation{Rule: ruleRooms, Socket: s.id, Conn: s.number(), Text: "OnDisconnecting without its own room"})
			}
		case Disconnected:
			if len(e.Rooms) > 0 {
				x.fault(Violation{Rule: ruleRooms, Socket: s.id, Conn: s.number(), Text: "OnDisconnect with rooms"})
			}
		}
	}
	if x.settled == nil || s.conn == nil {
		return
	}
	switch {
	case s.present() && s.alive == nil:
		x.fault(Violation{Rule: ruleRooms, Socket: s.id, Conn: s.number(), Text: "the client is connected, and the server does not know it"})
	case s.alive != nil && s.present():
		check(s.alive, span{s.alive.Seq, s.alive.Seq})
	case s.alive != nil && s.ended < s.alive.Seq:
		x.fault(Violation{Rule: ruleRooms, Socket: s.id, Conn: s.number(), Text: "the socket has ended, and is still in the namespace"})
	case s.alive != nil && !terms.Hasty && (s.conn.hungUp != nil || s.conn.lost != nil || s.conn.silenced != nil || s.left != never || s.dismissed != never):
		x.fault(Violation{Rule: ruleRooms, Socket: s.id, Conn: s.number(), Text: "the client is gone, and its socket is still there"})
	}
}

// earliestEnd is the first place at which the socket may have ended.
func (s *socket) earliestEnd(x *index) int {
	switch s.reason() {
	case "slow consumer", "flooding":
		return 0 // nobody notes when the queue was full
	}
	first := min(s.left, s.ending, x.shutdown)
	if s.conn != nil {
		for _, e := range []*Entry{s.conn.hungUp, s.conn.silenced, s.conn.stopped} {
			if e != nil {
				first = min(first, e.Seq)
			}
		}
	}
	if first == never || x.recovery != nil && (first > s.ended || x.contested(s)) {
		return 0
	}
	return first
}

// judgeRoomsOf compares the rooms that an entry tells with those that the socket may have
// been in.
func (x *index) judgeRoomsOf(s *socket, e *Entry, during span) {
	rooms := map[string]bool{}
	for room := range s.session.rooms {
		rooms[room] = true
	}
	for room := range x.everyone[s.namespace] {
		rooms[room] = true
	}
	for _, room := range e.Rooms {
		rooms[room] = true
	}
	for room := range rooms {
		surely, maybe := x.member(s, room, during)
		in := slices.Contains(e.Rooms, room)
		v := Violation{Rule: ruleRooms, Socket: s.id, Conn: s.number()}
		switch {
		case in && !maybe:
			v.Text = fmt.Sprintf("%s: is in %q, which it left or never joined", e.Kind, room)
			x.fault(v)
		case !in && surely:
			v.Text = fmt.Sprintf("%s: is not in %q, which it joined", e.Kind, room)
			x.fault(v)
		}
	}
}
