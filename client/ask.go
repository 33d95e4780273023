package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kachi-io/kachi/socketio/packet"
)

// question is an event that waits for its acknowledgement.
type question struct {
	id   int64
	out  *outgoing
	done func(answer) // called once, with client.mu held
}

type answer struct {
	args packet.Args
	err  error
}

// Asker can be asked: a [*Socket], a [Sender].
type Asker interface {
	// Ask emits an event and waits for its acknowledgement: until ctx ends, or, where ctx
	// has no deadline, for [SocketOptions.AckTimeout] ([ErrAckTimeout]). The time until the
	// socket is connected counts; an event that has not been sent by then never is. When
	// the connection is lost after it was sent, the error is [ErrDisconnected].
	//
	// A handler may ask, with its own context. With [SocketOptions.Retries] AckTimeout
	// bounds each try instead.
	Ask(ctx context.Context, event string, args ...any) (packet.Args, error)
}

// Ask implements [Asker].
func (s *Socket) Ask(ctx context.Context, event string, args ...any) (packet.Args, error) {
	return s.ask(ctx, false, event, args)
}

func (s *Socket) ask(ctx context.Context, volatile bool, event string, args []any) (packet.Args, error) {
	p, err := eventPacket(event, args)
	if err != nil {
		return packet.Args{}, err
	}
	reply := make(chan answer, 1)
	done := func(a answer) { reply <- a }
	if s.opts.Retries > 0 && !volatile {
		return s.askRetried(ctx, event, p, reply, done)
	}
	q, err := s.question(event, p, done)
	if err != nil {
		return packet.Args{}, err
	}
	if err := s.send(ctx, q.out, volatile, false); err != nil {
		return packet.Args{}, late(err)
	}
	s.tellOutgoing(p)
	return s.awaitAnswer(ctx, s.opts.AckTimeout, reply, func() {
		s.client.mu.Lock()
		defer s.client.mu.Unlock()
		q.out.withdrawn = true
		s.withdraw(q)
	})
}

// question makes a question of an event.
func (s *Socket) question(event string, p *packet.Packet, done func(answer)) (*question, error) {
	s.client.mu.Lock()
	s.lastAck++
	p.ID = s.lastAck - 1
	s.client.mu.Unlock()
	o, err := s.encode(p)
	if err != nil {
		return nil, fmt.Errorf("client: event %q: %w", event, err)
	}
	o.event = event
	o.question = &question{id: p.ID, out: o, done: done}
	return o.question, nil
}

// awaitAnswer waits for a reply, and withdraws the question when it waits no longer.
func (s *Socket) awaitAnswer(ctx context.Context, timeout time.Duration, reply <-chan answer, withdraw func()) (packet.Args, error) {
	stuck, asked := ask(ctx)
	defer asked()
	var tooLate <-chan time.Time
	if _, bounded := ctx.Deadline(); !bounded && timeout > 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		tooLate = timer.C
	}
	var err error
	select {
	case a := <-reply:
		return a.args, a.err
	case <-tooLate:
		err = ErrAckTimeout
	case <-stuck:
		err = ErrMailboxFull
	case <-ctx.Done():
		err = late(ctx.Err())
	}
	withdraw()
	select {
	case a := <-reply: // at the last moment
		return a.args, a.err
	default:
		return packet.Args{}, err
	}
}

// late makes a deadline's error an ErrAckTimeout as well.
func late(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.Join(ErrAckTimeout, err)
	}
	return err
}

// withdraw forgets a question, and its event if it has not been sent, with client.mu held.
func (s *Socket) withdraw(q *question) {
	delete(s.pending, q.id)
	s.queue.remove(q.out)
}

// resolve answers a question, unless that has been done, with client.mu held.
func (s *Socket) resolve(q *question, a answer) {
	if s.pending[q.id] != q {
		return
	}
	s.withdraw(q)
	q.done(a)
}

// takeAck resolves a question. It runs on the reading goroutine.
func (s *Socket) takeAck(p *packet.Packet) {
	if p.Data == nil {
		p.Data = []byte("[]")
	}
	args, err := packet.ParseAck(p)
	s.client.mu.Lock()
	defer s.client.mu.Unlock()
	if q := s.pending[p.ID]; q != nil {
		s.resolve(q, answer{args, err})
	}
}

// forgetSent resolves the questions that were sent, with client.mu held.
func (s *Socket) forgetSent(err error) {
	for _, q := range s.pending {
		if q.out.place == nil {
			s.resolve(q, answer{err: err})
		}
	}
}

// forget resolves all questions, with client.mu held.
func (s *Socket) forget(err error) {
	for _, q := range s.pending {
		s.resolve(q, answer{err: err})
	}
	for s.retries.Len() > 0 {
		r := s.retries.Front().Value.(*retry)
		s.dequeue(r)
		r.done(answer{err: err})
	}
}
