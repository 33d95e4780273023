// Package client is a Socket.IO client (Socket.IO protocol 5 over Engine.IO protocol 4) for
// this project's server and for Node's, versions 3 and 4. It does what socket.io-client
// does, in Go's ways.
//
//	s, err := client.Connect(ctx, "https://example.com/chat", nil, func(s *client.Socket) {
//		client.On(s, "message", func(ctx context.Context, m Message) { show(m) })
//	})
//	if err != nil {
//		return err
//	}
//	defer s.Client().Close()
//	receipt, err := client.Ask[Receipt](ctx, s, "message", Post{Room: "general", Message: "hello"})
//
// # The parts
//
// A [Client] is a connection to one server; it opens, is lost and comes back. A [Socket] is
// the client's place in one namespace ([Client.Of]); all of them share the connection.
// [Connect] makes one of each. A program that wants several namespaces, or a server that
// may not be there yet, makes them itself:
//
//	c, err := client.New("https://example.com", &client.Options{…})
//	chat := c.Of("/chat", &client.SocketOptions{AuthFunc: token})
//	chat.OnDisconnect(func(ctx context.Context, reason client.Reason, err error) { … })
//	chat.Open()
//	defer c.Close()
//
// # What runs when
//
// Handlers, and the functions of OnConnect, OnConnectError and OnDisconnect, run one at a
// time for each socket, in the order of what they are about, on a goroutine that exists
// only while there is something to do. Acknowledgements are dealt with as they arrive, so a
// handler may ask the server something and wait: with its own context, by which the client
// knows that it is a handler that waits.
//
// What waits for handlers is bounded. Over the bound the client stops reading: nothing is
// lost, but all its sockets wait, and one that stalls for longer than the server's
// heartbeat costs the connection.
//
// # What is promised
//
//   - What one goroutine emits through a socket reaches the server in that order, over
//     reconnections, too. Events of one socket are handled in the order in which the server
//     sent them.
//   - An event is sent at most once. It may be lost when the connection is, between the
//     moment in which it is handed to the network and its handling; what has not been
//     handed over by then is kept and sent on the next connection.
//   - With [SocketOptions.Retries] an event is sent at least once, again until it is
//     acknowledged, at most Retries times more; the server may see it twice. The order
//     holds. What fails at last is told to [Hooks.Undelivered].
//   - An [Asker].Ask returns: the answer, or an error by which it is known whether the event
//     was never sent ([ErrBufferFull], [ErrTooLarge] and the like) or may have been handled
//     ([ErrDisconnected], [ErrAckTimeout]).
//   - What the server sends is handled at most once, and without recovery what it sends
//     while the client is away is lost. From a server with connection state recovery it is
//     handled once, in order, as long as the server keeps the session: see
//     [Socket.Recovered].
package client
