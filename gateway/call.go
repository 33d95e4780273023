package gateway

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/kachi-io/kachi/internal/wheel"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/packet"
)

// Call is something that a client wants done: an event, or a request over HTTP. Guards,
// interceptors and filters are given it, whatever the principal's type; handlers have it in
// their [Context]. It is a context that ends with the socket, or the request; an
// interceptor may put another in its place ([Call.SetContext]).
//
// A Call belongs to the goroutine that handles it.
type Call struct {
	context.Context

	app        *App
	route      *route          // nil but for events
	connection *connection     // nil for HTTP
	event      *socketio.Event // nil but for events
	request    *http.Request   // nil but for HTTP
	pattern    string
	who        *identity // nil before authentication
	input      any       // a pointer to it, once it has been decoded
	typed      any       // the *Context[P] of the handler

	timer wheel.Timer  // of the answer
	reply atomic.Int32 // how far the answer is: one of those below
	sent  *packet.Args // what came, for [Options].EchoInput; nil where nobody wants it
}

// What has become of the answer to a call.
const (
	unanswered int32 = iota
	ackedByHand
	timedOut // the client was told so
	answered // or is about to be
)

// Caller is a [*Call] or a [*Context]: who calls, as guards and as handlers know it.
type Caller interface{ call() *Call }

func (c *Call) call() *Call { return c }

// SetContext has the call go on with another context: one with a value, or a deadline.
func (c *Call) SetContext(ctx context.Context) { c.Context = ctx }

// Pattern names what is being handled: the event; "connect", also for the guards of
// [Namespace.Admit]; "disconnecting" or "disconnect"; or a request's method and path pattern.
func (c *Call) Pattern() string { return c.pattern }

// Namespace returns the name of the namespace, "" for a request over HTTP.
func (c *Call) Namespace() string {
	if c.connection == nil {
		return ""
	}
	return c.connection.socket.Namespace().Name()
}

// Param returns a parameter: of the namespace's pattern, or of the path under which a
// client came, or of a request's.
func (c *Call) Param(name string) string {
	if c.connection == nil {
		return c.request.PathValue(name)
	}
	if v := c.connection.socket.Namespace().Param(name); v != "" {
		return v
	}
	return c.connection.socket.Handshake().Param(name)
}

// Args returns the event's arguments as they came.
func (c *Call) Args() packet.Args {
	if c.event == nil {
		return packet.Args{}
	}
	return c.event.Args()
}

// WantsAck reports whether the client asked for an acknowledgement.
func (c *Call) WantsAck() bool { return c.event != nil && c.event.WantsAck() }

// Ack acknowledges the event by hand: the handler's result is then not sent, and an error
// that it returns is logged, and reaches the client as an event or not at all
// ([ErrorMode]). A second call returns [socketio.ErrAnswered], as does one after the
// time-out; when the values cannot be encoded, the event is not acknowledged. Where the
// client did not ask for an acknowledgement it does nothing.
func (c *Call) Ack(values ...any) (err error) {
	if !c.WantsAck() {
		return nil
	}
	if !c.reply.CompareAndSwap(unanswered, ackedByHand) {
		return socketio.ErrAnswered
	}
	sent := false
	defer func() { // also of a value that panics
		if !sent {
			c.reply.Store(unanswered)
		}
	}()
	err = c.event.Ack(values...)
	sent = err == nil || errors.Is(err, socketio.ErrAnswered) || errors.Is(err, socketio.ErrClosed)
	return err
}

// Request returns the request of a call over HTTP, nil for others.
func (c *Call) Request() *http.Request { return c.request }

// Socket returns the socket below, nil for calls over HTTP. What is done with it passes by
// what this package adds.
func (c *Call) Socket() *socketio.Socket {
	if c.connection == nil {
		return nil
	}
	return c.connection.socket
}

// Input returns a pointer to the decoded input, nil before it was decoded: for interceptors
// behind their next.
func (c *Call) Input() any { return c.input }

// Principal returns who calls, as its gateway's [Authenticator] said.
func (c *Call) Principal() any {
	if c.who == nil {
		return nil
	}
	return c.who.principal
}

// Key returns what identifies the principal, see [Identity]; "" where nothing does.
func (c *Call) Key() string {
	if c.who == nil {
		return ""
	}
	return c.who.key
}

// Gone reports whether the client has gone: nobody is there for the answer, and what fails
// for it is no fault.
func (c *Call) Gone() bool {
	if c.connection == nil {
		return c.request.Context().Err() != nil
	}
	return c.connection.socket.Context().Err() != nil
}

// Handshake returns how the client came.
func (c *Call) Handshake() *Handshake {
	if c.connection != nil {
		return c.connection.handshake
	}
	return &Handshake{request: c.request, app: c.app}
}

// Context is the call of a handler whose gateway authenticates principals of type P. It is
// a context.Context, to be handed on: [PrincipalFrom] finds the principal in it.
type Context[P any] struct {
	*Call
	Principal P
}

type principalKey[P any] struct{}

// Value implements context.Context.
func (c *Context[P]) Value(key any) any {
	switch key {
	case principalKey[P]{}:
		return c.Principal
	case callKey{}:
		return c.Call
	}
	return c.Call.Value(key)
}

// PrincipalFrom returns who calls, by the context of a handler of a gateway or of a request
// behind [Protect]: for services that are called from both.
func PrincipalFrom[P any](ctx context.Context) (P, bool) {
	p, ok := ctx.Value(principalKey[P]{}).(P)
	return p, ok
}

type callKey struct{}

// CallFrom returns the call by the context of a handler of a gateway or of a request behind
// [Protect]: for code that both call, and frameworks that hand on nothing but the context.
func CallFrom(ctx context.Context) (*Call, bool) {
	c, ok := ctx.Value(callKey{}).(*Call)
	return c, ok
}

// frame is a call and its context, made together.
type frame[P any] struct {
	call Call
	ctx  Context[P]
}

// newFrame makes the call of a connection.
func newFrame[P any](ctx context.Context, conn *connection, pattern string) *frame[P] {
	f := new(frame[P])
	who := conn.who.Load()
	f.call = Call{Context: ctx, app: conn.app, connection: conn, pattern: pattern, who: who, typed: &f.ctx}
	f.ctx.Call = &f.call
	if who != nil {
		f.ctx.Principal, _ = who.principal.(P)
	}
	return f
}
