// Package websocket is the server's side of WebSocket connections (RFC 6455) with
// permessage-deflate (RFC 7692), made for servers with very many of them.
//
// Accept takes a connection over from an HTTP server. One goroutine reads messages
// with Conn.Read; any number send with Conn.Send and Conn.Queue, none of which waits
// for the network. What is sent is a Frame: it is encoded once, and shared by all the
// connections that receive it.
//
// An idle connection holds no buffers and, where it is read by Conn.Await over plain TCP on
// Linux, no goroutine. Over plain TCP, frames are written by whoever sends them, or by a few goroutines shared
// by all connections, and a connection has a goroutine of its own for writing only
// while its peer does not keep up. How much it may fall behind is bounded, see
// Options.Queue.
//
// The package neither checks origins nor sends pings: both belong to the layer above.
package websocket
