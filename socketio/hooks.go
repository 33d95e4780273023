package socketio

import (
	"log/slog"
	"runtime/debug"

	"github.com/kachi-io/kachi/engineio"
)

// Reason says why a socket ended. Besides those below it is one of
// [engineio.Reason]'s values: what ends a connection ends its sockets.
type Reason = engineio.Reason

// Reasons that concern one socket of a connection.
const (
	ReasonClientDisconnect Reason = "client namespace disconnect"
	ReasonServerDisconnect Reason = "server namespace disconnect"
	ReasonServerClose      Reason = "forced server close" // Disconnect(true)
	ReasonFlooding         Reason = "flooding"
	// For layers above, which end sockets with [Socket.DisconnectFor]: what the client was
	// admitted with is too old, or was taken back.
	ReasonExpired Reason = "expired"
	ReasonRevoked Reason = "revoked"
)

// Hooks are functions that observe a server. Each may be nil. They are called on the
// goroutines that do the work, with no lock held, possibly many at once: they return
// quickly and do not block. A panic in one is logged. [Server.Stats] counts what they are
// told, whether they are set or not.
type Hooks struct {
	// Engine observes the connections below: opened, upgraded, refused, closed. A client
	// that a broadcast finds too slow is closed with [engineio.SlowConsumer], which Closed
	// and Disconnected tell.
	Engine engineio.Hooks
	// Connected is called when a socket has been admitted to its namespace.
	Connected func(s *Socket)
	// Disconnected is called when a connected socket has ended.
	Disconnected func(s *Socket, reason Reason, err error)
	// Refused is called when a client was not admitted to a namespace: it does not
	// exist ([ErrNoNamespace]), cannot be opened, or a middleware returned err.
	Refused func(conn *engineio.Session, namespace string, err error)
	// Idle is called when a connection is closed because it joined no namespace within
	// [Options.ConnectTimeout].
	Idle func(conn *engineio.Session)
	// ProtocolError is called when a client broke the protocol; its connection is closed.
	ProtocolError func(conn *engineio.Session, err error)
	// Failed is called when a handler, a middleware or a lifecycle function returned an
	// error or panicked (*[PanicError]). event is its name, or "connect", "disconnecting",
	// "disconnect".
	Failed func(s *Socket, event string, err error)
	// Overloaded is called when an event was dropped because too many waited, or came too
	// fast: code is CodeOverloaded or CodeRateLimited.
	Overloaded func(s *Socket, event, code string)
	// Discarded is called when events that waited for their handlers were dropped together:
	// their socket was refused, or ended before it was admitted, or floods.
	Discarded func(s *Socket, count int)
	// Dropped is called when a volatile event was dropped for a socket whose queue was
	// full: emitted, asked or broadcast, and then once for each such socket, by the
	// goroutine that delivers it and after all have been served. A volatile event that had
	// been queued and made room for another one is only counted, see
	// [engineio.Stats.Evicted].
	Dropped func(s *Socket, event string)
	// Unhandled is called when an event arrived for which nothing is registered.
	Unhandled func(s *Socket, event string)
	// Unanswered is called at a socket's end when clients asked for acknowledgements
	// that no handler gave.
	Unanswered func(s *Socket, count int)
	// UnexpectedAck is called when an acknowledgement arrived that nobody waits for: it
	// is late, repeated, or was never asked for.
	UnexpectedAck func(s *Socket, id int64)
	// Stray is called when a packet arrived for a socket that the server had just
	// disconnected, or was just disconnecting; it is dropped.
	Stray func(conn *engineio.Session, namespace string)
	// Recovered is called when a client came back and went on where it left off (see
	// [Options].Recovery), before Connected; replayed is how many events it had missed.
	Recovered func(s *Socket, replayed int)
	// NotRecovered is called when a client came back too late, or after more than is
	// kept: it begins anew. Its socket is not admitted yet.
	NotRecovered func(s *Socket)
	// Expired is called when a session is given up whose client did not come back. socket
	// is the id that its socket had.
	Expired func(ns *Namespace, socket string)
	// NamespaceCreated is called when a namespace of a [Dynamic] has been opened, before
	// anybody is admitted to it.
	NamespaceCreated func(ns *Namespace)
	// NamespaceRemoved is called when a namespace of a [Dynamic] has been closed. One of the
	// same name opens only when it returns.
	NamespaceRemoved func(ns *Namespace)
}

// guarded returns hooks that can be called: none but Dropped is nil, and a panic is logged.
func (h Hooks) guarded(log *slog.Logger) Hooks {
	h.Connected = guard1(log, h.Connected)
	h.Disconnected = guard3(log, h.Disconnected)
	h.Refused = guard3(log, h.Refused)
	h.Idle = guard1(log, h.Idle)
	h.ProtocolError = guard2(log, h.ProtocolError)
	h.Failed = guard3(log, h.Failed)
	h.Overloaded = guard3(log, h.Overloaded)
	h.Discarded = guard2(log, h.Discarded)
	if h.Dropped != nil { // else nobody need note for whom an event was dropped
		h.Dropped = guard2(log, h.Dropped)
	}
	h.Unhandled = guard2(log, h.Unhandled)
	h.Unanswered = guard2(log, h.Unanswered)
	h.UnexpectedAck = guard2(log, h.UnexpectedAck)
	h.Stray = guard2(log, h.Stray)
	h.Recovered = guard2(log, h.Recovered)
	h.NotRecovered = guard1(log, h.NotRecovered)
	h.Expired = guard2(log, h.Expired)
	h.NamespaceCreated = guard1(log, h.NamespaceCreated)
	h.NamespaceRemoved = guard1(log, h.NamespaceRemoved)
	return h
}

func guard1[A any](log *slog.Logger, f func(A)) func(A) {
	if f == nil {
		return func(A) {}
	}
	return func(a A) { defer survive(log); f(a) }
}

func guard2[A, B any](log *slog.Logger, f func(A, B)) func(A, B) {
	if f == nil {
		return func(A, B) {}
	}
	return func(a A, b B) { defer survive(log); f(a, b) }
}

func guard3[A, B, C any](log *slog.Logger, f func(A, B, C)) func(A, B, C) {
	if f == nil {
		return func(A, B, C) {}
	}
	return func(a A, b B, c C) { defer survive(log); f(a, b, c) }
}

// survive is deferred.
func survive(log *slog.Logger) {
	if v := recover(); v != nil {
		log.Error("a hook panicked", "panic", v, "stack", string(debug.Stack()))
	}
}
