package gateway

import (
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/kachi-io/kachi/internal/wheel"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/packet"
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

// enter begins a call: its client is answered in time from here on, and the functions of
// OnAny look at it. It reports false when one of them has refused it.
func (c *Call) enter() bool {
	if c.app.opts.EchoInput && (c.route == nil || !c.route.secret) {
		c.sent = copied(c.event.Args())
	}
	c.arm()
	look := c.connection.space.look
	if look == nil {
		return true
	}
	began := c.app.watched()
	err := look(c)
	if err != nil {
		c.settle(began, nil, err)
	}
	return err == nil
}

// copied is what came, whatever handlers do with theirs.
func copied(a packet.Args) *packet.Args {
	c := packet.Args{Raw: slices.Clone(a.Raw), Attachments: slices.Clone(a.Attachments)}
	for _, list := range [][][]byte{c.Raw, c.Attachments} {
		for i := range list {
			list[i] = slices.Clone(list[i])
		}
	}
	return &c
}

// settle gives the client what came of an event: exactly one answer where it asked for an
// acknowledgement.
func (c *Call) settle(began time.Time, out any, err error) {
	c.disarm()
	if !c.reply.CompareAndSwap(unanswered, answered) && c.reply.Load() == timedOut {
		c.handled(began, errTimeout)
		if err != nil {
			c.report(err)
		}
		return
	}
	c.handled(began, err)
	if err == nil {
		err = protected(func() error { return c.succeed(out) })
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
	if c.reply.Load() == ackedByHand || !c.event.WantsAck() {
		return nil
	}
	err := c.event.Ack(spread(out)...)
	if errors.Is(err, socketio.ErrAnswered) || errors.Is(err, socketio.ErrClosed) {
		return nil // nobody is there any more
	}
	return err
}

// fail tells the client of an error.
func (c *Call) fail(err error) {
	c.report(err)
	c.refuse(err)
}

// refuse tells the client of an error, as [Options].Errors has it.
func (c *Call) refuse(err error) {
	body := socketio.PublicError(err, c.pattern)
	if body.Cause != nil {
		body.Cause.Data = c.echo()
	}
	mode := c.mode()
	wants := c.event.WantsAck()
	if wants && mode != ErrorsAsEvent && c.reply.Load() != ackedByHand {
		c.tell(body, func(b *socketio.ErrorBody) error { return c.event.Ack(b) })
	}
	if mode != ErrorsInAck || !wants {
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
	err := protected(func() error { return send(body) })
	if err == nil || errors.Is(err, socketio.ErrClosed) || errors.Is(err, socketio.ErrAnswered) {
		return
	}
	plain := *body
	plain.Details = nil
	_ = send(&plain)
}

// echo is what the client sent, for clients that find out by it what failed.
func (c *Call) echo() any {
	if c.sent == nil || c.sent.Len() == 0 {
		return nil
	}
	values := make([]any, c.sent.Len())
	for i, raw := range c.sent.Raw {
		values[i] = json.RawMessage(raw)
		if len(c.sent.Attachments) > 0 && c.sent.DecodeAt(i, &values[i]) != nil {
			return nil
		}
	}
	if len(values) == 1 {
		return values[0]
	}
	return values
}

// report logs an error: what the client may see, and what fails when it has gone, at Info,
// the rest at Error.
func (c *Call) report(err error) {
	level, attrs := slog.LevelError, []any{"event", brief(c.pattern), "error", err}
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

// brief cuts a name that a client made up.
func brief(name string) string {
	const enough = 64
	if len(name) <= enough {
		return name
	}
	return strings.ToValidUTF8(name[:enough], "") + "…"
}

// impatient is a call as its timer sees it.
type impatient Call

// Expire answers in the handler's place. It is called on the wheel's goroutine.
func (i *impatient) Expire(*wheel.Timer) {
	c := (*Call)(i)
	c.app.work.Add(1)
	go func() {
		defer c.app.work.Done()
		if !c.reply.CompareAndSwap(unanswered, timedOut) {
			return // the handler was faster
		}
		c.refuse(errTimeout)
		c.app.log.Warn("a handler has not answered in time", "event", brief(c.pattern), "namespace", c.Namespace(), "socket", c.connection.socket.ID())
	}()
}

// arm has the client answered when it takes too long from here on.
func (c *Call) arm() {
	if d := c.patience(); d > 0 && c.WantsAck() && c.reply.Load() == unanswered {
		c.app.wheel.Reset(&c.timer, d, (*impatient)(c))
	}
}

func (c *Call) disarm() {
	if c.patience() > 0 && c.WantsAck() {
		c.app.wheel.Stop(&c.timer)
	}
}

// patience is how long the client waits; 0 or less: for ever.
func (c *Call) patience() time.Duration {
	if c.route != nil && c.route.patience != 0 {
		return c.route.patience
	}
	return c.app.opts.ReplyTimeout
}
