package gateway

import (
	"errors"
	"log/slog"
	"time"

	"github.com/kachi-io/kachi/internal/wheel"
	"github.com/kachi-io/kachi/socketio"
)

// Reply is a handler's result that is sent to the client as an event, and not as the
// acknowledgement, which is then empty. The namespace declares the event, like others that
// it sends ([Namespace.Emits]): one that it has not declared is known only when it is sent,
// and the client is answered "internal".
type Reply[T any] struct {
	Event OutEvent[T]
	Data  T
}

// replies is a result that sends itself.
type replies interface {
	send(c *Call) error
}

func (r Reply[T]) send(c *Call) error { return r.Event.Emit(c, c.Client(), r.Data) }

// answer gives the client what came of an event: exactly one answer where it asked for an
// acknowledgement.
func (c *Call) answer(out any, err error) {
	if c.event.WantsAck() && !c.settled.CompareAndSwap(false, true) {
		if err != nil { // the client was told of the time-out
			c.report(err)
		}
		return
	}
	if err == nil {
		err = c.succeed(out)
	}
	if err != nil {
		c.fail(err)
	}
}

func (c *Call) succeed(out any) error {
	if r, ok := out.(replies); ok {
		if err := r.send(c); err != nil {
			return err
		}
		out = None{}
	}
	if c.acked.Load() || !c.event.WantsAck() {
		return nil
	}
	err := c.event.Ack(spread(out)...)
	if errors.Is(err, socketio.ErrAnswered) || errors.Is(err, socketio.ErrClosed) {
		return nil // by the time-out, which was logged; or nobody is there any more
	}
	return err
}

// fail tells the client of an error, as [Options].Errors has it.
func (c *Call) fail(err error) {
	c.report(err)
	body := socketio.PublicError(err, c.pattern)
	if c.app.opts.EchoInput && body.Cause != nil && (c.route == nil || !c.route.secret) {
		body.Cause.Data = c.echo()
	}
	mode := c.mode()
	wants := c.event.WantsAck() && !c.acked.Load()
	if wants && mode != ErrorsAsEvent {
		c.tell(body, func(b *socketio.ErrorBody) error { return c.event.Ack(b) })
	}
	if mode != ErrorsInAck || !wants && !c.event.WantsAck() {
		c.tell(body, c.except)
	}
}

// mode is how the call's errors reach the client.
func (c *Call) mode() ErrorMode {
	if c.route != nil && c.route.errors != nil {
		return *c.route.errors
	}
	return c.app.opts.Errors
}

// except sends an error as an event.
func (c *Call) except(b *socketio.ErrorBody) error { return c.connection.socket.Emit("exception", b) }

// tell sends an error, without its details where those cannot be encoded.
func (c *Call) tell(body *socketio.ErrorBody, send func(*socketio.ErrorBody) error) {
	err := send(body)
	if err == nil || errors.Is(err, socketio.ErrClosed) || errors.Is(err, socketio.ErrAnswered) {
		return
	}
	plain := *body
	plain.Details = nil
	_ = send(&plain)
}

// echo is the client's own input, for clients that find out by it what failed.
func (c *Call) echo() any {
	var values []any
	args := c.Args()
	for i := range args.Len() {
		var v any
		if args.DecodeAt(i, &v) != nil {
			return nil
		}
		values = append(values, v)
	}
	if len(values) == 1 {
		return values[0]
	}
	return values
}

// report logs an error: what the client may see at Info, the rest at Error.
func (c *Call) report(err error) {
	level, attrs := slog.LevelError, []any{"event", c.pattern, "error", err}
	var coded *Error
	var panicked *socketio.PanicError
	switch {
	case errors.As(err, &panicked):
		attrs = append(attrs, "stack", string(panicked.Stack))
	case errors.As(err, &coded), c.Gone():
		level = slog.LevelInfo
	}
	if c.connection != nil {
		attrs = append(attrs, "namespace", c.Namespace(), "socket", c.connection.socket.ID(), "principal", c.Key())
	}
	c.app.log.Log(c, level, "call failed", attrs...)
}

// impatient is a call as its timer sees it.
type impatient Call

// Expire answers in the handler's place. It is called on the wheel's goroutine.
func (i *impatient) Expire(*wheel.Timer) {
	c := (*Call)(i)
	c.app.work.Add(1)
	go func() {
		defer c.app.work.Done()
		if c.acked.Load() || !c.settled.CompareAndSwap(false, true) {
			return // the handler was faster
		}
		body, mode := socketio.PublicError(errTimeout, c.pattern), c.mode()
		if mode != ErrorsAsEvent {
			_ = c.event.Ack(body) // to whoever is still there
		}
		if mode != ErrorsInAck {
			_ = c.except(body)
		}
		c.app.log.Warn("a handler has not answered in time", "event", c.pattern, "namespace", c.Namespace(), "socket", c.connection.socket.ID())
	}()
}

// arm has the client answered when the handler takes too long.
func (c *Call) arm(patience time.Duration) {
	if patience > 0 && c.event.WantsAck() {
		c.app.wheel.Reset(&c.timer, patience, (*impatient)(c))
	}
}

func (c *Call) disarm(patience time.Duration) {
	if patience > 0 && c.event.WantsAck() {
		c.app.wheel.Stop(&c.timer)
	}
}
