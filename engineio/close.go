package engineio

import (
	"runtime/debug"

	"github.com/kachi-io/kachi/engineio/packet"
	"github.com/kachi-io/kachi/engineio/websocket"
)

// farewell is what a close frame says. The zero value says nothing.
type farewell struct {
	code websocket.StatusCode
	text string
}

// close closes a connection behind what waits for it.
func (f farewell) close(c *websocket.Conn) {
	if f.code == 0 || c.Close(f.code, f.text) != nil { // closed already, or no code to be sent
		_ = c.Close(websocket.StatusNoStatus, "")
	}
}

// cut closes a connection at once, with a close frame where it takes one.
func (f farewell) cut(c *websocket.Conn) {
	if f.code == 0 || c.CloseNowWith(f.code, f.text) != nil {
		_ = c.CloseNow()
	}
}

// Close ends the session after what waits for the client has been written, with the
// reason [ForcedClose]. What is sent after it is refused, and what the client still sends
// is dropped. A polling client has 30 s to come for the rest, a WebSocket client
// [Options.WriteTimeout] and 5 s to take it. Close returns at once and may be called by
// the receiver.
func (s *Session) Close() { s.closeWith(s.farewell(ForcedClose)) }

// CloseWith is [Session.Close] with a code and a text for the close frame, where the session
// is on WebSocket. A text over 123 bytes is cut, and a code that cannot be sent is left out.
func (s *Session) CloseWith(code websocket.StatusCode, text string) {
	s.closeWith(farewell{code, text})
}

func (s *Session) closeWith(f farewell) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Load() >= stateClosing {
		return
	}
	s.unfinished = &ending{farewell: f}
	conn := s.conn.Load()
	if conn != nil {
		if messages, _ := conn.Buffered(); messages == 0 {
			s.endLocked(ForcedClose, nil, true)
			return
		}
	}
	s.state.Store(stateClosing)
	s.disarm()
	if conn != nil {
		f.close(conn) // bounds itself, and ends the reader
		return
	}
	// Opening, or polling. An upgrade that succeeds all the same closes then.
	s.arm(beatLinger, lingerTimeout)
	s.polling.shut, s.polling.late = true, s.polling.waiting == nil
	s.polling.wake()
	s.polling.tellRoom()
}

// Abort ends the session at once and discards what waits for the client. reason and err
// are those that [Receiver.Closed] gets. It may be called with locks held: nothing is
// called back before it returns.
func (s *Session) Abort(reason Reason, err error) { s.end(reason, err, false) }

// end is the one way to the state closed; whoever comes second is too late. orderly
// closes a WebSocket connection with a close frame, behind what waits for it; otherwise
// it is cut.
func (s *Session) end(reason Reason, err error, orderly bool) {
	s.mu.Lock()
	s.endLocked(reason, err, orderly)
	s.mu.Unlock()
}

func (s *Session) endLocked(reason Reason, err error, orderly bool) {
	if s.state.Load() == stateClosed {
		return
	}
	if s.state.Load() == stateClosing && orderly {
		reason = ForcedClose // the server began it, however the client reacts
	}
	s.state.Store(stateClosed)
	s.reason, s.err = reason, err
	s.disarm()
	e := ending{conn: s.conn.Load(), orderly: orderly}
	if s.unfinished != nil {
		e.farewell = s.unfinished.farewell
	}
	if c := s.upgrade; c != nil {
		s.upgrade, e.candidate = nil, c.conn
		c.disarm()
		c.err = ErrClosed
	}
	if p := s.polling; p != nil {
		p.outbox.Clear()
		e.get, e.post = p.writing, p.post
		p.arrived() // whoever waits for a poll has the turn that finish waits for
		p.last = lastPacket(reason)
		p.ring()
		p.tellRoom()
	}
	if s.receiver == nil { // still being made: open sees to the rest
		s.unfinished = &e
		return
	}
	go s.finish(e)
}

// lastPacket answers the poll that waits when its session ends: a client that has said
// good-bye itself gets a noop, any other the close packet.
func lastPacket(reason Reason) packet.Type {
	if reason == TransportClose {
		return packet.Noop
	}
	return packet.Close
}

// shutDown is Abort by [Server.Shutdown], which may come again.
func (s *Session) shutDown() {
	s.mu.Lock()
	s.endLocked(ServerShuttingDown, nil, false)
	before := s.reason != ServerShuttingDown
	c := s.conn.Load()
	s.mu.Unlock()
	if before && c != nil { // and waiting for the client's good-bye
		_ = c.CloseNow()
	}
}

// ending is what is left to do when a session has been closed.
type ending struct {
	farewell        farewell
	conn, candidate *websocket.Conn
	orderly         bool
	get, post       *exchange
}

func (s *Session) finish(e ending) {
	if e.conn != nil {
		makeWay(e.conn.RemoteAddr()) // many who go do not delay those who stay
	}
	if e.sendsFarewell(s.reason) {
		e.farewell = s.farewell(s.reason)
	}
	for _, c := range []*websocket.Conn{e.conn, e.candidate} {
		switch {
		case c == nil:
		case e.orderly:
			e.farewell.close(c)
		default:
			e.farewell.cut(c)
		}
	}
	if e.get != nil {
		e.get.release()
	}
	if e.post != nil {
		e.post.release()
	}
	s.receive.Lock()
	s.guard(func() { s.receiver.Closed(s.reason, s.err) })
	s.receive.Unlock()
	s.server.log.Debug("session closed", "sid", s.id, "reason", string(s.reason), "error", s.err)
	s.guard(func() { s.server.opts.Hooks.Closed(s, s.reason, s.err) })
	s.unhold()
}

// guard runs a call of the receiver. net/http recovers the panics of its handlers; a
// panic on a goroutine of ours would end the process for what one client has sent.
func (s *Session) guard(call func()) {
	defer func() {
		if p := recover(); p != nil {
			s.server.log.Error("panic in a receiver", "sid", s.id, "panic", p, "stack", string(debug.Stack()))
			s.Abort(TransportError, errPanic)
		}
	}()
	call()
}
