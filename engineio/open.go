package engineio

import (
	"net/http"
	"time"

	"github.com/kachi-io/kachi/engineio/packet"
	"github.com/kachi-io/kachi/engineio/websocket"
)

// handshake begins a session, or refuses to. The order of the checks is the reference's,
// with the limits before what may be costly.
func (s *Server) handshake(w http.ResponseWriter, r *http.Request, q request, from client) {
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
	if cause := s.limits.admit(from.addr); cause != "" {
		s.refuse(w, q, Refusal{Request: r, Status: http.StatusServiceUnavailable, Code: CodeForbidden,
			Cause: cause, Message: "Too many connections"})
		return
	}
	counted := true // until a session answers for it
	release := func() {
		if counted {
			counted = false
			s.limits.release(from.addr)
		}
	}
	defer release() // whatever AllowRequest and the like do
	refuse := func(f Refusal) {
		release() // before the client hears of it, and tries again
		f.Request = r
		s.refuse(w, q, f)
	}
	if s.opts.AllowRequest != nil {
		if err := s.opts.AllowRequest(r); err != nil {
			refuse(Refusal{Code: CodeForbidden, Message: err.Error(), Err: err})
			return
		}
	}
	if q.protocol != "4" {
		refuse(Refusal{Code: CodeUnsupportedProtocol})
		return
	}
	if q.upgrade {
		if bad := websocket.CheckRequest(r); bad != nil {
			refuse(badHandshake(w, bad))
			return
		}
	}
	id, err := s.generateID(r)
	if err != nil {
		refuse(Refusal{Code: CodeBadRequest, Cause: CauseIDGeneration, Err: err})
		return
	}
	session := newSession(s, id, q.transport, newHandshake(r, from, time.Now()), s.connContext(r))
	if !s.sessions.add(session) {
		refuse(Refusal{Code: CodeBadRequest, Cause: CauseIDGeneration, Err: errIDTaken})
		return
	}
	counted = false
	s.counts.carriedBy(q.transport).Add(1)
	if s.closing.Load() { // Shutdown has looked already, or else it finds the session
		session.unhold()
		s.refuse(w, q, shuttingDown(r))
		return
	}
	if q.transport == WebSocket {
		session.openWebSocket(w, r)
	} else {
		session.openPolling(w, r)
	}
}

func shuttingDown(r *http.Request) Refusal {
	return Refusal{Request: r, Status: http.StatusServiceUnavailable, Code: CodeForbidden,
		Cause: CauseShutdown, Message: "Server shutting down"}
}

// open makes the receiver and opens the session on conn, or on polling when that is nil.
func (s *Session) open(conn *websocket.Conn) {
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
	receiver := s.server.accept(s)
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
		s.unfinished = nil
		return false
	case stateOpening:
		s.state.Store(stateOpen)
		s.arm(beatPing, s.server.opts.PingInterval)
	}
	if conn == nil {
		return false
	}
	_ = conn.Queue(websocket.NewFrame(websocket.Text, packet.AppendText(nil, packet.Open, s.server.openPacket(s.id, WebSocket))))
	if initial := s.server.opts.InitialPacket; len(initial) > 0 {
		_ = conn.Queue(websocket.NewFrame(websocket.Text, packet.AppendText(nil, packet.Message, initial)))
	}
	s.hold()
	s.moveTo(conn)
	return true
}
