package socketio

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/socketio/packet"
)

// Event is one event of a client. It is made for each event, and may be kept, also to
// acknowledge it later; its methods are safe for concurrent use.
type Event struct {
	socket   *Socket
	name     string
	args     packet.Args
	id       int64 // packet.NoID when no acknowledgement is asked for
	size     int   // bytes, for the mailbox
	answered atomic.Bool
}

// Name returns the event's name.
func (e *Event) Name() string { return e.name }

// Socket returns the socket that the client sent the event to.
func (e *Event) Socket() *Socket { return e.socket }

// Args returns the arguments as they came: raw JSON and attachments.
func (e *Event) Args() packet.Args { return e.args }

// Decode decodes the arguments, one target each, by position, as encoding/json does. A
// []byte, anywhere in a target, takes a binary attachment. More arguments than targets
// are let pass; one that is missing, or does not fit, is an [*Error] with the code
// "bad_request", ready to be returned.
func (e *Event) Decode(targets ...any) error {
	if len(targets) > e.args.Len() {
		return NewError(CodeBadRequest, fmt.Sprintf("%d arguments are needed, %d came", len(targets), e.args.Len()))
	}
	if err := e.args.Decode(targets...); err != nil {
		return NewError(CodeBadRequest, err.Error())
	}
	return nil
}

// WantsAck reports whether the client asked for an acknowledgement.
func (e *Event) WantsAck() bool { return e.id != packet.NoID }

// Ack answers the event. Where the client did not ask for an acknowledgement it does
// nothing. A second call returns [ErrAnswered].
func (e *Event) Ack(args ...any) error {
	if !e.WantsAck() {
		return nil
	}
	data, attachments, err := packet.AppendAck(make([]byte, 0, usualSize), args)
	if err != nil {
		return err
	}
	s := e.socket
	m, err := s.conn.form.message(&packet.Packet{
		Type: packet.Ack, Namespace: s.ns.name, ID: e.id, Data: data, Attachments: copied(attachments),
	})
	if err != nil {
		return err
	}
	if !e.answered.CompareAndSwap(false, true) {
		return ErrAnswered
	}
	s.unanswered.Add(-1)
	if s.state.Load() == stateEnded {
		return ErrClosed
	}
	s.makeWay(len(data))
	return s.conn.session.SendIf(m, (*unended)(s)) // it may not be connected yet, where the event was overloaded
}

// takeEvent puts an event into the mailbox. It runs on the reading goroutine.
func (s *Socket) takeEvent(p *packet.Packet) (engineio.Work, error) {
	name, args, err := packet.ParseEvent(p)
	if err != nil {
		return nil, err
	}
	e := &Event{socket: s, name: name, args: args, id: p.ID, size: len(p.Data)}
	for _, a := range p.Attachments {
		e.size += len(a)
	}
	if e.WantsAck() {
		s.unanswered.Add(1)
	}
	why := errOverloaded
	verdict, work := overloaded, engineio.Work(nil)
	if wait := s.pace.take(&s.ns.srv.opts); wait > 0 {
		why = &Error{
			Code: CodeRateLimited, Message: "Too many events: slow down",
			Details: map[string]int64{"retryAfter": wait.Milliseconds() + 1},
		}
		verdict = s.mailbox.drop(s)
	} else {
		verdict, work = s.mailbox.pushEvent(s, e)
	}
	switch verdict {
	case refused:
		if e.WantsAck() {
			s.unanswered.Add(-1)
		}
		s.ns.srv.opts.Hooks.Stray(s.conn.session, s.ns.name)
	case overloaded:
		s.dropped(e, why)
	case flooding:
		s.dropped(e, why)
		s.ns.srv.opts.Logger.Info("disconnecting a client that floods", "namespace", s.ns.name, "socket", s.id)
		s.disconnect(ReasonFlooding)
	}
	return work, nil
}

var errOverloaded = NewError(CodeOverloaded, "Too many events at once: this one was dropped")

// dropped tells the client that an event was dropped, and why.
func (s *Socket) dropped(e *Event, why *Error) {
	s.ns.srv.opts.Hooks.Overloaded(s, e.name, why.Code)
	if !e.WantsAck() && !s.Connected() {
		return // no events before the admission
	}
	answer := PublicError(why, e.name)
	p := packet.Packet{Namespace: s.ns.name, ID: e.id}
	if e.WantsAck() {
		e.answered.Store(true)
		s.unanswered.Add(-1)
		p.Type = packet.Ack
		p.Data, _, _ = packet.EncodeAck([]any{answer})
	} else {
		p.Type = packet.Event
		p.Data, _, _ = packet.EncodeEvent("exception", []any{answer})
	}
	s.conn.send(&p)
}

// run handles the event: the catch-all functions, the middlewares, the handler.
func (e *Event) run(s *Socket) {
	if !s.admitted { // it ended while it was being admitted, and the mailbox is about to be emptied
		discardTask(1).run(s)
		return
	}
	if err := e.dispatch(s); err != nil {
		s.failed(e.name, err)
		var coded *Error
		if errors.As(err, &coded) {
			// Unless it was answered, or has nobody left to answer to.
			PublicError(err, e.name).tell(func(body *ErrorBody) error { return e.Ack(body) })
		}
	}
}

func (e *Event) dispatch(s *Socket) error {
	t := s.ns.registered()
	for _, h := range t.any {
		if err := e.call(s, h); err != nil {
			return err
		}
	}
	h := t.routes[e.name]
	if h == nil {
		if len(t.any) == 0 && t.unhandled == nil {
			s.ns.srv.opts.Logger.Debug("no handler", "namespace", s.ns.name, "event", brief(e.name))
			s.ns.srv.opts.Hooks.Unhandled(s, e.name)
		}
		if h = t.unhandled; h == nil {
			return nil
		}
	}
	return e.call(s, h)
}

func (e *Event) call(s *Socket, h Handler) error {
	return protect(func() error { return h(s.ctx, e) })
}
