package adapter

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/kachi-io/kachi/socketio/packet"
)

// ClusterOptions are the options of a [Cluster]. The zero value is the default.
type ClusterOptions struct {
	// NodeID names this node among the others. Default: 16 random hexadecimal digits,
	// as Node's adapters do. A node that starts again takes another.
	NodeID string
	// HeartbeatInterval is how often the node shows itself. Default 5 s. Negative: no
	// heartbeats, for wires that are a [NodeCounter] and share the cluster with servers
	// that know none; nodes that die are then noticed by time-outs only.
	HeartbeatInterval time.Duration
	// HeartbeatTimeout is after how long a silence a node is taken for dead. Default
	// 10 s.
	HeartbeatTimeout time.Duration
	// Discovery is how long after Start, and after the broker has come back, requests
	// wait for the other nodes to show themselves before they count who must answer.
	// Broadcasts never wait. Default 200 ms; negative: none. Not used with a NodeCounter.
	Discovery time.Duration
	// MaxRequests bounds the requests under way at once, those of this node and those
	// of others that it answers each for itself. Over it requests fail with ErrBusy.
	// Default 10000.
	MaxRequests int
	// Ordered says that the wire hands this node's own broadcasts, joins, leaves and
	// disconnects back to it, in the one order that all nodes see (a log). They then
	// take effect here when they come back, except when Publish fails.
	Ordered bool
	// Logger; default: discarded.
	Logger *slog.Logger
}

func (o *ClusterOptions) withDefaults() ClusterOptions {
	var c ClusterOptions
	if o != nil {
		c = *o
	}
	if c.NodeID == "" {
		c.NodeID = randomID()
	}
	if c.HeartbeatInterval == 0 {
		c.HeartbeatInterval = 5 * time.Second
	}
	if c.HeartbeatTimeout <= 0 {
		c.HeartbeatTimeout = 10 * time.Second
	}
	if c.Discovery == 0 {
		c.Discovery = 200 * time.Millisecond
	}
	if c.MaxRequests <= 0 {
		c.MaxRequests = 10_000
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func randomID() string {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Cluster is the base of adapters that exchange messages over a broker: an [Adapter]
// made of a [Wire]. It speaks the protocol of Node's cluster adapters, keeps the list of
// the nodes by their heartbeats, and matches requests and responses.
//
// Locks: mu guards tables in memory only. Nothing is published, and no method of the
// Node, the Wire or an AckSink is called, while it is held.
type Cluster struct {
	node     Node
	wire     Wire
	counter  NodeCounter  // nil: the heartbeats tell
	observer RoomObserver // nil: the wire does not subscribe to rooms
	options  ClusterOptions
	log      *slog.Logger
	id       string

	closed chan struct{}  // closed first of all by Close
	owned  sync.WaitGroup // every goroutine and armed timer of this adapter
	heavy  chan struct{}  // bounds the goroutines that describe sockets for others

	mu       sync.Mutex
	started  bool
	ended    bool
	down     error     // why the broker is away; nil when it is there
	settled  time.Time // when the other nodes have had time to show themselves
	members  map[string]*member
	requests map[string]*request
	asks     map[string]*gathering
	answers  map[*answering]struct{}
}

var (
	_ Adapter      = (*Cluster)(nil)
	_ RoomObserver = (*Cluster)(nil)
	_ Health       = (*Cluster)(nil)
)

// heavyLimit is how many goroutines describe sockets at other nodes' request. Past
// it the receiving goroutine does so itself, which slows down who asks too much.
const heavyLimit = 4

// NewCluster makes an adapter of a wire, for use in a [Factory]. o may be nil.
func NewCluster(n Node, w Wire, o *ClusterOptions) *Cluster {
	c := &Cluster{
		node: n, wire: w, options: o.withDefaults(),
		closed:   make(chan struct{}),
		heavy:    make(chan struct{}, heavyLimit),
		members:  make(map[string]*member),
		requests: make(map[string]*request),
		asks:     make(map[string]*gathering),
		answers:  make(map[*answering]struct{}),
	}
	c.id = c.options.NodeID
	c.log = c.options.Logger.With("namespace", n.Namespace(), "node", c.id)
	c.counter, _ = w.(NodeCounter)
	c.observer, _ = w.(RoomObserver)
	return c
}

// ID is this node's id.
func (c *Cluster) ID() string { return c.id }

// Start implements Adapter.
func (c *Cluster) Start(ctx context.Context) error {
	c.mu.Lock()
	if c.started || c.ended {
		c.mu.Unlock()
		return errors.New("adapter: started twice, or after Close")
	}
	c.started = true
	c.mu.Unlock()

	err := c.wire.Open(ctx, Endpoint{
		Namespace: c.node.Namespace(), Node: c.id, Receive: c.receive, State: c.stateChanged,
	})
	if err != nil {
		c.shut()
		return fmt.Errorf("adapter: connecting namespace %s: %w", c.node.Namespace(), err)
	}
	c.announce()
	if c.beats() {
		c.owned.Go(c.beat)
	}
	return nil
}

// Close implements Adapter.
func (c *Cluster) Close(ctx context.Context) error {
	answers, first := c.shut()
	if !first {
		c.owned.Wait()
		return nil
	}
	for a := range answers {
		c.finish(a)
	}
	if err := c.publish(&Message{Kind: KindClose}); err != nil {
		c.log.Debug("farewell not sent", "error", err)
	}
	err := c.wire.Close(ctx)
	c.owned.Wait()
	return err
}

// shut refuses whatever is new and ends whatever waits.
func (c *Cluster) shut() (answers map[*answering]struct{}, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return nil, false
	}
	c.ended = true
	close(c.closed)
	answers, c.answers = c.answers, nil
	return answers, true
}

func (c *Cluster) isClosed() bool {
	select {
	case <-c.closed:
		return true
	default:
		return false
	}
}

// Health implements Health.
func (c *Cluster) Health() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ended:
		return ErrClosed
	case c.down != nil:
		return disconnected(c.down)
	}
	return nil
}

func disconnected(err error) error {
	if errors.Is(err, ErrDisconnected) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDisconnected, err)
}

// RoomChanged implements RoomObserver, for wires that do.
func (c *Cluster) RoomChanged(room string) {
	if c.observer != nil && !c.isClosed() {
		c.observer.RoomChanged(room)
	}
}

func (c *Cluster) publish(m *Message) error {
	m.Node, m.Namespace = c.id, c.node.Namespace()
	return c.wire.Publish(m)
}

// send publishes what takes effect here too: at once, or when an ordered wire hands it
// back. here is skipped only then.
func (c *Cluster) send(m *Message, here func()) error {
	if c.isClosed() {
		return ErrClosed
	}
	err := c.publish(m)
	if !c.options.Ordered || err != nil {
		here()
	}
	return err
}

// Broadcast implements Adapter. The message is published before the local node
// delivers, without waiting for the broker.
func (c *Cluster) Broadcast(p *packet.Packet, t Target, f Flags) error {
	m := &Message{Kind: KindBroadcast, Target: t, Flags: f, Data: p.Data, Attachments: p.Attachments}
	return c.send(m, func() { c.node.Deliver(p, t, f) })
}

// Join implements Adapter.
func (c *Cluster) Join(t Target, rooms []string) error {
	m := &Message{Kind: KindJoin, Target: t, Rooms: rooms}
	return c.send(m, func() { c.node.Join(t, rooms) })
}

// Leave implements Adapter.
func (c *Cluster) Leave(t Target, rooms []string) error {
	m := &Message{Kind: KindLeave, Target: t, Rooms: rooms}
	return c.send(m, func() { c.node.Leave(t, rooms) })
}

// Disconnect implements Adapter.
func (c *Cluster) Disconnect(t Target, closeConnection bool) error {
	m := &Message{Kind: KindDisconnect, Target: t, Close: closeConnection}
	return c.send(m, func() { c.node.Disconnect(t, closeConnection) })
}

// ServerSideEmit implements Adapter.
func (c *Cluster) ServerSideEmit(data []byte, attachments [][]byte) error {
	if c.isClosed() {
		return ErrClosed
	}
	return c.publish(&Message{Kind: KindServerSideEmit, Data: data, Attachments: attachments})
}
