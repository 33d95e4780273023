// Package engineio serves Engine.IO sessions over HTTP: protocol 4, the transport below
// Socket.IO, spoken by every Socket.IO client since version 3, and, where
// [Options.AllowEIO3] says so, protocol 3, of the clients of Socket.IO 2.
//
// A session starts with a handshake over HTTP long-polling or over WebSocket, may move
// from the first to the second without losing or reordering a message, is kept alive by
// a heartbeat, and ends exactly once with a [Reason].
//
// A [Server] is an [http.Handler]. It looks at the query alone, never at the path, so
// that it mounts anywhere in any router:
//
//	srv := engineio.NewServer(accept, nil)
//	http.Handle("/engine.io/", srv)
//
// The function given to [NewServer] is called for every new [Session], before the client
// hears of it, and returns the [Receiver] of what the client sends. Sending is
// [Session.Send]: it never blocks. A [Message] is encoded once, however many sessions it
// is sent to.
//
// [Server.Handler] serves the same sessions with other receivers, [Server.PlainHandler]
// sessions that are WebSocket and nothing else, for clients without a library.
//
// Nothing in a session grows without a bound: what the client sends is bounded by
// [Options.MaxPayload], what waits for it by [Options.MaxQueuedMessages] and
// [Options.MaxQueuedBytes]. A client that does not take what is sent to it is
// disconnected with the reason [SlowConsumer].
//
// The server works below any [http.Server]: time-outs meant for ordinary requests are
// extended for polls (by [http.ResponseController], so a middleware that wraps the
// ResponseWriter should have an Unwrap method), polling works over HTTP/2, and WebSocket
// needs HTTP/1.1.
//
// Protocol: https://socket.io/docs/v4/engine-io-protocol/
package engineio
