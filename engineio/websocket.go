package engineio

import (
	"errors"
	"net/http"

	"github.com/kachi-io/kachi/engineio/packet"
	"github.com/kachi-io/kachi/engineio/websocket"
)

// badHandshake refuses what is no proper WebSocket handshake, before a connection is
// taken over.
func badHandshake(w http.ResponseWriter, bad *websocket.HandshakeError) Refusal {
	if bad.Status == http.StatusUpgradeRequired {
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Sec-WebSocket-Version", "13")
	}
	return Refusal{Status: bad.Status, Code: CodeBadRequest, Cause: CauseTransportHandshake, Err: bad}
}

// openWebSocket begins a session on WebSocket. When it returns, so does the handler, and
// what net/http holds for the request is free.
func (s *Session) openWebSocket(w http.ResponseWriter, r *http.Request) {
	s.runHeadersHook(w.Header(), r, true)
	conn, err := websocket.Accept(w, r, &s.server.accepting)
	if err != nil {
		s.server.log.Debug("WebSocket handshake failed", "error", err, "remote", r.RemoteAddr)
		s.unhold() // nobody has heard of it
		return
	}
	s.open(conn)
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
	if hook := s.server.opts.Hooks.Opened; hook != nil {
		hook(s)
	}
	opened = true

	s.mu.Lock()
	defer s.mu.Unlock()
	s.receiver = receiver
	switch s.state.Load() {
	case stateClosed: // ended while the receiver was being made
		s.unfinished.conn = conn
		go s.finish(*s.unfinished)
		s.unfinished = nil
		return
	case stateOpening:
		s.state.Store(stateOpen)
		s.arm(beatPing, s.server.opts.PingInterval)
	}
	if conn == nil {
		return
	}
	_ = conn.Queue(websocket.NewFrame(websocket.Text, packet.AppendText(nil, packet.Open, s.server.openPacket(s.id, WebSocket))))
	if initial := s.server.opts.InitialPacket; len(initial) > 0 {
		_ = conn.Queue(websocket.NewFrame(websocket.Text, packet.AppendText(nil, packet.Message, initial)))
	}
	s.hold()
	s.moveTo(conn)
	go s.read(conn)
}

// moveTo makes conn the session's transport, behind what waits: from here on senders find
// conn. It touches memory only. Under mu.
func (s *Session) moveTo(conn *websocket.Conn) {
	p, full := s.polling, false
	for _, m := range p.outbox.Pop(nil, p.outbox.Len(), p.outbox.Bytes()) {
		// It fitted before; a candidate that does not read its answers has filled the rest.
		full = full || conn.Queue(m.wire()) == websocket.ErrFull
	}
	s.polling = nil
	s.conn.Store(conn)
	if full {
		s.endLocked(SlowConsumer, ErrSlowConsumer, false)
	}
	if s.state.Load() == stateClosing {
		s.disarm()
		_ = conn.Close(websocket.StatusNoStatus, "")
	}
}

// read handles what comes over the session's connection until it ends. It is all that
// runs for an idle session.
func (s *Session) read(conn *websocket.Conn) {
	defer s.unhold()
	for {
		t, data, err := conn.Read()
		if err != nil {
			s.connEnded(err)
			return
		}
		s.receive.Lock()
		if t == websocket.Binary {
			s.take(packet.Packet{Type: packet.Message, Data: data, Binary: true}, nil)
		} else {
			p, err := packet.ParseText(data)
			s.take(p, err)
		}
		s.receive.Unlock()
	}
}

// connEnded gives the end of a connection its reason. As in the reference, a connection
// that breaks counts as closed by the client; an error is a rule that it broke.
func (s *Session) connEnded(err error) {
	reason := TransportClose
	var violation *websocket.ProtocolError
	var tooBig *websocket.TooBigError
	switch {
	case errors.As(err, &tooBig):
		reason = TransportError
		if hook := s.server.opts.Hooks.Oversized; hook != nil {
			s.guard(func() { hook(s, tooBig.Size, int64(tooBig.Limit)) })
		}
		err = errors.Join(ErrPayloadTooBig, err)
	case errors.As(err, &violation), errors.Is(err, websocket.ErrWriteTimeout):
		reason = TransportError
	}
	s.end(reason, err, true)
}
