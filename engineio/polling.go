package engineio

import (
	"net/http"
	"slices"
	"time"

	"github.com/kachi-io/kachi/engineio/packet"
	"github.com/kachi-io/kachi/internal/outbox"
)

// polling is what a session has besides while HTTP long-polling carries it: one GET at a
// time that waits for something to send, and one POST at a time that brings something.
// All of it is under the session's mu.
//
// A GET is free for its successor from the moment its answer is being written, since the
// client may be faster with the next one than the handler with its return. The successor
// waits until the answer is out.
type polling struct {
	outbox  outbox.Queue[*Message]
	bell    chan struct{} // rings for the GET that waits; made by the first
	waiting *exchange     // that GET
	writing *exchange     // the GET whose answer is being written
	post    *exchange
	arrival chan struct{} // closed by the next GET, where somebody wants to know
	room    chan struct{} // closed when outbox has room again, where somebody waits for it
	since   time.Duration // when outbox was last empty, on the server's clock; with BatchDelay

	beat, noop bool        // packets to send: the server's part of the heartbeat, and noop
	shut       bool        // a close packet is to be sent, after everything else
	late       bool        // no GET waited when the server closed
	last       packet.Type // for the GET that waits when the session is closed
}

// sendable reports whether a GET has something to take.
func (p *polling) sendable() bool {
	return p.writing == nil && (p.outbox.Len() > 0 || p.beat || p.noop || p.shut)
}

// wake rings where there is a GET and something for it.
func (p *polling) wake() {
	if p.waiting != nil && p.sendable() {
		p.ring()
	}
}

func (p *polling) ring() {
	select {
	case p.bell <- struct{}{}:
	default: // rung already, or nobody there
	}
}

// arrived tells whoever waits for a poll that one is there, or that none will be.
func (p *polling) arrived() {
	if p.arrival != nil {
		close(p.arrival)
		p.arrival = nil
	}
}

// openPolling answers a handshake over polling.
func (s *Session) openPolling(w http.ResponseWriter, r *http.Request, accept func(*Session) Receiver) {
	s.open(nil, accept)
	b := buffers.Get().(*buffer)
	defer b.release()
	b.add(s, packet.Packet{Type: packet.Open, Data: s.server.openPacket(s.id, Polling)})
	if initial := s.server.opts.InitialPacket; len(initial) > 0 {
		b.add(s, packet.Packet{Type: packet.Message, Data: initial})
	}
	if s.server.opts.Cookie != nil {
		w.Header().Add("Set-Cookie", s.server.cookie(s.id))
	}
	x := newExchange(w, r)
	if err := s.answer(x, b, true, true); err != nil {
		s.end(TransportError, err, true)
	}
}

// handlePoll serves a GET: it waits until there is something to send.
func (s *Session) handlePoll(w http.ResponseWriter, r *http.Request, q request) {
	x := newExchange(w, r)
	s.mu.Lock()
	p := s.polling
	if p == nil || s.state.Load() == stateClosed {
		s.mu.Unlock()
		s.refuseLate(w, r, q)
		return
	}
	if p.waiting != nil {
		s.endLocked(TransportError, ErrOverlap, true)
		s.mu.Unlock()
		s.refused(r, http.StatusBadRequest, CauseOverlap, ErrOverlap)
		_ = x.answer(http.StatusBadRequest, nil, s.server.opts.WriteTimeout)
		return
	}
	if p.bell == nil {
		p.bell = make(chan struct{}, 1)
	}
	p.waiting = x
	p.arrived()
	held := !p.sendable() || s.gathering() > 0
	p.wake()
	s.mu.Unlock()
	var late <-chan time.Time // the host is about to lose patience
	if held {
		if limit, limited := x.hold(); limited {
			timer := time.NewTimer(limit)
			defer timer.Stop()
			late = timer.C
		}
	}
	var gathered <-chan time.Time // what waits has waited for more
	for {
		select {
		case <-late:
			s.releasePoll(p, x)
			continue
		case <-gathered:
		case <-p.bell:
		case <-r.Context().Done():
			s.mu.Lock()
			// An upgrade or a close that came first have had their effect.
			if s.polling == p && p.waiting == x {
				p.waiting = nil
				s.endLocked(TransportError, ErrPollDropped, true)
			}
			s.mu.Unlock()
			x.leave()
			return
		}
		done, wait := s.answerPoll(p, x, q)
		if done {
			return
		}
		if wait > 0 {
			gathered = time.After(wait)
		}
	}
}

// releasePoll answers a GET with a noop, so that its client comes with the next one.
func (s *Session) releasePoll(p *polling, x *exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.waiting == x {
		p.noop = true
		p.wake()
	}
}

// answerPoll answers a GET, if there is something to say. wait tells that there is, and
// that it waits for more.
func (s *Session) answerPoll(p *polling, x *exchange, q request) (done bool, wait time.Duration) {
	b := buffers.Get().(*buffer)
	defer b.release()
	s.mu.Lock()
	if s.polling != p { // the transport has changed
		s.mu.Unlock()
		s.refuseLate(x.w, x.r, q)
		return true, 0
	}
	if s.state.Load() == stateClosed {
		b.add(s, packet.Packet{Type: p.last})
		s.mu.Unlock()
		_ = s.answer(x, b, false, false)
		return true, 0
	}
	if wait = s.gathering(); wait > 0 || !p.sendable() {
		s.mu.Unlock()
		return false, wait
	}
	final := s.takeFor(b)
	p.waiting, p.writing = nil, x
	if s.server.queue.Roomy(p.outbox.Len(), p.outbox.Bytes()) {
		p.tellRoom()
	}
	s.mu.Unlock()

	compressible := b.encode(s)
	err := s.answer(x, b, compressible, false)

	s.mu.Lock()
	p.writing = nil
	p.wake()
	switch {
	case err != nil:
		s.endLocked(TransportError, err, true)
	case final:
		s.endLocked(ForcedClose, nil, true)
	}
	s.mu.Unlock()
	return true, 0
}

// takeFor moves what is to be sent into b: the heartbeat first, then messages of about
// MaxPayload bytes, and a close packet when nothing is left. The close packet comes by a
// poll of its own: the official client hands messages on in its next turn, but closes at
// once, so that a packet in front of it, "disconnect" say, would come too late. Under mu.
func (s *Session) takeFor(b *buffer) (final bool) {
	p := s.polling
	b.messages = p.outbox.Pop(b.messages, p.outbox.Len(), s.server.opts.MaxPayload)
	if len(b.messages) > 0 {
		p.late = p.shut // its client comes at once for the close packet
	}
	b.binary = s.protocol == 3 && !s.base64 && slices.ContainsFunc(b.messages, (*Message).hasBinary)
	if p.beat {
		b.add(s, packet.Packet{Type: s.beatType()})
	}
	idle := len(b.messages) == 0 && !p.beat
	final = p.shut && p.outbox.Len() == 0 && len(b.messages) == 0
	if idle && (p.noop || final && p.late) {
		b.add(s, packet.Packet{Type: packet.Noop})
	}
	b.closing = final
	p.beat, p.noop = false, false
	return final
}

// tellRoom lets those look again that wait for room. Under mu.
func (p *polling) tellRoom() {
	if p.room != nil {
		close(p.room)
		p.room = nil
	}
}

// refuseLate refuses a request whose session has ended, or changed its transport, since
// the server looked.
func (s *Session) refuseLate(w http.ResponseWriter, r *http.Request, q request) {
	f := Refusal{Request: r, Code: CodeUnknownSession}
	if s.state.Load() != stateClosed {
		f = Refusal{Request: r, Session: s, Code: CodeBadRequest, Cause: CauseTransportMismatch}
	}
	s.server.refuse(w, q, f)
}
