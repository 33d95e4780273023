package history

import (
	"cmp"
	"fmt"
)

// Rules that are found broken while a client's entries are read.
const (
	ruleAdmission  = "Admission"
	ruleAfterEnd   = "Nothing after the end"
	ruleDuplicates = "Duplicates"
	ruleOrder      = "Order"
	ruleRoomOrder  = "Order of a room"
	ruleLoss       = "Loss"
	ruleTarget     = "Who is meant"
	ruleErrors     = "Errors of sending"
	ruleEvents     = "Incoming events"
	ruleAcks       = "Acknowledgements"
	ruleAsks       = "Questions"
	ruleLife       = "Lifecycle"
	ruleReason     = "Reasons"
	ruleRooms      = "Rooms"
	ruleReturn     = "Coming back"
	ruleReplay     = "Kept events"
	ruleExpiry     = "Expiry"
	ruleData       = "Data"
)

// client takes an entry of a client.
func (x *index) client(e *Entry) {
	c := x.conn(e.Conn)
	current := c.current[e.Namespace]
	switch e.Kind {
	case Asked:
		c.pending[e.Namespace] = e.Seq
		c.claims[e.Namespace] = &claim{conn: c, asked: e}
		x.claims = append(x.claims, c.claims[e.Namespace])
	case Admitted:
		x.admitted(c, current, e)
	case Refused:
		if c.pending[e.Namespace] == 0 {
			x.fault(Violation{Rule: ruleAdmission, Conn: c.n, Text: "CONNECT_ERROR without a CONNECT for " + e.Namespace})
		}
		delete(c.pending, e.Namespace)
		delete(c.early, e.Namespace)
		c.claims[e.Namespace].answered(e)
	case Dismissed:
		switch {
		case current != nil && current.dismissed == never:
			current.dismissed = e.Seq
		case c.pending[e.Namespace] > 0:
			delete(c.pending, e.Namespace) // ended before it was admitted
			delete(c.early, e.Namespace)
			c.claims[e.Namespace].answered(e)
		default:
			x.fault(Violation{Rule: ruleAfterEnd, Conn: c.n, Text: "DISCONNECT for " + e.Namespace + ", which the client is not in"})
		}
	case Left:
		if current != nil {
			current.left = min(current.left, e.Seq)
		}
	case Sent:
		if e.Socket == "" {
			c.early[e.Namespace] = append(c.early[e.Namespace], e)
			return
		}
		s := x.socket(e)
		s.sent = append(s.sent, e)
	case Got, Acked:
		x.arrived(c, current, e)
	case Answered:
		s := x.socket(e)
		s.answered[e.ID] = append(s.answered[e.ID], e)
	case Silenced:
		c.silenced = cmp.Or(c.silenced, e)
	case Stopped:
		c.stopped = cmp.Or(c.stopped, e)
	case HungUp:
		switch {
		case x.settled != nil: // how a schedule cleans up is not judged
		case c.hungUp == nil:
			c.hungUp = new(*e)
		default:
			c.hungUp.Orderly = false // it did not wait for the end of its good-bye
		}
	case Lost:
		if x.settled == nil {
			c.lost = e
		}
	}
}

func (x *index) admitted(c *conn, current *socket, e *Entry) {
	s := x.socket(e)
	switch {
	case c.pending[e.Namespace] == 0:
		x.fault(Violation{Rule: ruleAdmission, Conn: c.n, Socket: s.id, Text: "CONNECT was answered twice, or never asked"})
	case current != nil && current.dismissed == never && current.left == never:
		x.fault(Violation{Rule: ruleAdmission, Conn: c.n, Socket: s.id, Text: "admitted while the client is in the namespace"})
	}
	s.asked, s.admitted = c.pending[e.Namespace], e.Seq
	if claim := c.claims[e.Namespace]; claim != nil {
		if claim.answered(e); claim.answer == e { // or it has been answered, which is told above
			claim.socket, s.claim = s, claim
		}
	}
	s.sent = append(s.sent, c.early[e.Namespace]...)
	delete(c.pending, e.Namespace)
	delete(c.early, e.Namespace)
	c.current[e.Namespace] = s
	c.sockets = append(c.sockets, s)
}

// arrived takes what the server sent in a namespace.
func (x *index) arrived(c *conn, current *socket, e *Entry) {
	c.wire = append(c.wire, e)
	switch {
	case (current == nil || current.dismissed != never) && e.Kind == Acked && e.Text == Overload:
		return // of an event that did not wait for the answer
	case current == nil:
		x.fault(Violation{Rule: ruleAdmission, Conn: c.n, IDs: []int{e.ID},
			Text: fmt.Sprintf("%s #%d before CONNECT's answer", e.Kind, e.ID)})
		return
	case current.dismissed != never:
		x.fault(Violation{Rule: ruleAfterEnd, Conn: c.n, Socket: current.id, IDs: []int{e.ID},
			Text: fmt.Sprintf("%s #%d after DISCONNECT", e.Kind, e.ID)})
		return
	}
	if e.Kind == Acked {
		current.acked[e.ID] = append(current.acked[e.ID], e)
		return
	}
	current.got = append(current.got, e)
}
