package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// State is a value that each socket has of its own: made at first use, released when the
// socket has ended. The State itself is made once, and is safe for concurrent use; the values
// are as safe as their type.
type State[T any] struct {
	open  func(*Call) (T, error)
	close func(T) error
}

// NewState makes a state. open makes a socket's value when it is first asked for, and again
// after an error; calls beside each other wait for one of them to do it. close, if it is not
// nil, is called once with each value, after [Namespace.OnDisconnect], the value that was
// made last first.
func NewState[T any](open func(*Call) (T, error), close func(T) error) *State[T] {
	return &State[T]{open, close}
}

// kept is a value, its end, and whose it is.
type kept struct {
	of    any           // a *State
	made  chan struct{} // closed when it has been, or could not be
	value any
	close func() error // nil: not made, or nothing to do
}

// errGone: a call that outlives its socket asks for a state.
var errGone = fmt.Errorf("gateway: the socket has gone, and its states with it: %w", context.Canceled)

// Of returns the value of the caller's socket. Errors: those of the function that makes it; of
// a request over HTTP, a socket that is not admitted yet, or one that has gone, for which
// there is none.
func (s *State[T]) Of(caller Caller) (T, error) {
	var none T
	c := caller.call()
	conn := c.connection
	if conn == nil {
		return none, errors.New("gateway: a request over HTTP has no state of a socket")
	}
	if conn.who.Load() == nil {
		return none, errors.New("gateway: a socket that is not admitted yet has no state")
	}
	for {
		k, mine, err := conn.keep(s)
		if err != nil {
			return none, err
		}
		if mine {
			return s.make(c, k)
		}
		select {
		case <-k.made:
			if v, ok := k.value.(held[T]); ok {
				return v.value, nil
			} // else it could not be made
		case <-c.Done():
			return none, context.Cause(c)
		}
	}
}

// held is a value, of whatever type: nil is one, too.
type held[T any] struct{ value T }

// keep finds what is kept of a state, or makes room for it: then it is the caller's to fill.
func (c *connection) keep(state any) (k *kept, mine bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return nil, false, errGone
	}
	for _, k := range c.states {
		if k.of == state {
			return k, false, nil
		}
	}
	k = &kept{of: state, made: make(chan struct{})}
	c.states = append(c.states, k)
	return k, true, nil
}

// make fills in what is kept.
func (s *State[T]) make(c *Call, k *kept) (value T, err error) {
	opened := false
	defer func() { // also after a panic
		if !opened {
			c.connection.forget(k)
		}
		close(k.made)
	}()
	if value, err = s.open(c); err != nil {
		return value, err
	}
	end := func() error { return nil }
	if s.close != nil {
		end = func() error { return s.close(value) }
	}
	if opened = c.connection.fill(k, held[T]{value}, end); !opened {
		var none T
		return none, errors.Join(errGone, protected(end))
	}
	return value, nil
}

// fill reports false when the socket has gone meanwhile.
func (c *connection) fill(k *kept, value any, end func() error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return false
	}
	// What was made within its making stands before it: it is needed for longer.
	i := slices.Index(c.states, k)
	c.states = append(slices.Delete(c.states, i, i+1), k)
	k.value, k.close = value, end
	return true
}

// forget lets the state be made anew.
func (c *connection) forget(k *kept) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.states, k); i >= 0 {
		c.states = slices.Delete(c.states, i, i+1)
	}
}

// release ends all states.
func (c *connection) release() error {
	c.mu.Lock()
	states := c.states
	c.states, c.gone = nil, true
	c.mu.Unlock()
	var errs []error
	for _, k := range slices.Backward(states) {
		if k.close != nil { // else whoever makes it sees that the socket has gone
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
