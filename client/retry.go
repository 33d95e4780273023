package client

import (
	"container/list"
	"context"
	"errors"
	"time"

	"github.com/kachi-io/kachi/socketio/packet"
)

// retry is an event of a socket with Retries. The first of Socket.retries is in flight.
type retry struct {
	event  string
	packet *packet.Packet
	bytes  int
	place  *list.Element
	tries  int
	flight *question // nil while it is not in flight
	done   func(answer)
}

func (s *Socket) emitRetried(ctx context.Context, wait bool, event string, p *packet.Packet) error {
	r := &retry{event: event, packet: p, bytes: sizeOf(p)}
	r.done = func(a answer) {
		if a.err != nil && a.err != ErrClosed {
			s.client.crew.start(func() { s.reportUndelivered(event, a.err) })
		}
	}
	if err := s.enqueue(ctx, r, wait); err != nil {
		return err
	}
	s.tellOutgoing(p)
	return nil
}

func (s *Socket) askRetried(ctx context.Context, event string, p *packet.Packet, reply <-chan answer, done func(answer)) (packet.Args, error) {
	r := &retry{event: event, packet: p, bytes: sizeOf(p), done: done}
	if err := s.enqueue(ctx, r, false); err != nil {
		return packet.Args{}, late(err)
	}
	s.tellOutgoing(p)
	return s.awaitAnswer(ctx, 0, reply, func() {
		s.client.mu.Lock()
		defer s.client.mu.Unlock()
		s.dequeue(r)
		s.drain()
	})
}

func sizeOf(p *packet.Packet) int {
	n := len(p.Data)
	for _, a := range p.Attachments {
		n += len(a)
	}
	return n
}

// enqueue adds r to those that wait for their turn.
func (s *Socket) enqueue(ctx context.Context, r *retry, wait bool) error {
	c := s.client
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		c.mu.Lock()
		room, err := s.tryEnqueue(r)
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

func (s *Socket) tryEnqueue(r *retry) (<-chan struct{}, error) {
	c := s.client
	if c.closed {
		return nil, ErrClosed
	}
	if n := s.retries.Len(); n > 0 && (n >= c.opts.MaxQueuedMessages || s.retryBytes+r.bytes > c.opts.MaxQueuedBytes) {
		if s.queue.room == nil {
			s.queue.room = make(chan struct{})
		}
		return s.queue.room, ErrBufferFull
	}
	r.place = s.retries.PushBack(r)
	s.retryBytes += r.bytes
	s.drain()
	return nil, nil
}

// dequeue takes r out, with client.mu held.
func (s *Socket) dequeue(r *retry) {
	if r.place == nil {
		return
	}
	s.retries.Remove(r.place)
	r.place = nil
	s.retryBytes -= r.bytes
	if r.flight != nil {
		r.flight.out.withdrawn = true
		s.withdraw(r.flight)
		r.flight = nil
	}
	if s.queue.room != nil {
		close(s.queue.room)
		s.queue.room = nil
	}
}

// drain sends the first event that waits, if none is in flight, with client.mu held.
func (s *Socket) drain() {
	for s.state == StateConnected && s.retries.Len() > 0 {
		r := s.retries.Front().Value.(*retry)
		if r.flight != nil {
			return
		}
		if err := s.try(r); err == nil {
			return
		} else {
			s.dequeue(r)
			r.done(answer{err: err})
		}
	}
}

// try sends r once more, with client.mu held.
func (s *Socket) try(r *retry) error {
	s.lastAck++
	p := *r.packet
	p.ID = s.lastAck - 1
	o, err := s.encode(&p)
	if err != nil {
		return err
	}
	q := &question{id: p.ID, out: o}
	o.event, o.question = r.event, q
	timer := time.AfterFunc(s.opts.AckTimeout, func() {
		s.client.mu.Lock()
		defer s.client.mu.Unlock()
		s.resolve(q, answer{err: ErrAckTimeout})
	})
	q.done = func(a answer) {
		timer.Stop()
		r.flight = nil
		if r.place == nil {
			return // withdrawn
		}
		if a.err == nil || r.tries > s.opts.Retries || !worthRetrying(a.err) {
			s.dequeue(r)
			r.done(a)
		}
		s.drain()
	}
	r.tries++
	r.flight = q
	if _, err := s.trySend(o, false); err != nil {
		timer.Stop()
		r.flight = nil
		return err
	}
	return nil
}

// worthRetrying tells whether the next try may end better than one that ended with err.
func worthRetrying(err error) bool {
	return errors.Is(err, ErrAckTimeout) || errors.Is(err, ErrDisconnected)
}
