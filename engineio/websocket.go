package engineio

import (
	"errors"
	"fmt"
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
func (s *Session) openWebSocket(w http.ResponseWriter, r *http.Request, accept func(*Session) Receiver) {
	s.runHeadersHook(w.Header(), r, true)
	conn, err := websocket.Accept(w, r, &s.server.accepting)
	if err != nil {
		s.server.handshakeFailed(w, r, nil, err)
		s.unhold() // nobody has heard of it
		return
	}
	s.open(conn, accept)
}

// handshakeFailed notes a handshake that Accept has answered, or that broke while it did.
func (s *Server) handshakeFailed(w http.ResponseWriter, r *http.Request, session *Session, err error) {
	var refused *websocket.HandshakeError
	if !errors.As(err, &refused) {
		refused = &websocket.HandshakeError{} // there was no answer
	}
	if refused.Status == http.StatusNotImplemented {
		s.hidden.Do(func() {
			s.log.Warn("clients cannot use WebSocket here: middleware hides the connection behind a ResponseWriter without Hijack and Unwrap",
				"writer", fmt.Sprintf("%T", w), "error", err)
		})
	}
	s.refused(Refusal{Request: r, Session: session, Status: refused.Status, Code: CodeBadRequest,
		Message: refused.Reason, Cause: CauseTransportHandshake, Err: err})
}

// moveTo makes conn the session's transport, behind what waits: from here on senders find
// conn. It touches memory only. Under mu.
func (s *Session) moveTo(conn *websocket.Conn) {
	p, full := s.polling, false
	for _, m := range p.outbox.Pop(nil, p.outbox.Len(), p.outbox.Bytes()) {
		// It fitted before; a candidate that does not read its answers has filled the rest.
		if full {
			break
		}
		switch conn.Queue(s.frame(m)) {
		case websocket.ErrFull:
			full = true
		case websocket.ErrDropped: // it had been queued
			s.server.counts.evicted.Add(1)
		}
	}
	if !s.direct {
		s.server.counts.polling.Add(-1)
		s.server.counts.websocket.Add(1)
	}
	s.polling = nil
	s.conn.Store(conn)
	conn.Flush()
	p.tellRoom()
	if full {
		s.endLocked(SlowConsumer, ErrSlowConsumer, false)
	}
	if s.state.Load() == stateClosing {
		s.disarm()
		s.unfinished.farewell.close(conn)
	}
}

// reader is a session as the reader of its connection.
type reader Session

// Resume handles what has come, and leaves the connection alone until there is more. It
// goes on itself with the work that a message brought, for which a goroutine would have
// been started anyway. What has been read already is decoded first: of a burst of
// broadcasts, many then go into one write for each receiver.
func (r *reader) Resume(conn *websocket.Conn) { (*Session)(r).read(conn, r) }

func (s *Session) read(conn *websocket.Conn, r websocket.Reader) {
	var work Work
	long := false // it takes a while
	messages := 0
	for {
		t, data, err := conn.Read()
		if err != nil {
			conn.Received(messages)
			s.connEnded(err)
			s.unhold()
			break
		}
		if s.protocol == plain {
			(*plainReader)(s).Heard()
			if t == 0 { // no message
				if !conn.HasMessage() {
					conn.Received(messages)
					conn.Await(r)
					break
				}
				continue
			}
		}
		if !isHeartbeat(t, data) {
			growStack()
			messages++
		}
		if len(data) >= large {
			long = true
			makeWay(conn.RemoteAddr())
		}
		more := s.takeMessage(t, data)
		if work == nil {
			work = more
		} else if more != nil { // of another namespace
			go more.Run()
		}
		if !conn.HasMessage() {
			conn.Received(messages)
			conn.Await(r)
			break
		}
	}
	if work != nil {
		if long {
			makeWay(conn.RemoteAddr())
		}
		work.Run()
	}
}

// isHeartbeat recognizes what an idle client sends: a pong, in protocol 3 a ping.
func isHeartbeat(t websocket.MessageType, data []byte) bool {
	return t == websocket.Text && len(data) == 1 && (data[0] == '0'+byte(packet.Pong) || data[0] == '0'+byte(packet.Ping))
}

func (s *Session) takeMessage(t websocket.MessageType, data []byte) Work {
	p, err := packet.Packet{Type: packet.Message, Data: data, Binary: t == websocket.Binary}, error(nil)
	switch {
	case s.protocol == 4 && t == websocket.Text:
		p, err = packet.ParseText(data)
	case s.protocol == 3 && t == websocket.Text:
		p, err = packet.ParseTextV3(data)
	case s.protocol == 3:
		p, err = packet.ParseBinaryV3(data)
	}
	s.receive.Lock()
	defer s.receive.Unlock()
	work, _ := s.take(p, err)
	return work
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
		s.oversized(tooBig.Size, int64(tooBig.Limit))
		err = errors.Join(ErrPayloadTooBig, err)
	case errors.As(err, &violation), errors.Is(err, websocket.ErrWriteTimeout):
		reason = TransportError
	}
	s.end(reason, err, true)
}
