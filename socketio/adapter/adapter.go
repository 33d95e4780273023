package adapter

import (
	"context"
	"time"

	"github.com/kachi-io/kachi/socketio/packet"
)

// DefaultTimeout bounds a query whose context has no deadline. It is the value that
// the Node adapters use for requests between servers.
const DefaultTimeout = 5 * time.Second

// Target selects sockets of a namespace: the members of any of Rooms (every socket
// when Rooms is empty) that are in none of Except. Each socket is selected once, and
// its own id is a room with that one member. The zero value selects every socket.
//
// A Target that has been given to an adapter or a node is not changed any more; both
// may keep it. It marshals to the fields that Node servers exchange.
type Target struct {
	Rooms  []string `json:"rooms"`
	Except []string `json:"except"`
}

// Flags say how a broadcast is to be sent. The zero value is an ordinary broadcast.
// It marshals to Node's flags (volatile, compress, timeout); a broadcast for the
// local node only never reaches an adapter, so there is no flag for that.
type Flags struct {
	// Volatile: may be dropped where a client cannot take it at once.
	Volatile bool
	// NoCompress: sent without compression ("compress": false in Node).
	NoCompress bool
	// Timeout tells the other nodes how long answers to a broadcast with
	// acknowledgements are awaited. Adapters set it from the context's deadline; a
	// namespace leaves it zero, and need not look at it in Node.DeliverWithAck, which
	// is stopped explicitly. Milliseconds in JSON.
	Timeout time.Duration
	// Offset is the position of the broadcast in the adapter's log, for connection
	// state recovery. Only adapters that are a [SessionStore] set it, and only on
	// calls to [Node].Deliver; the namespace then appends it to the event's arguments
	// as Node servers do (an event, not volatile, recovery on). Not in JSON.
	Offset string
}

// Node is one namespace on this process: all that its adapter may ask of it. Package
// socketio implements it.
//
// All methods are safe for concurrent use, return without waiting for the network or
// for a client, and run no user code on the calling goroutine. An adapter calls them
// with none of its locks held. What an adapter passes (packets, slices) is immutable
// and may be kept; what a node returns belongs to the adapter.
//
// Order: calls of Deliver, DeliverWithAck, Join, Leave and Disconnect that follow one
// another take effect on each socket in that order.
type Node interface {
	// Namespace is the namespace's name, "/" for the default one.
	Namespace() string

	// Deliver queues a packet to the local sockets in t. All members of a room see
	// the deliveries to it in one order. p.Namespace is that of the node; p.ID is -1.
	Deliver(p *packet.Packet, t Target, f Flags)

	// DeliverWithAck is Deliver that asks each socket for an answer. The node gives
	// the packet an acknowledgement id of its own and returns the ids of the sockets
	// that it was queued to.
	//
	// answer is called at most once for each of these ids, from any goroutine,
	// possibly before DeliverWithAck has returned: with the socket's answer, or, once
	// it is certain that there will be none because the socket has disconnected, with
	// Data nil. The node fills in Socket, Data and Attachments. It holds no lock then
	// that stop or a method of Node takes: the last answer usually calls stop. answer
	// never blocks.
	//
	// stop forgets what has not been answered; the adapter always calls it, once. A
	// call of answer that began before may still be running when stop returns; none
	// begins after. stop is never nil, and waits for nothing.
	DeliverWithAck(p *packet.Packet, t Target, f Flags, answer func(Answer)) (ids []string, stop func())

	// Sockets describes the local sockets in t. It may marshal data of the
	// application, and is the one expensive call: adapters keep it off the goroutine
	// that receives broadcasts.
	Sockets(t Target) []SocketInfo
	// SocketIDs lists the local sockets in t, in no order.
	SocketIDs(t Target) []string
	// Count is the number of local sockets in t, and costs less than listing them.
	Count(t Target) int
	// Rooms lists the rooms with local members, without the rooms that are a socket's
	// own id, in no order.
	Rooms() []string
	// HasRoom says whether the room (or socket id) has a local member now.
	HasRoom(room string) bool

	// Join, Leave and Disconnect act on the local sockets in t. A room that a socket
	// is already in, or not in, is passed over. closeConnection ends the client's
	// whole connection rather than its part in this namespace.
	Join(t Target, rooms []string)
	Leave(t Target, rooms []string)
	Disconnect(t Target, closeConnection bool)

	// ServerSideEvent hands over an event that another node's application sent to
	// this node's: data is the raw JSON array [event, ...arguments] with placeholders
	// for the attachments. answer is nil when no answer is asked for; otherwise it
	// takes the raw JSON array of the answer's arguments (nil is an empty one), from
	// any goroutine; the first call counts, later ones are ignored, and it never
	// blocks.
	ServerSideEvent(data []byte, attachments [][]byte, answer func(data []byte, attachments [][]byte))
}

// Adapter carries one namespace's traffic between the nodes of a cluster.
//
// # Concurrency
//
// All methods are safe for concurrent use. Start is called once, before anything
// else, and Close once, last. Between them no method that takes no context waits for
// the network: it hands its message on to a bounded queue or fails. Methods with a
// context return when it ends, at the latest; without a deadline, [DefaultTimeout]
// is the bound.
//
// # Who delivers to the local node, and when
//
// The adapter does, exactly once for each Broadcast, BroadcastWithAck, Join, Leave
// and Disconnect, by calling its [Node]; a namespace that calls the adapter does
// nothing itself. Most adapters do so before the method returns, on the caller's
// goroutine. One that is built on a log may do so later, when the log hands the
// message back in its place. ServerSideEmit reaches the other nodes only.
//
// # Order
//
// What one goroutine sends by Broadcast, Join, Leave, Disconnect and ServerSideEmit
// takes effect on every node in that order, so that a broadcast to a room follows the
// join that filled it. Between goroutines, and between nodes, only an adapter built
// on a log gives all nodes one order; its documentation says so. Requests
// (BroadcastWithAck and the methods that return something) may travel another way
// than broadcasts, and then overtake them on other nodes.
//
// # Errors
//
// An error of a method that only sends means that nodes other than this one may not
// get the message; the local node has it nevertheless, unless the error is
// [ErrClosed]. [ErrDisconnected]: the broker is not reached at present.
// [ErrBusy]: a bounded queue or table is full. nil means that the message was handed
// to the broker's client in good order, not that each node has it: what a broker
// promises beyond that is said by its adapter.
//
// Queries return what they have together with a [*MissingNodesError] when nodes did
// not answer: a partial result is never thrown away. The error unwraps to the
// context's error, to [ErrNodeLost] or to [ErrDisconnected]. A node that left in good
// order, and so has no more sockets, is not missing.
//
// # Loss
//
// A broadcast reaches each node at most once. The adapter survives its broker: when
// it goes away, methods fail with ErrDisconnected and the local node is still served;
// when it is back, later messages arrive without anything being done. Nothing panics
// and nothing is retried silently out of order.
type Adapter interface {
	// Start connects to the cluster and begins to receive; after it, messages of other
	// nodes reach the Node. The context bounds the attempt, not the adapter's life. An
	// adapter that failed to start needs no Close.
	Start(ctx context.Context) error

	// Close leaves the cluster and tells the other nodes, when the broker can be
	// reached. Pending requests return ErrClosed with what they have. When it has
	// returned, nothing of the adapter runs, its Node is not called any more (except by
	// a method that somebody called before and that is still under way), and all other
	// methods fail with ErrClosed. The context bounds the farewell; resources are
	// released whatever it says. A second Close does nothing.
	Close(ctx context.Context) error

	// Nodes is the number of nodes that serve this namespace, this one included.
	// While the broker is away: the last number known, and ErrDisconnected.
	Nodes(ctx context.Context) (int, error)

	// Broadcast delivers a packet to the sockets in t here and on every other node. The
	// packet, its slices and those of t are immutable from here on. p.ID is -1 and
	// p.Type an event; p.Namespace is that of the node.
	Broadcast(p *packet.Packet, t Target, f Flags) error

	// BroadcastWithAck is Broadcast that asks every socket for an answer. It returns
	// when everything expected has come, or else when ctx ends; cancel ctx to stop
	// early. What becomes known is told to sink, which is called only on the caller's
	// goroutine and never after the return, so that it needs no lock ([Acks] collects
	// it). A slow sink delays nobody but its caller.
	//
	// nil: each node has said which sockets it asked, and each of these has answered
	// or disconnected. A *MissingNodesError: nodes did not say so, or died meanwhile.
	// The context's error: only answers of sockets are missing, and the sink knows
	// whose.
	BroadcastWithAck(ctx context.Context, p *packet.Packet, t Target, f Flags, sink AckSink) error

	// Sockets describes the sockets in t on all nodes, in no order.
	Sockets(ctx context.Context, t Target) ([]SocketInfo, error)

	// Count is the number of sockets in t on all nodes, without describing them where
	// the other nodes can do that (Node servers cannot).
	Count(ctx context.Context, t Target) (int, error)

	// Rooms lists the rooms that have members on any node, each once, in no order,
	// without those that are a socket's own id where the wire tells them apart.
	Rooms(ctx context.Context) ([]string, error)

	// Join, Leave and Disconnect act on the sockets in t on all nodes, as the methods
	// of Node do on one. What a single local socket does goes straight to the
	// namespace and never through here.
	Join(t Target, rooms []string) error
	Leave(t Target, rooms []string) error
	Disconnect(t Target, closeConnection bool) error

	// ServerSideEmit hands an event to the application on the other nodes, not on this
	// one. data is the raw JSON array [event, ...arguments].
	ServerSideEmit(data []byte, attachments [][]byte) error

	// ServerSideEmitWithAck is ServerSideEmit that waits for one answer of each other
	// node. Alone in the cluster, it returns no answers and no error.
	ServerSideEmitWithAck(ctx context.Context, data []byte, attachments [][]byte) ([]Answer, error)
}

// Factory makes the adapter of one namespace. It does no I/O: that is Start's. An
// error ends the creation of the namespace.
type Factory func(Node) (Adapter, error)

// RoomObserver is implemented by adapters that subscribe to single rooms.
type RoomObserver interface {
	// RoomChanged says that a room got its first local member or lost its last. It is
	// a hint: called outside locks, from any goroutine, possibly late, repeated or out
	// of order, for rooms and for socket ids. The adapter looks at [Node].HasRoom for
	// what is true now. It does not wait for the network.
	RoomChanged(room string)
}

// Health is implemented by adapters that depend on a broker.
type Health interface {
	// Health is nil while the cluster can be reached, and otherwise says why not
	// ([ErrDisconnected] among its causes). It only looks, and may be called at any
	// time.
	Health() error
}
