package engineio

import (
	"net/http"
	"time"

	"github.com/kachi-io/kachi/engineio/packet"
	"github.com/kachi-io/kachi/engineio/websocket"
)

// handshake begins a session, or refuses to. The order of the checks is the reference's,
// with the limits before what may be costly.
func (s *Server) handshake(w http.ResponseWriter, r *http.Request, q request, from client, accept func(*Session) Receiver) {
	switch {
	case q.transport == WebSocket && r.ProtoMajor >= 2:
		s.refuse(w, q, Refusal{Request: r, Code: CodeBadRequest, Cause: CauseTransportHandshake,
			Message: "WebSocket needs HTTP/1.1, this request came over HTTP/2 or later"})
		return
	case r.Method != http.MethodGet:
		s.refuse(w, q, Refusal{Request: r, Code: CodeBadHandshakeMethod})
		return
	case (q.transport == WebSocket) != q.upgrade:
		s.refuse(w, q, Refusal{Request: r, Code: CodeBadRequest, Cause: CauseTransportHandshake})
		return
	}
	if s.closing.Load() {
		s.refuse(w, q, shuttingDown(r))
		return
	}
	session, refusal := s.admit(w, r, q, from)
	if session == nil {
		refusal.Request = r
		s.refuse(w, q, refusal)
		return
	}
	if q.transport == WebSocket {
		session.openWebSocket(w, r, accept)
	} else {
		session.openPolling(w, r, accept)
	}
}

// admit makes a session for a request, within the limits, or says why it does not.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, q request, from client) (*Session, Refusal) {
	if cause := s.limits.admit(from.addr); cause != "" {
		return nil, Refusal{Status: http.StatusServiceUnavailable, Code: CodeForbidden,
			Cause: cause, Message: "Too many connections"}
	}
	counted := true // until a session answers for it
	defer func() {  // whatever AllowRequest and the like do, and before the client hears and tries again
		if counted {
			s.limits.release(from.addr)
		}
	}()
	if s.opts.AllowRequest != nil {
		if err := s.opts.AllowRequest(r); err != nil {
			return nil, Refusal{Code: CodeForbidden, Message: err.Error(), Err: err}
		}
	}
	protocol := uint8(plain)
	if !q.plain {
		if protocol = s.opts.revision(q.protocol); protocol == 0 {
			return nil, Refusal{Code: CodeUnsupportedProtocol}
		}
		if q.upgrade {
			if bad := websocket.CheckRequest(r); bad != nil {
				return nil, badHandshake(w, bad)
			}
		}
	}
	id, err := s.generateID(r)
	if err != nil {
		return nil, Refusal{Code: CodeBadRequest, Cause: CauseIDGeneration, Err: err}
	}
	session := newSession(s, id, protocol, q.transport, newHandshake(r, from, time.Now()), s.connContext(r))
	session.base64 = q.base64
	if !s.sessions.add(session) {
		return nil, Refusal{Code: CodeBadRequest, Cause: CauseIDGeneration, Err: errIDTaken}
	}
	counted = false
	s.counts.carriedBy(q.transport).Add(1)
	if s.closing.Load() { // Shutdown has looked already, or else it finds the session
		session.unhold()
		return nil, shuttingDown(r)
	}
	return session, Refusal{}
}

func shuttingDown(r *http.Request) Refusal {
	return Refusal{Request: r, Status: http.StatusServiceUnavailable, Code: CodeForbidden,
		Cause: CauseShutdown, Message: "Server shutting down"}
}

// open makes the receiver and opens the session on conn, or on polling when that is nil.
func (s *Session) open(conn *websocket.Conn, accept func(*Session) Receiver) {
	opened := false
	defer func() {
		if opened {
			return
		}
		// accept panicked; net/http reports it.
		if conn != nil {
			_ = conn.CloseNow()
		}
		s.unhold()
	}()
	receiver := accept(s)
	opened = true
	s.guard(func() { s.server.opts.Hooks.Opened(s) })
	if s.begin(receiver, conn) {
		conn.Await((*reader)(s))
	}
}

// begin opens the session, and reports whether conn is to be read.
func (s *Session) begin(receiver Receiver, conn *websocket.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.receiver = receiver
	switch s.state.Load() {
	case stateClosed: // ended while the receiver was being made
		s.unfinished.conn = conn
		go s.finish(*s.unfinished)
		return false
	case stateOpening:
		s.state.Store(stateOpen)
		s.startBeat()
	}
	if conn == nil {
		return false
	}
	if s.protocol != plain {
		_ = conn.Queue(websocket.NewFrame(websocket.Text, packet.AppendText(nil, packet.Open, s.server.openPacket(s.id, WebSocket))))
		if initial := s.server.opts.InitialPacket; len(initial) > 0 {
			_ = conn.Queue(websocket.NewFrame(websocket.Text, packet.AppendText(nil, packet.Message, initial)))
		}
	}
	s.hold()
	s.moveTo(conn)
	return true
}
