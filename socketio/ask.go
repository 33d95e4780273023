package socketio

import (
	"context"
	"errors"
	"sync"

	"github.com/kachi-io/kachi/internal/wheel"
	"github.com/kachi-io/kachi/socketio/packet"
)

// asked holds the questions that a socket has not answered yet. The zero value is ready.
// Most sockets are asked one thing at a time, which allocates nothing: a map for it takes
// 256 bytes for each socket that a broadcast asks.
type asked struct {
	mu    sync.Mutex
	over  bool
	id    int64    // of one
	one   question // nil: none
	other map[int64]question
}

// question waits for an answer of a socket. Neither method blocks; one of them is called
// at most once for each socket.
type question interface {
	answer(s *Socket, data []byte, attachments [][]byte)
	gone(s *Socket)
}

// add registers a question; it reports false when the socket has ended.
func (a *asked) add(id int64, q question) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		return false
	}
	switch {
	case a.one == nil:
		a.id, a.one = id, q
	case a.other == nil:
		a.other = map[int64]question{id: q}
	default:
		a.other[id] = q
	}
	return true
}

// take removes and returns a question; nil when nobody waits.
func (a *asked) take(id int64) question {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.one != nil && a.id == id {
		q := a.one
		a.one = nil
		return q
	}
	q := a.other[id]
	delete(a.other, id)
	if len(a.other) == 0 {
		a.other = nil // a map keeps the room of its busiest day
	}
	return q
}

func (a *asked) end(s *Socket) {
	a.mu.Lock()
	one, other := a.one, a.other
	a.one, a.other, a.over = nil, nil, true
	a.mu.Unlock()
	if one != nil {
		one.gone(s)
	}
	for _, q := range other {
		q.gone(s)
	}
}

// takeAck resolves a question. It runs on the reading goroutine, so that a handler may
// wait for its own client.
func (s *Socket) takeAck(p *packet.Packet) {
	q := s.asked.take(p.ID)
	if q == nil {
		s.ns.srv.opts.Hooks.UnexpectedAck(s, p.ID)
		return
	}
	data := p.Data
	if data == nil {
		data = []byte("[]")
	}
	q.answer(s, data, p.Attachments)
}

// single is a question to one socket.
type single struct {
	timer wheel.Timer
	reply chan reply // takes one
}

type reply struct {
	args packet.Args
	err  error
}

func (q *single) settle(r reply) {
	select {
	case q.reply <- r:
	default: // settled already
	}
}

func (q *single) answer(_ *Socket, data []byte, attachments [][]byte) {
	args, err := packet.ParseAck(&packet.Packet{Type: packet.Ack, Data: data, Attachments: attachments})
	q.settle(reply{args, err})
}

func (q *single) gone(*Socket) { q.settle(reply{err: ErrClosed}) }

func (q *single) Expire(*wheel.Timer) { q.settle(reply{err: ErrAckTimeout}) }

// Asker can be asked: a [*Socket], a [Sender], a [*RemoteSocket].
type Asker interface {
	// Ask emits an event and waits for its acknowledgement: until ctx ends, or, where
	// ctx has no deadline, for [Options.AckTimeout] ([ErrAckTimeout]). When the client
	// leaves first, the error is [ErrClosed].
	Ask(ctx context.Context, event string, args ...any) (packet.Args, error)
}

// Ask emits an event and decodes the first value of the acknowledgement; without one it
// returns T's zero value. See [Asker] for how long it waits.
func Ask[T any](ctx context.Context, to Asker, event string, args ...any) (answer T, err error) {
	values, err := to.Ask(ctx, event, args...)
	if err == nil && values.Len() > 0 {
		err = values.DecodeAt(0, &answer)
	}
	return answer, err
}

func (s *Socket) ask(ctx context.Context, o sending, event string, args []any) (packet.Args, error) {
	p, err := eventPacket(s.ns.name, event, args)
	if err != nil {
		return packet.Args{}, err
	}
	p.ID = s.ns.ackIDs.Add(1) - 1
	q := &single{reply: make(chan reply, 1)}
	if !s.asked.add(p.ID, q) {
		return packet.Args{}, ErrClosed
	}
	if err := s.send(event, &p, o); err != nil {
		s.asked.take(p.ID)
		return packet.Args{}, err
	}
	if _, bounded := ctx.Deadline(); !bounded {
		s.ns.srv.wheel.Reset(&q.timer, s.ns.srv.opts.AckTimeout, q)
		defer s.ns.srv.wheel.Stop(&q.timer)
	}
	select {
	case r := <-q.reply:
		if r.err != nil {
			s.asked.take(p.ID)
		}
		return r.args, r.err
	case <-ctx.Done():
		s.asked.take(p.ID)
		err := ctx.Err()
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			err = errors.Join(ErrAckTimeout, err)
		case s.state.Load() == stateEnded: // a handler's context, which has ended with it
			err = errors.Join(ErrClosed, err)
		}
		return packet.Args{}, err
	}
}
