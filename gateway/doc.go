// Package gateway writes Socket.IO servers as typed handlers: what NestJS's gateways are to
// TypeScript, in plain Go. A gateway is a namespace and what its clients can ask for:
//
//	// Posted tells a room about a new message.
//	var Posted = gateway.NewEvent[Message]("message")
//
//	var rooms = gateway.NewRooms("chat")
//
//	type Chat struct{ store *Store }
//
//	func NewChat(store *Store, auth gateway.Authenticator[User]) gateway.Gateway {
//		c := &Chat{store}
//		return gateway.New("/chat", auth, c.register)
//	}
//
//	func (c *Chat) register(g *gateway.Namespace[User]) {
//		g.Emits(Posted)
//		gateway.On(g, "message", c.post).Authorize(c.isMember)
//		gateway.Handle(g, "join", c.join)
//	}
//
//	func (c *Chat) post(ctx *gateway.Context[User], in PostMessage) (Receipt, error) {
//		m, err := c.store.Append(ctx, ctx.Principal, in)
//		if err != nil {
//			return Receipt{}, err
//		}
//		return Receipt{ID: m.ID}, Posted.Emit(ctx, ctx.To(rooms.Of(in.Room)), m)
//	}
//
// Gateways are given to an [App], which is an http.Handler:
//
//	app, err := gateway.NewApp(nil, NewChat(store, auth))
//	http.Handle("/socket.io/", app)
//
// # The way of an event
//
// An event passes the [Layer]s around its handler: guards, then interceptors; its argument
// is decoded, strictly, into the handler's input (an input that a client may leave out is a
// pointer), put in order ([Normalized]) and validated
// ([Validator], [Validated]); the route authorizes ([Route.Authorize]); the handler runs; the
// result goes back through the interceptors and is the acknowledgement. An error passes the
// filters. Events of one socket are handled in order, one at a time, unless their route is
// [Route.Parallel].
//
// Packages limit, validate and intercept have guards, a validator and interceptors that are
// ready to use. A call that is made again can be answered as it was first:
// [Route.Idempotent].
//
// Every acknowledgement that a client asks for is given exactly once: a result, an error,
// "not_found" for an event that nobody handles, "timeout" when its handler takes longer than
// [Options].ReplyTimeout.
//
// # Errors
//
// An [*Error] has a code for programs and a message for people, and clients see it. Any
// other error, a panic too, is logged, and clients see "Internal error". Clients see one
// shape, {"status":"error","code":…,"message":…,"details":…,"cause":{"pattern":…}}: in the
// acknowledgement, or as the event "exception" where they asked for none ([ErrorMode]).
//
// # Who calls
//
// An [Authenticator] says who a client is before it is admitted; handlers find that in
// [Context], as the type that they know it to be. An identity may expire, be renewed in
// place ([Refresher]), and be taken back ([App.Revoke]). [Protect] has requests over HTTP
// pass the same authenticators and guards. Package gateway/auth admits by JSON Web Tokens.
//
// # Sending
//
// Events that a server sends are values with a type ([NewEvent]), declared by the namespaces
// that send them. Handlers send by their context ([Call.To]), services by a [Hub], which is
// made before anything else and knows no handler.
package gateway
