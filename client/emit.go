package client

import (
	"container/list"
	"context"
	"fmt"

	eio "github.com/kachi-io/kachi/engineio/packet"
	"github.com/kachi-io/kachi/socketio/packet"
)

// outgoing is one packet on its way out, encoded. Its fields are guarded by client.mu once
// it is queued, except frames, which do not change.
type outgoing struct {
	socket *Socket
	event  string
	frames []frame
	bytes  int
	ack    bool // an acknowledgement, which belongs to the connection
	// A DISCONNECT. It travels alone: Node's server drops the events that it reads
	// together with one, and closes the connection for a CONNECT behind one.
	farewell bool
	question *question     // what waits for its acknowledgement; nil if nothing does
	place    *list.Element // where it waits; nil when it waits no more
	tooLarge *TooLargeError
	// Nobody waits for the answer any more, and it has not been sent.
	withdrawn bool
}

// encode makes the frames of a packet.
func (s *Socket) encode(p *packet.Packet) (*outgoing, error) {
	p.Namespace = s.namespace
	head := append(make([]byte, 0, len(p.Data)+len(s.namespace)+24), '0'+byte(eio.Message))
	text, binary, err := s.client.opts.Encoding.Append(head, p)
	if err != nil {
		return nil, err
	}
	o := &outgoing{socket: s, frames: make([]frame, 0, 1+len(binary))}
	if text != nil {
		o.frames = append(o.frames, frame{data: text})
		o.bytes = len(text)
	}
	for _, b := range binary {
		o.frames = append(o.frames, frame{data: b, binary: true})
		o.bytes += len(b)
	}
	return o, nil
}

// largest is the size of the largest message on a transport.
func (o *outgoing) largest(t transport) (n int) {
	for _, f := range o.frames {
		n = max(n, t.size(f))
	}
	return n
}

// undelivered tells who emitted the event that it will not be sent.
func (o *outgoing) undelivered(err error) {
	s, c := o.socket, o.socket.client
	c.mu.Lock()
	q := o.question
	if q != nil {
		s.resolve(q, answer{err: err})
	}
	c.mu.Unlock()
	if q == nil {
		c.crew.start(func() { s.reportUndelivered(o.event, err) }) // the writer has other things to do
	}
}

func (s *Socket) reportUndelivered(event string, err error) {
	c := s.client
	c.opts.Logger.Warn("event not delivered", "namespace", s.namespace, "event", event, "error", err)
	if f := c.opts.Hooks.Undelivered; f != nil {
		c.crew.call(func() { f(s, event, err) })
	}
}

// controlPacket encodes a packet that joins or leaves.
func (s *Socket) controlPacket(p *packet.Packet) *outgoing {
	p.ID = packet.NoID
	o, err := s.encode(p)
	if err != nil {
		// Every encoding holds an object of JSON, and nothing.
		panic(fmt.Sprintf("client: the encoding %s cannot hold %s: %v", s.client.opts.Encoding.Name(), p.Type, err))
	}
	return o
}

func (s *Socket) disconnectPacket() *outgoing {
	o := s.controlPacket(&packet.Packet{Type: packet.Disconnect})
	o.farewell = true
	return o
}

// queue holds what a socket has emitted and not sent yet: while it is not connected, and
// when the network is slower. It is guarded by client.mu.
type queue struct {
	socket *Socket
	list   list.List // of *outgoing
	bytes  int
	room   chan struct{} // closed when there may be room; nil while nobody waits
}

func (q *queue) full(o *outgoing) bool {
	opts := &q.socket.client.opts
	return q.list.Len() > 0 && (q.list.Len() >= opts.MaxQueuedMessages || q.bytes+o.bytes > opts.MaxQueuedBytes)
}

func (q *queue) push(o *outgoing) {
	o.place = q.list.PushBack(o)
	q.bytes += o.bytes
	if c := q.socket.client; c.engine != nil {
		c.engine.stir()
	}
}

// pushFront puts back what pop returned.
func (q *queue) pushFront(o *outgoing) {
	o.place = q.list.PushFront(o)
	q.bytes += o.bytes
}

func (q *queue) pop() *outgoing {
	front := q.list.Front()
	if front == nil {
		return nil
	}
	o := front.Value.(*outgoing)
	q.remove(o)
	return o
}

// remove takes o out, if it is still there.
func (q *queue) remove(o *outgoing) {
	if o.place == nil {
		return
	}
	q.list.Remove(o.place)
	o.place = nil
	q.bytes -= o.bytes
	if q.room != nil {
		close(q.room)
		q.room = nil
	}
}

// clear drops everything, for good.
func (q *queue) clear() {
	for q.pop() != nil {
	}
	if q.room != nil {
		close(q.room)
		q.room = nil
	}
}

// dropAcks drops acknowledgements: the events that they answer came on another connection.
func (q *queue) dropAcks() {
	for e := q.list.Front(); e != nil; {
		next := e.Next()
		if o := e.Value.(*outgoing); o.ack {
			q.remove(o)
		}
		e = next
	}
}

// moveTo hands everything to the connection, to be sent before the socket leaves.
func (q *queue) moveTo(e *engine) {
	for o := q.pop(); o != nil; o = q.pop() {
		e.control = append(e.control, o)
	}
}

// popEmitted takes the next packet of the sockets that are connected, in turn, with c.mu
// held.
func (c *Client) popEmitted() *outgoing {
	for range c.all {
		s := c.all[c.turn%len(c.all)]
		c.turn++
		if s.state != StateConnected {
			continue
		}
		if o := s.queue.pop(); o != nil {
			return o
		}
	}
	return nil
}

// Sender sends in a way of its own. It is a value: each method returns another.
type Sender struct {
	socket   *Socket
	volatile bool
}

// Volatile returns a sender whose events may be lost: they are dropped, with [ErrDropped],
// while the socket is not connected or too much waits to be sent.
func (s *Socket) Volatile() Sender { return Sender{s, true} }

// Emit is [Socket.Emit].
func (f Sender) Emit(event string, args ...any) error {
	return f.socket.emit(context.Background(), f.volatile, false, event, args)
}

// Ask implements [Asker].
func (f Sender) Ask(ctx context.Context, event string, args ...any) (packet.Args, error) {
	return f.socket.ask(ctx, f.volatile, event, args)
}

// Emit sends an event. Arguments are encoded by encoding/json; a []byte, at any depth, is
// sent as binary. They are copied. It does not wait: what cannot be sent at once is kept,
// while the socket is not connected, too, up to [Options.MaxQueuedMessages] and
// [Options.MaxQueuedBytes] ([ErrBufferFull]).
//
// What was handed to the network when a connection was lost may not have reached the
// server; it is not sent again, unless [SocketOptions.Retries] is set.
func (s *Socket) Emit(event string, args ...any) error {
	return s.emit(context.Background(), false, false, event, args)
}

// EmitContext is Emit, but waits for room until ctx ends.
func (s *Socket) EmitContext(ctx context.Context, event string, args ...any) error {
	return s.emit(ctx, false, true, event, args)
}

func (s *Socket) emit(ctx context.Context, volatile, wait bool, event string, args []any) error {
	p, err := eventPacket(event, args)
	if err != nil {
		return err
	}
	if s.opts.Retries > 0 && !volatile {
		return s.emitRetried(ctx, wait, event, p)
	}
	o, err := s.encode(p)
	if err != nil {
		return fmt.Errorf("client: event %q: %w", event, err)
	}
	o.event = event
	if err := s.send(ctx, o, volatile, wait); err != nil {
		return err
	}
	s.tellOutgoing(p)
	return nil
}

// eventPacket encodes an event's arguments.
func eventPacket(event string, args []any) (*packet.Packet, error) {
	if packet.IsReserved(event) {
		return nil, fmt.Errorf("%w: %q", ErrReserved, event)
	}
	data, attachments, err := packet.AppendEvent(make([]byte, 0, 128), event, args)
	if err != nil {
		return nil, fmt.Errorf("client: event %q: %w", event, err)
	}
	return &packet.Packet{Type: packet.Event, ID: packet.NoID, Data: data, Attachments: copied(attachments)}, nil
}

// copied makes the bytes of what was encoded its own: the caller may use its own again.
func copied(attachments [][]byte) [][]byte {
	for i, a := range attachments {
		attachments[i] = append(make([]byte, 0, len(a)), a...)
	}
	return attachments
}

// send queues a packet, or waits for room to do so.
func (s *Socket) send(ctx context.Context, o *outgoing, volatile, wait bool) error {
	c := s.client
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		c.mu.Lock()
		room, err := s.trySend(o, volatile)
		c.mu.Unlock()
		if err == nil || room == nil || !wait {
			return err
		}
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// trySend queues a packet, with client.mu held. room is closed when there may be room.
func (s *Socket) trySend(o *outgoing, volatile bool) (room <-chan struct{}, err error) {
	c := s.client
	switch {
	case c.closed:
		return nil, ErrClosed
	case volatile && (s.state != StateConnected || s.queue.full(o)):
		return nil, ErrDropped
	case s.queue.full(o):
		if s.queue.room == nil {
			s.queue.room = make(chan struct{})
		}
		return s.queue.room, ErrBufferFull
	}
	if e := c.engine; e != nil && s.state == StateConnected && e.maxPayload > 0 {
		if size := e.sizeOf(o, e.transport); size > e.maxPayload {
			return nil, &TooLargeError{Size: size, Limit: e.maxPayload}
		}
	}
	if q := o.question; q != nil {
		if len(s.pending) >= c.opts.MaxPendingAcks {
			return nil, ErrTooManyAcks
		}
		s.pending[q.id] = q
	}
	s.queue.push(o)
	return nil, nil
}
