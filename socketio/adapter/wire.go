package adapter

import "context"

// Wire is one namespace's way to the other nodes over a broker: what is left for an
// adapter to do when [Cluster] does the rest. Usually many wires share a connection.
//
// All methods are safe for concurrent use. Open is called first and once, Close last
// and once; Close is not called when Open failed. Publish and Send may still be called
// by stragglers after Close, and then fail with [ErrClosed].
type Wire interface {
	// Open connects, subscribes and begins to receive. After it every message that the
	// other nodes publish for this namespace reaches self.Receive. The context bounds
	// the attempt only. A wire that wants a node to start while the broker is away
	// returns nil and calls self.State with the reason.
	Open(ctx context.Context, self Endpoint) error

	// Publish sends a message to all other nodes of the namespace. It does not wait for
	// the network: the message goes into a bounded queue and is sent in the order of the
	// calls. An error means that it was not taken: [ErrDisconnected] or [ErrBusy], or one
	// that wraps them. The wire encodes it, and chooses a narrower channel where it has
	// one (the single room of a KindBroadcast). It may keep m, which is immutable.
	Publish(m *Message) error

	// Send is Publish to one node, by its id. A wire that cannot address a node
	// publishes: the others pass over a response that they have not asked for.
	Send(node string, m *Message) error

	// Close sends what is queued, unsubscribes and ends. When it has returned, no call
	// of self.Receive or self.State is running or will come. The context bounds the
	// sending; resources are released whatever it says.
	Close(ctx context.Context) error
}

// Endpoint is the end of a [Wire] inside this process.
type Endpoint struct {
	// Namespace and Node are whose messages these are. A broker that has channels for
	// single nodes subscribes to that of Node.
	Namespace, Node string

	// Receive takes a message. The messages of one node come in the order they were
	// sent, never overlapping; those of different nodes may come on different
	// goroutines. It does not wait for the network and does not keep the wire for long.
	// A message of another namespace, of this node or of an unknown kind does no harm.
	Receive func(m *Message)

	// State tells that the broker has become unreachable (the reason) or reachable
	// again (nil), once everything is subscribed again. Repetitions do no harm. Called
	// in the order of events and without locks that Publish takes.
	State func(err error)
}

// NodeCounter is implemented by wires whose broker knows how many nodes are subscribed
// (Redis: PUBSUB NUMSUB). Requests then wait for as many answers, also from nodes that
// send no heartbeats. The number includes this node.
type NodeCounter interface {
	CountNodes(ctx context.Context) (int, error)
}
