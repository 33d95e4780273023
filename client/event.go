package client

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/kachi-io/kachi/socketio/packet"
)

// Event is one event of the server. It may be kept, also to acknowledge it later; its
// methods are safe for concurrent use.
type Event struct {
	socket   *Socket
	stay     int    // of the socket, in which it came
	pid      string // of the session in which it came
	name     string
	args     packet.Args
	id       int64 // packet.NoID when no acknowledgement is asked for
	offset   string
	answered atomic.Bool
}

// Name returns the event's name.
func (e *Event) Name() string { return e.name }

// Socket returns the socket that the event came to.
func (e *Event) Socket() *Socket { return e.socket }

// Args returns the arguments as they came: raw JSON and attachments. From a server with
// connection state recovery the last one may be the event's offset.
func (e *Event) Args() packet.Args { return e.args }

// Decode decodes the arguments, one target each, by position, as encoding/json does. A
// []byte, anywhere in a target, takes a binary attachment. More arguments than targets are
// let pass; one that is missing is an error.
func (e *Event) Decode(targets ...any) error {
	if len(targets) > e.args.Len() {
		return fmt.Errorf("client: event %q: %d arguments are needed, %d came", e.name, len(targets), e.args.Len())
	}
	if err := e.args.Decode(targets...); err != nil {
		return fmt.Errorf("client: event %q: %w", e.name, err)
	}
	return nil
}

// WantsAck reports whether the server asked for an acknowledgement.
func (e *Event) WantsAck() bool { return e.id != packet.NoID }

// Ack answers the event. Where the server did not ask for an acknowledgement it does
// nothing. A second call returns [ErrAnswered], one after the connection was lost
// [ErrDisconnected].
func (e *Event) Ack(args ...any) error {
	if !e.WantsAck() {
		return nil
	}
	data, attachments, err := packet.EncodeAck(args)
	if err != nil {
		return fmt.Errorf("client: acknowledgement of %q: %w", e.name, err)
	}
	s := e.socket
	o, err := s.encode(&packet.Packet{Type: packet.Ack, ID: e.id, Data: data, Attachments: copied(attachments)})
	if err != nil {
		return fmt.Errorf("client: acknowledgement of %q: %w", e.name, err)
	}
	o.event, o.ack = e.name, true
	if !e.answered.CompareAndSwap(false, true) {
		return ErrAnswered
	}
	c := s.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.stay != e.stay || s.state != StateConnected {
		return ErrDisconnected
	}
	if _, err = s.trySend(o, false); err != nil {
		e.answered.Store(false) // it may be tried again
	}
	return err
}

// takeEvent puts an event into the mailbox. It runs on the reading goroutine.
func (s *Socket) takeEvent(e *engine, p *packet.Packet) {
	name, args, err := packet.ParseEvent(p)
	if err != nil {
		return // cannot be: the reader has checked it
	}
	event := &Event{socket: s, name: name, args: args, id: p.ID}
	size := len(p.Data) + len(name) + 1
	for _, a := range p.Attachments {
		size += len(a)
	}
	c := s.client
	c.mu.Lock()
	if !s.active || s.held || c.engine != e || e.ctx.Err() != nil {
		c.mu.Unlock()
		return
	}
	event.stay, event.pid = s.stay, s.pid
	if s.pid != "" && !event.WantsAck() {
		event.offset = offsetOf(args)
	}
	ctx, stint := s.ctx, s.mailbox.current()
	c.mu.Unlock()
	if !s.deliver(e, stint, task{run: func() { s.handle(ctx, event) }, size: size}) || event.offset == "" {
		return
	}
	// Only now: what was not taken is to come again.
	c.mu.Lock()
	s.received = event.offset
	c.mu.Unlock()
}

// offsetOf is the last argument, if it is a string: servers with recovery put an event's
// position there.
func offsetOf(args packet.Args) (offset string) {
	if n := args.Len(); n > 0 && args.Raw[n-1][0] == '"' {
		_ = json.Unmarshal(args.Raw[n-1], &offset)
	}
	return offset
}

// handle runs an event's handlers, on the mailbox's goroutine.
func (s *Socket) handle(ctx context.Context, e *Event) {
	for _, f := range s.handlersOf(e.name) {
		s.client.crew.call(func() { f(ctx, e) })
	}
	if e.offset != "" {
		s.client.mu.Lock()
		if s.pid == e.pid {
			s.handled = e.offset
		}
		s.client.mu.Unlock()
	}
}

// Handler handles an event. Handlers of one socket run in the order in which events came,
// one at a time, on a goroutine of their own: a slow one delays those that follow and
// nothing else. ctx ends when the socket is disconnected for good; handed to
// [Asker].Ask it lets the handler wait for an answer. A panic is not recovered.
type Handler func(ctx context.Context, e *Event)

// handlers are the functions of one socket.
type handlers struct {
	mu           sync.Mutex
	connect      []func(context.Context)
	connectError []func(context.Context, error)
	disconnect   []func(context.Context, Reason, error)
	events       map[string][]*registration
	any          []*registration
	outgoing     []*outgoingRegistration
}

type registration struct{ f Handler }

type outgoingRegistration struct {
	f func(event string, args packet.Args)
}

func add[F any](s *Socket, to *[]F, f F) {
	s.handlers.mu.Lock()
	defer s.handlers.mu.Unlock()
	*to = append(*to, f)
}

func registered[F any](s *Socket, from *[]F) []F {
	s.handlers.mu.Lock()
	defer s.handlers.mu.Unlock()
	return slices.Clone(*from)
}

// On registers a handler for an event, beside those that it has already. off removes it.
// Events without a handler are dropped. It panics when the name is reserved; see OnConnect,
// OnConnectError and OnDisconnect.
func (s *Socket) On(event string, f Handler) (off func()) {
	if packet.IsReserved(event) {
		panic(fmt.Errorf("%w: %q; see OnConnect, OnConnectError and OnDisconnect", ErrReserved, event))
	}
	h := &s.handlers
	r := &registration{f}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.events == nil {
		h.events = map[string][]*registration{}
	}
	h.events[event] = append(h.events[event], r)
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if rest := without(h.events[event], r); len(rest) > 0 {
			h.events[event] = rest
		} else {
			delete(h.events, event)
		}
	}
}

// OnAny registers a handler for all events, which runs before the event's own. off removes
// it.
func (s *Socket) OnAny(f Handler) (off func()) {
	h := &s.handlers
	r := &registration{f}
	add(s, &h.any, r)
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.any = without(h.any, r)
	}
}

// OnAnyOutgoing registers f to run for all events that Emit and Ask take, on the goroutine
// that calls them. off removes it.
func (s *Socket) OnAnyOutgoing(f func(event string, args packet.Args)) (off func()) {
	h := &s.handlers
	r := &outgoingRegistration{f}
	add(s, &h.outgoing, r)
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.outgoing = without(h.outgoing, r)
	}
}

func without[T comparable](all []T, one T) []T {
	return slices.DeleteFunc(slices.Clone(all), func(t T) bool { return t == one })
}

func (s *Socket) handlersOf(event string) (found []Handler) {
	h := &s.handlers
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.any {
		found = append(found, r.f)
	}
	for _, r := range h.events[event] {
		found = append(found, r.f)
	}
	return found
}

// tellOutgoing tells the functions of OnAnyOutgoing.
func (s *Socket) tellOutgoing(p *packet.Packet) {
	all := registered(s, &s.handlers.outgoing)
	if len(all) == 0 {
		return
	}
	event, args, err := packet.ParseEvent(p)
	if err != nil {
		return // cannot be: it was made here
	}
	for _, r := range all {
		r.f(event, args)
	}
}
