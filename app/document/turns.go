package document

import (
	"context"
	"sync"

	"github.com/kachi-io/kachi/gateway"
)

// maxWaiting bounds how many wait to change one document.
const maxWaiting = 256

// turns has those who change one document do so one after the other. Nobody holds anything
// between their turns: what is kept is of keys that are being changed.
type turns struct {
	mu    sync.Mutex
	queue map[string]*turn
}

type turn struct {
	free  chan struct{} // has one element while nobody has the turn
	users int           // who has it, and who waits
}

// take waits for the turn of a key, until ctx ends. done gives it back.
func (s *turns) take(ctx context.Context, key string) (done func(), err error) {
	s.mu.Lock()
	t := s.queue[key]
	if t == nil {
		t = &turn{free: make(chan struct{}, 1)}
		t.free <- struct{}{}
		if s.queue == nil {
			s.queue = map[string]*turn{}
		}
		s.queue[key] = t
	}
	if t.users > maxWaiting {
		s.mu.Unlock()
		return nil, gateway.NewError(gateway.CodeOverloaded, "Too many are changing that document at the moment")
	}
	t.users++
	s.mu.Unlock()

	leave := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if t.users--; t.users == 0 {
			delete(s.queue, key)
		}
	}
	select {
	case <-t.free:
		return func() {
			t.free <- struct{}{}
			leave()
		}, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
