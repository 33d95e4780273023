package engineio

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kachi-io/kachi/engineio/websocket"
	"github.com/kachi-io/kachi/internal/outbox"
	"github.com/kachi-io/kachi/internal/wheel"
)

// The life of a session:
//
//	opening ── OPEN is on its way ──▶ open ── Close ──▶ closing ──▶ closed
//	   └───────────────┴──────── Abort, the client, a time-out ──────▲
//
// In opening the receiver is being made; what is sent waits behind OPEN. In closing
// nothing is taken any more, neither from the client nor for it, and the backlog is being
// written. The step to closed is taken once, in endLocked, and starts the goroutine that
// releases what waits for the network, calls Receiver.Closed and drops the session's hold
// on itself (finish). A session stays known, and counted by the limits, until that
// goroutine and the readers of its WebSocket connections have returned (holds).
//
// The locks, in this order; none is held while writing to the network:
//
//	receive    while one packet after another is handed to the receiver, and for Closed
//	mu         state, transport, what a polling session has to send
//	exchange.mu, the locks of websocket.Conn, wheel.Wheel and registry
//
// receive is no lock over data but the turn to speak: user code runs in it (the
// receiver), and it is never taken by a method that user code may call.

// Session is the connection of one client, whatever transport carries it at the moment.
// All its methods are safe for concurrent use and none of them blocks.
type Session struct {
	server    *Server
	id        string
	handshake *Handshake
	ctx       context.Context
	receiver  Receiver

	// conn is the WebSocket connection that carries the session; nil while polling does,
	// and while opening. It is set once, under mu.
	conn  atomic.Pointer[websocket.Conn]
	state atomic.Uint32 // written under mu
	holds atomic.Int32

	receive sync.Mutex

	mu         sync.Mutex
	polling    *polling   // nil when conn is set
	upgrade    *candidate // WebSocket connection that may take over
	timer      wheel.Timer
	due        time.Duration // when the timer's time is, on the server's clock
	beat       heartbeat
	direct     bool        // began on WebSocket
	protocol   uint8       // 4, 3, or 0: plain
	base64     bool        // the transport has nothing binary; protocol 3. Set with conn
	heard      atomic.Bool // the client, since the last ping; of plain sessions
	reason     Reason      // once closed
	err        error
	unfinished *ending // what is known of the end before it comes, or before there is a receiver
}

const (
	stateOpening uint32 = iota
	stateOpen
	stateClosing
	stateClosed
)

func newSession(server *Server, id string, protocol uint8, t Transport, h *Handshake, ctx context.Context) *Session {
	s := &Session{server: server, id: id, handshake: h, ctx: ctx, protocol: protocol, direct: t == WebSocket}
	s.polling = &polling{outbox: outbox.Queue[*Message]{Chunks: &server.chunks}}
	s.holds.Store(1)
	return s
}

// ID returns the session's id. Whoever knows it can take part in the session, so it is
// for the client alone.
func (s *Session) ID() string { return s.id }

// Handshake returns what is kept of the first request.
func (s *Session) Handshake() *Handshake { return s.handshake }

// Context returns the context made by [Options.ConnContext], or a background context. It
// carries values only: it does not end with the session.
func (s *Session) Context() context.Context { return s.ctx }

// Transport returns what carries the session at the moment.
func (s *Session) Transport() Transport {
	if s.direct || s.conn.Load() != nil {
		return WebSocket
	}
	return Polling
}

// Upgraded reports whether the session began on polling and is now on WebSocket.
func (s *Session) Upgraded() bool { return !s.direct && s.conn.Load() != nil }

// Protocol returns the revision of the Engine.IO protocol: 4, 3 ([Options.AllowEIO3]), or 0
// for a plain session.
func (s *Session) Protocol() int { return int(s.protocol) }

// Subprotocol returns the WebSocket subprotocol that was agreed on, or "".
func (s *Session) Subprotocol() string {
	if c := s.conn.Load(); c != nil {
		return c.Subprotocol()
	}
	return ""
}

// alive reports whether requests of the client find the session.
func (s *Session) alive() bool {
	s.expireOverdue()
	state := s.state.Load()
	return state == stateOpen || state == stateClosing
}

// Send queues a message for the client, and writes it at once where nothing is in the
// way. It never blocks. Messages of one goroutine arrive in order.
//
// [ErrClosed]: the session is closed or closing. [ErrSlowConsumer]: the bounds of the
// queue are reached; the session is being closed. [ErrDropped]: they are reached, and the
// message was volatile. [ErrMessageKind]: one of plain and Engine.IO sessions got a message
// that was made for the other.
func (s *Session) Send(m *Message) error { return s.SendIf(m, nil) }

// Gate says whether something may still be sent: see [Session.SendIf].
type Gate = websocket.Gate

// SendIf is Send that does nothing, and returns [ErrClosed], where g, unless it is nil, is
// shut. A message that is queued once it is shut comes behind all that passed it.
func (s *Session) SendIf(m *Message, g Gate) error {
	err := s.send(m, g, (*websocket.Conn).SendIf)
	if err == ErrDropped && s.server.opts.Hooks.Dropped != nil {
		s.server.opts.Hooks.Dropped(s, m)
	}
	return err
}

// Queue is [Session.Send] for broadcasts: it only touches memory and leaves the write to
// other goroutines, which gather what comes in quick succession. It may be called with
// locks held: nothing is called back before it returns.
func (s *Session) Queue(m *Message) error { return s.send(m, nil, queue) }

func queue(c *websocket.Conn, f *websocket.Frame, _ Gate) error { return c.Queue(f) }

func (s *Session) send(m *Message, g Gate, write func(*websocket.Conn, *websocket.Frame, Gate) error) error {
	if m.plain != (s.protocol == plain) {
		return ErrMessageKind
	}
	c := s.conn.Load()
	if c == nil {
		s.mu.Lock()
		if c = s.conn.Load(); c == nil {
			defer s.mu.Unlock()
			if g != nil && !g.Open() {
				return ErrClosed
			}
			return s.enqueue(m)
		}
		s.mu.Unlock()
	}
	if s.state.Load() >= stateClosing {
		return ErrClosed
	}
	switch err := write(c, s.frame(m), g); err {
	case nil:
		return nil
	case websocket.ErrDropped:
		return s.server.dropped()
	case websocket.ErrFull:
		s.Abort(SlowConsumer, ErrSlowConsumer)
		return ErrSlowConsumer
	default:
		return ErrClosed
	}
}

// enqueue is send for a session that no connection carries. Under mu.
func (s *Session) enqueue(m *Message) error {
	if s.state.Load() >= stateClosing {
		return ErrClosed
	}
	switch s.polling.outbox.Push(m, s.size(m), m.Volatile, s.server.queue) {
	case outbox.Dropped:
		return s.server.dropped()
	case outbox.Full:
		s.endLocked(SlowConsumer, ErrSlowConsumer, false)
		return ErrSlowConsumer
	}
	if s.polling.outbox.Len() == 1 {
		s.startGathering()
		s.polling.wake()
	} else if s.gathering() == 0 {
		s.polling.wake()
	}
	return nil
}

// Buffered returns what waits for the client: messages, and their bytes.
func (s *Session) Buffered() (messages, bytes int) {
	if c := s.conn.Load(); c != nil {
		return c.Buffered()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.polling == nil {
		return 0, 0
	}
	return s.polling.outbox.Len(), s.polling.outbox.Bytes()
}

// Room waits until the client has taken so much that no more than half of
// [Options.MaxQueuedMessages] and [Options.MaxQueuedBytes] is waiting: who asks before
// each Send is held back instead of ending a slow client. It returns [ErrClosed] when the
// session ends first, or the context's error.
func (s *Session) Room(ctx context.Context) error {
	for {
		s.mu.Lock()
		p := s.polling
		switch {
		case s.state.Load() >= stateClosing:
			s.mu.Unlock()
			return ErrClosed
		case p == nil:
			s.mu.Unlock()
			if err := s.conn.Load().Room(ctx); err != websocket.ErrClosed {
				return err
			}
			return ErrClosed
		case s.server.queue.Roomy(p.outbox.Len(), p.outbox.Bytes()):
			s.mu.Unlock()
			return nil
		case p.room == nil:
			p.room = make(chan struct{})
		}
		room := p.room
		s.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// hold keeps the session known for one more goroutine; each is given back with unhold.
func (s *Session) hold() { s.holds.Add(1) }

func (s *Session) unhold() {
	if s.holds.Add(-1) == 0 {
		s.server.gone(s)
	}
}
