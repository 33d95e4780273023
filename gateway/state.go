package gateway

import (
	"context"
	"errors"
	"fmt"
)

// State is a value that each socket has of its own: made at first use, released when the
// socket has ended. It is made once, and safe for concurrent use; the values are as safe as
// their type.
type State[T any] struct {
	open  func(*Call) (T, error)
	close func(T) error
}

// NewState makes a state. open makes a socket's value when it is first asked for; close, if
// it is not nil, is called with it after [Namespace.OnDisconnect].
func NewState[T any](open func(*Call) (T, error), close func(T) error) *State[T] {
	return &State[T]{open, close}
}

// kept is a value and its end.
type kept struct {
	value any
	close func() error
}

// Of returns the value of the call's socket.
func (s *State[T]) Of(c *Call) (T, error) {
	var none T
	conn := c.connection
	if conn == nil {
		return none, fmt.Errorf("gateway: a request over HTTP has no state of a socket")
	}
	if conn.who.Load() == nil {
		return none, fmt.Errorf("gateway: a socket that is not admitted yet has no state")
	}
	conn.mu.Lock()
	k, ok := conn.states[s]
	conn.mu.Unlock()
	if ok {
		return k.value.(T), nil
	}
	value, err := s.open(c)
	if err != nil {
		return none, err
	}
	conn.mu.Lock()
	defer conn.mu.Unlock()
	if k, ok := conn.states[s]; ok { // a parallel call was faster
		if s.close != nil {
			_ = s.close(value)
		}
		return k.value.(T), nil
	}
	if conn.states == nil {
		conn.states = map[any]kept{}
	}
	k = kept{value: value}
	if s.close != nil {
		k.close = func() error { return s.close(value) }
	}
	conn.states[s] = k
	return value, nil
}

// release ends all states.
func (c *connection) release() error {
	c.mu.Lock()
	states := c.states
	c.states = nil
	c.mu.Unlock()
	var errs []error
	for _, k := range states {
		if k.close != nil {
			errs = append(errs, protected(k.close))
		}
	}
	return errors.Join(errs...)
}

// rest waits for the calls beside the mailbox, until ctx ends.
func (c *connection) rest(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		c.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}
