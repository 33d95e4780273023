// Package socketio is a Socket.IO server (Socket.IO protocol 5 over Engine.IO protocol
// 4): every Socket.IO client of version 3 or 4, in every language, connects unchanged.
//
//	srv := socketio.NewServer(&socketio.Options{AllowedOrigins: []string{"https://example.com"}})
//	chat := srv.Of("/chat")
//	chat.On("join", func(ctx context.Context, e *socketio.Event) error {
//		var room string
//		if err := e.Decode(&room); err != nil {
//			return err
//		}
//		e.Socket().Join(room)
//		return e.Ack(room)
//	})
//	http.Handle("/socket.io/", srv)
//
// # The parts
//
// A [Server] is an http.Handler that mounts in any router. It carries namespaces
// ([Server.Of]); a client is connected to each of them by a [Socket] of its own. A
// [Namespace] holds one table of handlers for all its sockets, registered before or
// after clients connect. [Namespace.To] and its like make a [Broadcast], a value that
// selects sockets and can be kept and shared. [Server.Dynamic] has namespaces by a pattern,
// "/room-{id}", which exist while somebody is in them.
//
// # Who speaks what
//
// ServeHTTP serves the protocol's JSON encoding. [Server.Handler] makes a handler for
// another one, [Server.PlainHandler] one for clients that have a WebSocket and no library,
// and [Options.AllowEIO3] lets Socket.IO v2 clients in. All of them are in the same
// namespaces and rooms; docs/clients.md tells what each of them speaks.
//
// # What runs when
//
// A connection is first admitted (origins, limits), then a client asks for a namespace:
// the functions given to [Namespace.Use] run and may refuse it. When they agree, the
// client is told, and the functions given to [Namespace.OnConnect] run before the first
// event is handled. Events of one socket are handled in order, one at a time, on a
// goroutine that exists only while there is something to handle; acknowledgements are
// dealt with as they arrive, so a handler may ask its own client something and wait.
// When the socket ends, for whatever reason, [Namespace.OnDisconnecting] and
// [Namespace.OnDisconnect] run once each, after the events that had arrived.
//
// The context given to handlers ends with the socket. An event that arrived is handled
// even when its socket has ended meanwhile: what must be stored all the same takes
// context.WithoutCancel of it.
//
// # What reaches whom
//
// What one goroutine emits reaches a socket in that order, and all members of a room
// see what is sent to that room in one order; two rooms with the same members are two
// orders. Nothing is sent twice. What a slow client has not taken is held
// up to a bound; over it the client is disconnected with the reason "slow consumer".
//
// A handler that panics is recovered from, logged, and reported to [Hooks.Failed]; the
// process and the other sockets go on.
package socketio
