// Package client is a Socket.IO client (Socket.IO protocol 5 over Engine.IO protocol 4) for
// this project's server and for Node's, versions 3 and 4. It does what socket.io-client 4.8
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
// # Connecting
//
// A [Client] is a connection to one server; it opens, is lost and comes back. A [Socket] is
// the client's place in one namespace ([Client.Of]); all of them share the connection.
// [Connect] makes one of each, and fails if the first attempt does: right for a command. A
// program that runs for long, whose server may not be there yet, or that wants several
// namespaces, makes them itself:
//
//	c, err := client.New("https://example.com", &client.Options{…})
//	defer c.Close()
//	chat := c.Of("/chat", &client.SocketOptions{AuthFunc: token})
//	chat.OnDisconnect(func(ctx context.Context, reason client.Reason, err error) { … })
//	chat.Open()            // goes on until it is connected, and whenever it was not
//	err = chat.Wait(ctx)   // if somebody wants to know when
//
// A connection that cannot be opened, or is lost, is tried again after a pause that grows
// from 1 s to 5 s; [Options] says how to change that. Three ends are final for a socket,
// and [Socket.Open] begins anew after them: the namespace refused it ([ConnectError]), the
// server put it out ([ServerDisconnect]), or it left ([Socket.Disconnect]).
//
// # Sending
//
// [Socket.Emit] sends an event and does not wait. What is emitted while there is no
// connection, or faster than the network takes it, is kept in order up to a bound
// ([ErrBufferFull]); [Socket.EmitContext] waits for room, and [Socket.Volatile] drops
// instead. [Ask] waits for the acknowledgement and decodes it; a failure in the form of this
// project's servers is an [*Error].
//
// Arguments are encoded by encoding/json, and a []byte, at any depth, travels as binary.
//
// # Receiving
//
// [On] registers a handler for an event's first argument; [Socket.On] one that sees the
// whole [Event], with further arguments and [Event.Ack] for events that the server wants
// answered. Register before connecting, and nothing is missed.
//
// Handlers, and the functions of OnConnect, OnConnectError and OnDisconnect, run one at a
// time for each socket, in the order of what they are about, on a goroutine that exists
// only while there is something to do. Acknowledgements are dealt with as they arrive, so a
// handler may ask the server something and wait: with its own context, by which the client
// knows that it is a handler that waits. Handlers of two sockets run at the same time.
//
// All methods of all types here may be called by any goroutine at any time, also from
// handlers and hooks. Options are read when a client or socket is made.
//
// # Slow handlers
//
// What waits for handlers is bounded ([Options.MailboxMessages]). Over the bound the client
// stops reading: nothing is lost, but all sockets of the connection wait. The server still
// gets signs of life, and sees a slow reader, for whom it has bounds of its own. When no
// handler returns for [Options.StallTimeout] the socket leaves, for the reason [Stalled], so
// that the others go on; it joins again by itself when what waits has been handled. A
// namespace whose handlers are slow by nature is best given a Client of its own.
//
// # Errors
//
//	errors.As(err, *ConnectError)    the namespace refused: Message, Code, Data
//	errors.As(err, *TransportError)  no connection, or it broke: a Code for each cause
//	errors.As(err, *AuthError)       AuthFunc failed, or auth that cannot be sent
//	errors.As(err, *Error)           the server answered a question with a failure
//	errors.Is(err, ErrAckTimeout)    no answer in time
//	errors.Is(err, ErrDisconnected)  the connection ended before the answer
//	errors.Is(err, ErrBufferFull)    too much waits to be sent
//	errors.Is(err, ErrTooLarge)      larger than the server takes
//	errors.Is(err, ErrClosed)        the client has been closed
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
//
// # For those who know socket.io-client
//
//	io(url, opts)                 Connect, or New and Client.Of
//	io({ autoConnect: false })    Client.Of; socket.connect() is Socket.Open
//	opts.auth, as a function      SocketOptions.Auth, AuthFunc
//	opts.extraHeaders             Options.Header
//	socket.emit(ev, …)            Socket.Emit
//	socket.emitWithAck(ev, …)     Ask, or Socket.Ask for several values
//	socket.timeout(ms)            the context's deadline, or SocketOptions.AckTimeout
//	socket.volatile.emit(ev, …)   Socket.Volatile().Emit
//	socket.on(ev, f)              On, or Socket.On; off is what they return
//	socket.onAny, onAnyOutgoing   Socket.OnAny, OnAnyOutgoing
//	"connect", "connect_error"    Socket.OnConnect, OnConnectError
//	"disconnect"                  Socket.OnDisconnect
//	socket.active                 State is not StateIdle
//	socket.disconnect()           Socket.Disconnect; Client.Close for all
//	manager "reconnect_attempt"   Hooks.Reconnecting
//	manager "reconnect_failed"    Hooks.ReconnectFailed
//
// Different are: what the engine had not written when a connection went is not lost but
// sent on the next; an event over the server's maxPayload is an error and not the end of
// the connection; redirects are not followed; buffers have bounds.
package client
