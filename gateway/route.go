package gateway

import (
	"context"
	"fmt"
	"iter"
	"reflect"
	"runtime"
	"time"

	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/packet"
)

// route is one event of a namespace, and what handles it.
type route struct {
	event, description, source string
	in, out                    reflect.Type
	layers                     []Layer
	errors                     *ErrorMode
	patience                   time.Duration // 0: the app's
	parallel                   int           // calls at once beside the mailbox; 0: in the mailbox
	stream                     *outgoing     // nil but for streams
	deprecated                 string
	since                      int           // version of the application's protocol
	window                     time.Duration // of answers that are repeated
	secret                     bool          // its input is nobody's business
	keyMember                  string        // of the input: what calls are known again by
	wrong                      []string      // mistakes in the registration

	core     Handler // decode, validate, authorize, handle
	newFrame func(ctx context.Context, conn *connection, pattern string) *Call
	chain    *chain
}

// Route is what was registered for one event. Its methods are for registration: once the
// app is made they have no effect.
type Route[P, In, Out any] struct {
	route     *route
	decode    func(a packet.Args, in *In) error
	examine   func(c *Call, in *In) error
	authorize func(*Context[P], In) error

	idempotencyKey func(In) string // nil: none
}

// On registers the handler of an event. The client's argument is decoded into In, strictly,
// and validated; the result is the acknowledgement. See [None], [Args2], [Rest] and [Raw]
// for other inputs, [Reply] for another answer.
func On[P, In, Out any](g *Namespace[P], event string, handle func(*Context[P], In) (Out, error)) *Route[P, In, Out] {
	r := newRoute[P, In, Out](g, event, caller(1))
	if handle == nil {
		g.wrong(r.route.source, "event %q has no handler", event)
	}
	r.route.core = func(c *Call) (any, error) {
		in, err := r.input(c)
		if err != nil {
			return nil, err
		}
		if r.idempotencyKey != nil {
			return r.once(c, in, func() (any, error) { return handle(c.typed.(*Context[P]), *in) })
		}
		out, err := handle(c.typed.(*Context[P]), *in)
		if err != nil {
			return nil, err
		}
		return out, nil
	}
	return r
}

// Handle is [On] for a handler without a result: the acknowledgement is empty.
func Handle[P, In any](g *Namespace[P], event string, handle func(*Context[P], In) error) *Route[P, In, None] {
	r := newRoute[P, In, None](g, event, caller(1))
	if handle == nil {
		g.wrong(r.route.source, "event %q has no handler", event)
	}
	r.route.core = func(c *Call) (any, error) {
		in, err := r.input(c)
		if err != nil {
			return nil, err
		}
		if r.idempotencyKey != nil {
			return r.once(c, in, func() (any, error) { return None{}, handle(c.typed.(*Context[P]), *in) })
		}
		return None{}, handle(c.typed.(*Context[P]), *in)
	}
	return r
}

// Streamed is the acknowledgement of a stream that came to its end.
type Streamed struct {
	Count int `json:"count"` // of the items that were sent
}

// Stream is [On] for a handler with many results: each is sent as the event item to the
// client alone, no faster than the client takes them, and at the end the acknowledgement
// says how many there were. It stops when the socket ends: the iteration is then left, and
// the context is done. The time after which the client is answered with "timeout" begins anew
// with each item. Streams run beside the other events of a socket, four at once unless
// [Route.Parallel] says otherwise.
func Stream[P, In, Out any](g *Namespace[P], event string, item OutEvent[Out], handle func(*Context[P], In) iter.Seq2[Out, error]) *Route[P, In, Streamed] {
	r := newRoute[P, In, Streamed](g, event, caller(1))
	r.route.parallel = 4
	if item.outgoing == nil || handle == nil {
		g.wrong(r.route.source, "stream %q has no event for its items, or no handler", event)
		return r
	}
	r.route.stream = item.outgoing
	g.declare(item.outgoing)
	r.route.core = func(c *Call) (any, error) {
		in, err := r.input(c)
		if err != nil {
			return nil, err
		}
		n := 0
		for out, err := range handle(c.typed.(*Context[P]), *in) {
			if err != nil {
				return nil, err
			}
			if err := c.connection.space.emitting(c, item.outgoing, func() error {
				return c.connection.socket.EmitContext(c, item.name, spread(out)...)
			}); err != nil {
				return nil, err
			}
			n++
			c.arm()
		}
		return Streamed{n}, nil
	}
	return r
}

func newRoute[P, In, Out any](g *Namespace[P], event, source string) *Route[P, In, Out] {
	r := &Route[P, In, Out]{decode: decoderOf[In](), examine: examiner[In](), route: &route{
		event: event, source: source, in: reflect.TypeFor[In](), out: reflect.TypeFor[Out](),
		newFrame: func(ctx context.Context, conn *connection, pattern string) *Call {
			return &newFrame[P](ctx, conn, pattern).call
		},
	}}
	g.add(r.route)
	return r
}

// input decodes, validates and authorizes.
func (r *Route[P, In, Out]) input(c *Call) (*In, error) {
	in := new(In)
	if err := r.decode(c.event.Args(), in); err != nil {
		return nil, err
	}
	c.input = in
	if err := r.examine(c, in); err != nil {
		return nil, err
	}
	if r.authorize != nil {
		if err := r.authorize(c.typed.(*Context[P]), *in); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// Authorize has a function decide about each call when its input is known: whether this
// principal may do that. Its error refuses the call.
func (r *Route[P, In, Out]) Authorize(may func(*Context[P], In) error) *Route[P, In, Out] {
	if may == nil {
		r.route.wrong = append(r.route.wrong, "Authorize takes a function")
		return r
	}
	if before := r.authorize; before != nil {
		after := may
		may = func(c *Context[P], in In) error {
			if err := before(c, in); err != nil {
				return err
			}
			return after(c, in)
		}
	}
	r.authorize = may
	return r
}

// Use puts layers around this route alone, inside those of the namespace.
func (r *Route[P, In, Out]) Use(layers ...Layer) *Route[P, In, Out] {
	r.route.layers = append(r.route.layers, layers...)
	return r
}

// Parallel has up to n calls of one socket run beside its other events, and in no order
// with them. By default a socket's events are handled one after the other.
func (r *Route[P, In, Out]) Parallel(n int) *Route[P, In, Out] {
	r.route.parallel = max(n, 0)
	return r
}

// Patience is how long a client waits for the acknowledgement before it is answered with
// the code "timeout"; the handler goes on. It counts from when the event's turn among those of
// its socket has come, time in which it waits for a turn of [Route.Parallel] included. Default [Options].ReplyTimeout; negative: for
// ever.
func (r *Route[P, In, Out]) Patience(d time.Duration) *Route[P, In, Out] {
	r.route.patience = d
	return r
}

// Errors says how the route's errors reach clients, in place of [Options].Errors.
func (r *Route[P, In, Out]) Errors(mode ErrorMode) *Route[P, In, Out] {
	if mode > ErrorsInBoth {
		r.route.wrong = append(r.route.wrong, fmt.Sprintf("Errors: there is no mode %d", mode))
	}
	r.route.errors = &mode
	return r
}

// Describe says what the event is for, in the documentation.
func (r *Route[P, In, Out]) Describe(text string) *Route[P, In, Out] {
	r.route.description = text
	return r
}

// Deprecated notes that clients should do something else, and what.
func (r *Route[P, In, Out]) Deprecated(instead string) *Route[P, In, Out] {
	r.route.deprecated = instead
	return r
}

// serve handles one event. Errors are answered here, so that it returns none.
func (r *route) serve(ctx context.Context, e *socketio.Event) error {
	conn := connectionOf(e.Socket())
	c := r.newFrame(ctx, conn, r.event)
	c.event, c.route = e, r
	if !c.enter() {
		return nil
	}
	if r.parallel == 0 {
		r.handle(c)
		return nil
	}
	turns := conn.turnsOf(r)
	select {
	case turns <- struct{}{}:
	case <-ctx.Done():
		c.disarm()
		return nil // nobody is there to be answered
	}
	conn.app.work.Add(1)
	conn.running.Add(1)
	go func() {
		defer conn.app.work.Done()
		defer conn.running.Done()
		defer func() { <-turns }()
		r.handle(c)
	}()
	return nil
}

func (r *route) handle(c *Call) {
	began := c.app.watched()
	out, err := r.chain.run(c)
	c.settle(began, out, err)
}

// turnsOf bounds the calls of a route beside the mailbox.
func (c *connection) turnsOf(r *route) chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	turns := c.turns[r]
	if turns == nil {
		if c.turns == nil {
			c.turns = map[*route]chan struct{}{}
		}
		turns = make(chan struct{}, r.parallel)
		c.turns[r] = turns
	}
	return turns
}

// caller returns the source line of the caller's caller, and so on.
func caller(skip int) string {
	if _, file, line, ok := runtime.Caller(skip + 1); ok {
		return fmt.Sprintf("%s:%d", file, line)
	}
	return "unknown"
}
