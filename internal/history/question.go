package history

import (
	"fmt"
	"slices"
)

// judgeQuestion: a call that asks returns once; with what the client said first; or after
// its time, where somebody said nothing; or when the client has left.
func (x *index) judgeQuestion(m *message, sockets []*socket, terms Terms) {
	done := m.done
	if done == nil {
		if x.settled != nil {
			x.fault(Violation{Rule: ruleAsks, IDs: []int{m.ID}, Text: fmt.Sprintf("the call that asks #%d has not returned", m.ID)})
		}
		return
	}
	fault := func(s *socket, format string, args ...any) {
		v := Violation{Rule: ruleAsks, IDs: []int{m.ID}, Text: fmt.Sprintf("#%d: ", m.ID) + fmt.Sprintf(format, args...)}
		if s != nil {
			v.Conn, v.Socket = s.number(), s.id
		}
		x.fault(v)
	}
	took := done.At - m.At
	switch {
	case done.Err == ErrTimeout && took < m.Timeout:
		fault(nil, "timed out after %s of %s", took, m.Timeout)
	case done.Err != ErrClosed && took > m.Timeout+terms.Slack:
		fault(nil, "took %s, its time was %s", took, m.Timeout)
	case m.Socket == "" && done.Err == ErrTimeout && done.Missing == 0:
		fault(nil, "timed out, and nobody's answer is missing")
	}
	for i, a := range done.Answers {
		s := x.answerer(a.Socket, m.ID)
		if s == nil {
			fault(nil, "answered by a socket that nobody knows")
			continue
		}
		first := s.answered[m.ID]
		_, maybe := x.meant(m, s)
		switch {
		case slices.ContainsFunc(done.Answers[:i], func(other Answer) bool { return other.Socket == a.Socket }):
			fault(s, "two answers of one socket")
		case !maybe:
			fault(s, "answered by a socket that was not asked")
		case len(first) == 0:
			fault(s, "an answer that the client did not give")
		case first[0].Text != a.Text:
			fault(s, "the answer is %q, the client said %q first", a.Text, first[0].Text)
		}
	}
	for _, s := range sockets {
		x.judgeAsked(m, s, terms, fault)
	}
}

// judgeAsked looks for an answer that should have been returned.
func (x *index) judgeAsked(m *message, s *socket, terms Terms, fault func(*socket, string, ...any)) {
	surely, _ := x.meant(m, s)
	if !surely || s.conn == nil || s.known > m.from && m.Socket == "" {
		return
	}
	if m.done.Err == ErrClosed {
		if m.Socket == "" {
			return // the adapter was closed
		}
		ended := s.earliestEnd(x) < m.done.Seq && s.earliestEnd(x) > 0 || s.ended < m.done.Seq || terms.Scarce || x.claimedElsewhere(s, m.done) || x.cutShort(s)
		if !ended && s.known < m.from {
			fault(s, "returned %q, and the socket has not ended", m.done.Err)
		}
		return
	}
	if x.settled == nil || !s.present() || m.done.Err == ErrSlow || m.done.Err == ErrDropped {
		return
	}
	answered := slices.ContainsFunc(m.done.Answers, func(a Answer) bool { return a.Socket == s.id })
	said := s.answered[m.ID]
	inTime := len(said) > 0 && said[0].At+terms.Slack < m.At+m.Timeout
	if inTime && !answered && !(m.Volatile && terms.Scarce) {
		fault(s, "the client answered in time, and the call returned %q without it", m.done.Err)
	}
}
