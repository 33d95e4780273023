package adapter

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"github.com/kachi-io/kachi/socketio/packet"
)

// SessionStore is implemented by adapters whose broker keeps a log, so that a client
// that lost its connection can go on with any node (connection state recovery). Such
// an adapter sets [Flags].Offset on what it delivers, in the order of the log and from
// one goroutine. Without it a namespace that wants recovery keeps a log of its own,
// for this node only; the in-memory adapter leaves it at that.
//
// The methods may wait for the network, as long as ctx lets them.
type SessionStore interface {
	// SaveSession keeps a session for as long as ttl, under its private id.
	SaveSession(ctx context.Context, s Session, ttl time.Duration) error

	// RestoreSession takes a session out of the store, so that of two returns only one
	// succeeds, and gives what it missed: the broadcasts after offset (after
	// Session.Offset when offset is empty) that were meant for its rooms, in order, read
	// as the caller pulls them, up to the end of the log. The sequence ends at its first
	// error. [ErrSessionNotFound] when there is no such session, or when the log does
	// not reach back far enough.
	RestoreSession(ctx context.Context, privateID, offset string) (Session, iter.Seq2[Missed, error], error)
}

// Session is what a returning client needs of its former self. The JSON names are
// those that Node servers store, offset aside, which they do not know.
type Session struct {
	ID        string          `json:"sid"`
	PrivateID string          `json:"pid"`
	Rooms     []string        `json:"rooms"`
	Data      json.RawMessage `json:"data,omitempty"`
	// Offset is the log's position when the client was last known to have everything.
	Offset string `json:"offset,omitempty"`
}

// Missed is a broadcast that a session did not see.
type Missed struct {
	Packet *packet.Packet // without the offset among its arguments
	Offset string
}
