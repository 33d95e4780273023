package socketio

import (
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
)

// Hooks are functions that observe a server. Each may be nil. They are called on the
// goroutines that do the work, with no lock held, possibly many at once: they return
// quickly, do not block, and must not panic.
type Hooks struct {
	// Engine observes the connections below: opened, upgraded, refused, closed.
	Engine engineio.Hooks
	// Connected is called when a socket has been admitted to its namespace.
	Connected func(s *Socket)
	// Disconnected is called when a connected socket has ended.
	Disconnected func(s *Socket, reason Reason, err error)
	// Refused is called when a client was not admitted to a namespace: it does not
	// exist, or a middleware returned err.
	Refused func(conn *engineio.Session, namespace string, err error)
	// ProtocolError is called when a client broke the protocol; its connection is closed.
	ProtocolError func(conn *engineio.Session, err error)
	// Failed is called when a handler, a middleware or a lifecycle function returned an
	// error or panicked (*[PanicError]). event is its name, or "connect", "disconnecting",
	// "disconnect".
	Failed func(s *Socket, event string, err error)
	// Overloaded is called when an event was dropped because too many waited.
	Overloaded func(s *Socket, event string)
	// Unhandled is called when an event arrived for which nothing is registered.
	Unhandled func(s *Socket, event string)
	// Unanswered is called at a socket's end when clients asked for acknowledgements
	// that no handler gave.
	Unanswered func(s *Socket, count int)
	// UnexpectedAck is called when an acknowledgement arrived that nobody waits for: it
	// is late, repeated, or was never asked for.
	UnexpectedAck func(s *Socket, id int64)
	// Stray is called when a packet arrived for a socket that the server had just
	// disconnected; it is dropped.
	Stray func(conn *engineio.Session, namespace string)
}

// call runs a hook that may be nil.
func call1[A any](f func(A), a A) {
	if f != nil {
		f(a)
	}
}

func call2[A, B any](f func(A, B), a A, b B) {
	if f != nil {
		f(a, b)
	}
}

func call3[A, B, C any](f func(A, B, C), a A, b B, c C) {
	if f != nil {
		f(a, b, c)
	}
}
