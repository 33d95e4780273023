package adapter

import (
	"errors"
	"fmt"
)

var (
	// ErrClosed: the adapter has been closed.
	ErrClosed = errors.New("adapter: closed")
	// ErrDisconnected: the broker cannot be reached at present. The adapter goes on
	// trying by itself.
	ErrDisconnected = errors.New("adapter: not connected to the broker")
	// ErrBusy: a bounded queue or table of the adapter is full; trying again later may
	// succeed.
	ErrBusy = errors.New("adapter: too much under way")
	// ErrNodeLost: a node stopped without a farewell while it was expected to answer.
	ErrNodeLost = errors.New("adapter: node lost")
	// ErrSessionNotFound: there is no session to restore, or its log has been trimmed.
	ErrSessionNotFound = errors.New("adapter: session or offset not found")
)

// MissingNodesError accompanies a partial result.
type MissingNodesError struct {
	// Nodes are the ids of the nodes that did not answer, as far as they are known.
	Nodes []string
	// Missing is their number, at least len(Nodes).
	Missing int
	// Asked is the number of other nodes that the request went to.
	Asked int
	// Err is why: the context's error, ErrNodeLost, ErrDisconnected or ErrClosed.
	Err error
}

func (e *MissingNodesError) Error() string {
	return fmt.Sprintf("adapter: %d of %d nodes did not answer: %v", e.Missing, e.Asked, e.Err)
}

// Unwrap returns Err.
func (e *MissingNodesError) Unwrap() error { return e.Err }
