package adapter

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
)

// BusOptions are the options of a [Bus]. The zero value is the default.
type BusOptions struct {
	// Ordered makes the bus a log: each node gets its own broadcasts, joins, leaves and
	// disconnects back in their place among those of the others, so that all nodes see
	// one order. Broadcasts then carry a [Flags].Offset.
	Ordered bool
	// Counted makes the bus count who is subscribed, as Redis does, and switches the
	// heartbeats off.
	Counted bool
	// Backlog is how many messages may wait for one node. What comes above it is lost
	// to this node. Default 65536.
	Backlog int
	// Cluster are the options of the adapters. NodeID and Ordered are set by the bus.
	Cluster ClusterOptions
}

// Bus connects several nodes in one process, as a broker connects several processes:
// messages are serialised, each node decodes its own copy, and no memory is shared. It is
// for tests, and for applications that run several servers in one process. Its faults can
// be switched: [Bus.Stop], [Bus.Split], [Bus.Fault], [BusNode.Cut].
//
// The messages of one node reach each other node in the order sent. All methods are safe
// for concurrent use.
type Bus struct {
	options BusOptions
	log     *slog.Logger

	mu      sync.Mutex
	wires   []*busWire
	stopped bool
	fault   func(from, to string, m *Message) Fate
	sent    uint64 // messages published, which is the log's offset
	lost    uint64
}

// NewBus makes a bus. o may be nil.
func NewBus(o *BusOptions) *Bus {
	b := new(Bus)
	if o != nil {
		b.options = *o
	}
	if b.options.Backlog <= 0 {
		b.options.Backlog = 1 << 16
	}
	if b.options.Counted {
		b.options.Cluster.HeartbeatInterval = -1
	}
	b.options.Cluster.Ordered = b.options.Ordered
	b.log = b.options.Cluster.withDefaults().Logger
	return b
}

// BusNode is one process' connection to a [Bus], for all of its namespaces.
type BusNode struct {
	bus *Bus
	cut bool // guarded by bus.mu
	far bool // on the other side of a split; guarded by bus.mu
}

// Node makes another node.
func (b *Bus) Node() *BusNode { return &BusNode{bus: b} }

// Adapter is a [Factory]: the adapter of a namespace on this node.
func (n *BusNode) Adapter(node Node) (Adapter, error) {
	options := n.bus.options.Cluster
	options.NodeID = ""
	w := &busWire{bus: n.bus, node: n, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	if n.bus.options.Counted {
		return NewCluster(node, countedWire{w}, &options), nil
	}
	return NewCluster(node, w, &options), nil
}

// busWire is the connection of one namespace on one node. Its goroutine takes messages
// out of the inbox and hands them to the adapter, one at a time.
type busWire struct {
	bus  *Bus
	node *BusNode
	self Endpoint
	wake chan struct{}

	inbox []delivery // guarded by bus.mu
	open  bool       // guarded by bus.mu
	stop  chan struct{}
	ended chan struct{} // closed when the goroutine is no more
}

// delivery is a message on its way to a node, or the news of the broker's state.
type delivery struct {
	bytes  []byte
	offset string
	fate   Fate
	state  error
	news   bool // state is what this is about
}

// Open implements Wire.
func (w *busWire) Open(ctx context.Context, self Endpoint) error {
	b := w.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped || w.node.cut {
		return ErrDisconnected
	}
	w.self, w.open, w.stop = self, true, make(chan struct{})
	b.wires = append(b.wires, w)
	go w.run()
	return nil
}

// Publish implements Wire.
func (w *busWire) Publish(m *Message) error { return w.send("", m) }

// Send implements Wire.
func (w *busWire) Send(node string, m *Message) error { return w.send(node, m) }

func (w *busWire) send(to string, m *Message) error {
	encoded, err := m.Append(nil)
	if err != nil {
		return err
	}
	b := w.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !w.open:
		return ErrClosed
	case b.stopped || w.node.cut:
		return ErrDisconnected
	}
	d := delivery{bytes: encoded}
	if b.sent++; b.options.Ordered && m.Kind == KindBroadcast && m.RequestID == "" {
		d.offset = strconv.FormatUint(b.sent, 10)
	}
	for _, other := range b.wires {
		self := other == w
		if self && !b.options.Ordered || other.self.Namespace != w.self.Namespace ||
			to != "" && to != other.self.Node {
			continue
		}
		if other.node.cut || other.node.far != w.node.far {
			continue
		}
		if d.fate = (Fate{}); b.fault != nil && !self {
			if d.fate = b.fault(m.Node, other.self.Node, m); d.fate.Lost {
				continue
			}
		}
		if len(other.inbox) >= b.options.Backlog {
			b.lost++
			continue
		}
		other.push(d)
	}
	return nil
}

// push adds to the inbox; bus.mu is held.
func (w *busWire) push(d delivery) {
	w.inbox = append(w.inbox, d)
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *busWire) run() {
	defer close(w.ended)
	for {
		select {
		case <-w.stop:
			return
		case <-w.wake:
		}
		w.bus.mu.Lock()
		batch := w.inbox
		w.inbox = nil
		w.bus.mu.Unlock()
		for _, d := range batch {
			if !d.fate.wait(w.stop) {
				return
			}
			w.deliver(d)
		}
	}
}

func (w *busWire) deliver(d delivery) {
	if d.news {
		w.self.State(d.state)
		return
	}
	m, err := ParseMessage(bytes.Clone(d.bytes))
	if err != nil {
		w.bus.log.Error("bus: a message cannot be read", "error", err)
		return
	}
	m.Offset = d.offset
	w.self.Receive(m)
}

// Close implements Wire.
func (w *busWire) Close(context.Context) error {
	b := w.bus
	b.mu.Lock()
	if !w.open {
		b.mu.Unlock()
		return errors.New("adapter: bus: not open")
	}
	w.open, w.inbox = false, nil
	for i, other := range b.wires {
		if other == w {
			b.wires = append(b.wires[:i:i], b.wires[i+1:]...)
			break
		}
	}
	b.mu.Unlock()
	close(w.stop)
	<-w.ended
	return nil
}

// countedWire is a busWire that counts, as a [NodeCounter].
type countedWire struct{ *busWire }

// CountNodes implements NodeCounter.
func (w countedWire) CountNodes(context.Context) (int, error) {
	b := w.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped || w.node.cut {
		return 0, ErrDisconnected
	}
	n := 0
	for _, other := range b.wires {
		if other.self.Namespace == w.self.Namespace && !other.node.cut {
			n++
		}
	}
	return n, nil
}
