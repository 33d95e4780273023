package engineio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/kachi-io/kachi/engineio/websocket"
)

// plain is the protocol of a session that is WebSocket and nothing else.
const plain = 0

// Plain configures a handler of plain sessions: see [Server.PlainHandler].
type Plain struct {
	// Accept makes the receiver of a session before the handshake is answered. It runs on
	// the request's goroutine and may take its time, until r.Context() ends: when the client
	// leaves, or by [Server.Shutdown]. The session counts for the limits meanwhile, and what
	// is sent to it waits.
	//
	// An error refuses the handshake: a [*StatusError] says with what, any other is
	// answered with status 500 and told to [Hooks.Refused] alone. Where it returns a
	// receiver, that one's Closed is called once, although the handshake may fail.
	Accept func(r *http.Request, s *Session) (Receiver, error)
	// Opened, unless it is nil, is called once when the handshake has been answered and
	// messages can be sent, and before any is read. It is not called for a session that
	// Accept has closed.
	Opened func(s *Session, r Receiver)
	// Subprotocols are those that the handler speaks, in order of preference. A client that
	// names none of them gets none; [Session.Subprotocol] is the one agreed on.
	Subprotocols []string
	// CloseStatus tells the code and the text of the close frame for a reason for which the
	// server closes a connection that works. It must not block, nor call anything of the
	// session: [Session.Close] asks it on its caller's goroutine. Where something waits for
	// a client that is cut off, [SlowConsumer] say, there is no close frame. Nil: 1001 for
	// [ServerShuttingDown] and 1000 for all others. The faults of a client that breaks the
	// rules of WebSocket have codes of their own: 1002, 1007, 1009.
	CloseStatus func(Reason) (websocket.StatusCode, string)
}

// StatusError refuses the handshake of a plain session over HTTP.
type StatusError struct {
	Status  int         // 400 to 599; anything else is sent as 500
	Code    string      // a word for programs, "unauthorized" say
	Message string      // for people
	Header  http.Header // added to the answer: WWW-Authenticate, say
	Body    []byte      // JSON; nil is {"code":Code,"message":Message}
	Err     error       // for the log, or nil
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns Err.
func (e *StatusError) Unwrap() error { return e.Err }

// PlainHandler returns a handler of plain sessions: WebSocket as it is (RFC 6455), where a
// text or a binary frame of the client is a message, and what [PlainMessage] makes goes out
// as it is. Clients need no library.
//
// All else is as with other sessions, limits, options, hooks and Shutdown included, but for
// Transports, DisableUpgrades and InitialPacket, which are about Engine.IO. The heartbeat is
// the ping and the pong of RFC 6455: every frame from the client is a sign of life, and
// without one within PingTimeout of a ping the session ends with [PingTimeout].
//
// What is refused is answered with a status and {"code":…,"message":…}, where code is a
// word: 426 for a request that is none for WebSocket. The sessions are not to be found by
// Engine.IO requests that name their id.
//
// It panics when Accept is nil.
func (s *Server) PlainHandler(p Plain) http.Handler {
	if p.Accept == nil {
		panic("engineio: Plain.Accept is nil")
	}
	p.Subprotocols = slices.Clone(p.Subprotocols)
	h := &plainHandler{Plain: p, server: s, accepting: s.accepting}
	h.accepting.Subprotocols = p.Subprotocols
	return h
}

type plainHandler struct {
	Plain
	server    *Server
	accepting websocket.Options
}

func (h *plainHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := h.server
	makeWay(r.Context().Value(http.LocalAddrContextKey))
	from := s.identify(r)
	switch s.checkOrigin(r, from) {
	case originMalformed:
		s.refusePlain(w, Refusal{Request: r, Status: http.StatusBadRequest, Code: CodeBadRequest, Cause: CauseInvalidOrigin})
		return
	case originRefused:
		s.refusePlain(w, Refusal{Request: r, Status: http.StatusForbidden, Code: CodeForbidden, Cause: CauseOrigin,
			Message: "Origin not allowed"})
		return
	}
	if bad := websocket.CheckRequest(r); bad != nil {
		s.refusePlain(w, h.badHandshake(w, r, bad))
		return
	}
	if s.closing.Load() {
		s.refusePlain(w, shuttingDown(r))
		return
	}
	session, refusal := s.admit(w, r, request{transport: WebSocket, upgrade: true, plain: true}, from)
	if session == nil {
		refusal.Request = r
		if refusal.Status == 0 {
			refusal.Status = http.StatusForbidden
			if refusal.Code != CodeForbidden {
				refusal.Status = http.StatusInternalServerError // there is no id
			}
		}
		s.refusePlain(w, refusal)
		return
	}
	session.handshake.detail().plain = &h.Plain
	session.openPlain(w, r, h)
}

// badHandshake is the refusal of a request that asks for no WebSocket, or not well.
func (h *plainHandler) badHandshake(w http.ResponseWriter, r *http.Request, bad *websocket.HandshakeError) Refusal {
	f := badHandshake(w, bad)
	f.Request, f.Message = r, "WebSocket handshake: "+bad.Reason
	switch {
	case r.ProtoMajor > 1: // where these headers do not exist
		w.Header().Del("Upgrade")
		f.Status = http.StatusBadRequest
	case bad.Status == http.StatusUpgradeRequired:
		w.Header().Set("Connection", "Upgrade")
	case bad.Status == http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodGet)
	}
	return f
}

// openPlain answers a handshake, or refuses to.
func (s *Session) openPlain(w http.ResponseWriter, r *http.Request, h *plainHandler) {
	left := false
	defer func() {
		if !left { // Accept panicked; net/http reports it
			s.vanish(nil, TransportError, errPanic)
		}
	}()
	receiver, err := s.acceptPlain(w, r, h)
	left = true
	switch {
	case s.server.closing.Load():
		s.vanish(receiver, ServerShuttingDown, nil)
		s.server.refusePlain(w, shuttingDown(r))
		return
	case err != nil:
		s.vanish(nil, TransportError, err)
		s.server.refusePlain(w, notAccepted(w, r, err))
		return
	}
	s.runHeadersHook(w.Header(), r, true)
	conn, err := websocket.Accept(w, r, &h.accepting)
	if err != nil {
		reason := TransportClose // as that of any connection that breaks
		if bad := (*websocket.HandshakeError)(nil); errors.As(err, &bad) {
			reason = TransportError
		}
		s.server.handshakeFailed(w, r, nil, err)
		s.vanish(receiver, reason, err)
		return
	}
	s.guard(func() { s.server.opts.Hooks.Opened(s) })
	s.receive.Lock() // Closed comes after Opened, whatever happens meanwhile
	reading := s.begin(receiver, conn)
	if reading && h.Opened != nil && s.state.Load() == stateOpen {
		s.guard(func() { h.Opened(s, receiver) })
	}
	s.receive.Unlock()
	if reading {
		conn.Await((*plainReader)(s))
	}
}

// acceptPlain asks for the receiver, without the time-outs of the host.
func (s *Session) acceptPlain(w http.ResponseWriter, r *http.Request, h *plainHandler) (Receiver, error) {
	x := newExchange(w, r)
	x.hold()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.server.ended, cancel)()
	receiver, err := h.Accept(r.WithContext(ctx), s)
	switch {
	case err != nil:
		return nil, err
	case receiver == nil:
		return nil, errNoReceiver
	}
	return receiver, nil
}

var errNoReceiver = errors.New("engineio: Plain.Accept returned neither a receiver nor an error")

// notAccepted is the refusal of a handshake because of what Accept returned.
func notAccepted(w http.ResponseWriter, r *http.Request, err error) Refusal {
	f := Refusal{Request: r, Status: http.StatusInternalServerError, Code: CodeForbidden, Cause: CauseAccept,
		Message: "Internal server error", Err: err}
	if told := (*StatusError)(nil); errors.As(err, &told) {
		for name, values := range told.Header {
			w.Header()[http.CanonicalHeaderKey(name)] = slices.Clone(values)
		}
		if told.Status >= 400 && told.Status < 600 {
			f.Status = told.Status
		}
		f.Message = told.Message
	}
	return f
}

// refusePlain answers with an error.
func (s *Server) refusePlain(w http.ResponseWriter, f Refusal) {
	if f.Message == "" {
		f.Message = codeMessages[f.Code]
	}
	code := strings.ToLower(f.Kind())
	var body []byte
	var told *StatusError
	switch {
	case errors.As(f.Err, &told):
		code, body = told.Code, told.Body
	case f.Status == http.StatusUpgradeRequired:
		code = "upgrade_required"
	case f.Status == http.StatusInternalServerError:
		code = "internal_error"
	}
	if body == nil {
		body, _ = json.Marshal(struct { // cannot fail: strings
			Code    string `json:"code"`
			Message string `json:"message"`
		}{code, f.Message})
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	askToReturn(h, f.Status)
	s.refused(f)
	_ = newExchange(w, f.Request).answer(f.Status, body, s.opts.WriteTimeout)
}

// vanish ends a session of which its client has not heard, and hooks neither. receiver is
// nil where there is none.
func (s *Session) vanish(receiver Receiver, reason Reason, err error) {
	s.mu.Lock()
	if s.state.Load() != stateClosed {
		s.state.Store(stateClosed)
		s.reason, s.err = reason, err
		s.disarm()
		s.polling.outbox.Clear()
		s.polling.tellRoom()
	}
	reason, err = s.reason, s.err
	s.mu.Unlock()
	if receiver != nil {
		s.guard(func() { receiver.Closed(reason, err) })
	}
	s.unhold()
}

// plainReader is a plain session as the reader of its connection.
type plainReader Session

// Resume is reader's.
func (r *plainReader) Resume(conn *websocket.Conn) { (*Session)(r).read(conn, r) }

// Heard notes a sign of life. The first after a ping puts off the next.
func (r *plainReader) Heard() {
	s := (*Session)(r)
	if !s.heard.Load() {
		s.heard.Store(true)
		s.ponged()
	}
}

var plainPing = websocket.NewPing(nil)

// farewell returns what a close frame says that tells of a reason.
func (s *Session) farewell(reason Reason) (f farewell) {
	if s.protocol != plain {
		return farewell{}
	}
	f.code = websocket.StatusNormalClosure
	if reason == ServerShuttingDown {
		f.code = websocket.StatusGoingAway
	}
	if status := s.handshake.more.plain.CloseStatus; status != nil {
		s.guard(func() { f.code, f.text = status(reason) })
	}
	return f
}

// sendsFarewell reports whether a reason is one for which the server closes a connection
// that works. The others are the client's.
func (e *ending) sendsFarewell(reason Reason) bool {
	return e.farewell.code == 0 && !(e.orderly && (reason == TransportClose || reason == TransportError))
}
