package socketio

import (
	"context"
	"fmt"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/socketio/adapter"
	"github.com/kachi-io/kachi/socketio/packet"
)

// sending says how one event is sent.
type sending struct {
	volatile   bool
	noCompress bool
}

// Sender sends to one socket in a way of its own. It is a value: each method returns
// another.
type Sender struct {
	socket *Socket
	how    sending
}

// Volatile returns a sender whose events may be lost: where the client is behind and
// its queue is full, they are dropped, with [ErrDropped], instead of ending it as a
// slow consumer.
func (s *Socket) Volatile() Sender { return Sender{socket: s}.Volatile() }

// Compress returns a sender that allows compression (the default) or forbids it, where
// the connection has it.
func (s *Socket) Compress(on bool) Sender { return Sender{socket: s}.Compress(on) }

// Volatile is [Socket.Volatile].
func (f Sender) Volatile() Sender { f.how.volatile = true; return f }

// Compress is [Socket.Compress].
func (f Sender) Compress(on bool) Sender { f.how.noCompress = !on; return f }

// Emit is [Socket.Emit].
func (f Sender) Emit(event string, args ...any) error {
	return f.socket.emit(f.how, event, args)
}

// Ask implements [Asker].
func (f Sender) Ask(ctx context.Context, event string, args ...any) (packet.Args, error) {
	return f.socket.ask(ctx, f.how, event, args)
}

// Emit sends an event to the client. Arguments are encoded by encoding/json; a []byte,
// at any depth, is sent as binary. Arguments are copied. It does not wait for the client:
// nil means that the event is on its way, in the order of the calls. Errors: [ErrClosed] after the
// socket's end (and before its admission), [ErrSlowConsumer], [ErrReserved], or what
// cannot be encoded.
func (s *Socket) Emit(event string, args ...any) error {
	return s.emit(sending{}, event, args)
}

// Ask implements [Asker].
func (s *Socket) Ask(ctx context.Context, event string, args ...any) (packet.Args, error) {
	return s.ask(ctx, sending{}, event, args)
}

// EmitContext is [Socket.Emit] that waits while the client is behind, so that who sends
// much at once does not end it as a slow consumer: until no more than half of what may be
// queued is waiting. It returns the context's error when that ends first; the event is
// then not sent.
func (s *Socket) EmitContext(ctx context.Context, event string, args ...any) error {
	return Sender{socket: s}.EmitContext(ctx, event, args...)
}

// EmitContext is [Socket.EmitContext].
func (f Sender) EmitContext(ctx context.Context, event string, args ...any) error {
	if err := f.socket.conn.session.Room(ctx); err != nil {
		return err
	}
	return f.socket.emit(f.how, event, args)
}

func (s *Socket) emit(o sending, event string, args []any) error {
	p, err := eventPacket(s.ns.name, event, args)
	if err != nil {
		return err
	}
	return s.send(event, &p, o)
}

// send writes at once where the connection is free: the sender is the application.
func (s *Socket) send(event string, p *packet.Packet, o sending) error {
	if !s.Connected() {
		return ErrClosed
	}
	var err error
	if j := s.ns.journal; j != nil && p.ID == packet.NoID {
		err = j.sendTo(s, p, adapter.Flags{Volatile: o.volatile, NoCompress: o.noCompress})
	} else {
		s.makeWay(len(p.Data))
		var m *engineio.Message
		if m, err = s.conn.form.message(p); err == nil {
			m.Volatile, m.NoCompress = o.volatile, o.noCompress
			err = s.conn.session.SendIf(m, (*connected)(s))
		}
	}
	if err != nil {
		if err == engineio.ErrDropped && s.ns.srv.opts.Hooks.Dropped != nil {
			s.ns.srv.opts.Hooks.Dropped(s, event)
		}
		return err
	}
	s.ns.sent(p, s)
	return nil
}

// large is the size in bytes of what takes so long to be encoded that others go first
// before it is sent.
const large = 64 << 10

func (s *Socket) makeWay(size int) {
	if size >= large {
		s.conn.session.MakeWay()
	}
}

// A socket is the gate of what is sent to it: whoever ends it tells the client behind all
// that was sent, and nothing comes after that.
type (
	connected Socket // for events
	unended   Socket // for acknowledgements
)

func (c *connected) Open() bool { return c.state.Load() == stateConnected }
func (u *unended) Open() bool   { return u.state.Load() != stateEnded }

// sent tells the functions of OnAnyOutgoing.
func (ns *Namespace) sent(p *packet.Packet, to ...*Socket) {
	outgoing := ns.registered().outgoing
	if len(outgoing) == 0 {
		return
	}
	event, args, err := packet.ParseEvent(p)
	if err != nil { // from another node, which sent something else than an event
		return
	}
	for _, s := range to {
		for _, f := range outgoing {
			if err := protect(func() error { f(s, event, args); return nil }); err != nil {
				s.failed(event, err)
			}
		}
	}
}

// usualSize is what most events and answers fit in, so that their buffer need not grow:
// 3 allocations for an event with a short text instead of 5.
const usualSize = 128

// eventPacket encodes an event.
func eventPacket(namespace, event string, args []any) (packet.Packet, error) {
	if packet.IsReserved(event) {
		return packet.Packet{}, fmt.Errorf("%w: %q", ErrReserved, event)
	}
	data, attachments, err := packet.AppendEvent(make([]byte, 0, usualSize), event, args)
	if err != nil {
		return packet.Packet{}, fmt.Errorf("socketio: event %q: %w", event, err)
	}
	return packet.Packet{Type: packet.Event, Namespace: namespace, ID: packet.NoID, Data: data, Attachments: copied(attachments)}, nil
}

// copied makes the bytes of what was encoded its own: the caller may use its own again
// at once, and a client on polling comes for them later.
func copied(attachments [][]byte) [][]byte {
	for i, a := range attachments {
		attachments[i] = append(make([]byte, 0, len(a)), a...)
	}
	return attachments
}
