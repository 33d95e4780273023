package socketio

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/kachi-io/kachi/socketio/adapter"
	"github.com/kachi-io/kachi/socketio/packet"
)

// Handler handles one event of one socket. Its context ends with the socket.
//
// An [*Error] that it returns answers the event where the client asked for an
// acknowledgement and none was given yet. Every error is logged and reported to
// [Hooks.Failed].
type Handler func(ctx context.Context, e *Event) error

// Namespace is a part of a server with sockets, rooms and handlers of its own. All
// methods are safe for concurrent use. Functions are best registered before clients
// connect; what is registered later concerns what arrives later.
//
// One of a [Dynamic] takes no functions of its own (registering panics) and ends when nobody
// is in it any more: what is sent by it then returns [adapter.ErrClosed].
type Namespace struct {
	srv        *Server
	name       string
	adapter    adapter.Adapter // nil for a child: see reach
	alone      adapter.Adapter // this node only, for Local broadcasts
	local      index           // sockets and rooms on this node
	journal    *journal        // nil without Options.Recovery
	ackIDs     atomic.Int64
	serverSide serverSide
	child      *child // nil unless a [Dynamic] has it

	table atomic.Pointer[table] // copied on each registration; see registered
}

// table is what was registered with a namespace. It is immutable.
type table struct {
	handlers      map[string]Handler
	routes        map[string]Handler // handlers within eventMW
	any           []Handler
	unhandled     Handler // of events that have none
	eventMW       []func(Handler) Handler
	outgoing      []func(s *Socket, event string, args packet.Args)
	middleware    []func(context.Context, *Socket) error
	connect       []func(context.Context, *Socket) error
	disconnecting []func(context.Context, *Socket, Reason) error
	disconnect    []func(context.Context, *Socket, Reason) error
	expired       []func(context.Context, *ExpiredSession) error
	serverSide    map[string]ServerSideHandler
}

func newNamespace(srv *Server, name string, factory adapter.Factory) (*Namespace, error) {
	ns := &Namespace{srv: srv, name: name}
	ns.journal = newJournal(ns)
	return ns, ns.open(node{ns}, factory)
}

// open gives the namespace its adapter. It shows itself to that as n.
func (ns *Namespace) open(n adapter.Node, factory adapter.Factory) (err error) {
	ns.table.Store(&nothing)
	ns.local.init(shardCount)
	if ns.adapter, err = factory(n); err != nil {
		return err
	}
	if ns.alone, err = adapter.NewMemory(n); err != nil {
		return err
	}
	ns.local.observer, _ = ns.adapter.(adapter.RoomObserver)
	if err := ns.srv.opts.keeps(ns.adapter); err != nil {
		return err
	}
	return ns.adapter.Start(context.Background())
}

// Name returns the namespace's name, which begins with a slash.
func (ns *Namespace) Name() string { return ns.name }

// registered returns what was registered with the namespace, or with the [Dynamic] that has
// it.
func (ns *Namespace) registered() *table {
	if c := ns.child; c != nil {
		o := c.owner.Load()
		if o == nil {
			return &nothing
		}
		ns = o.dynamic.Namespace
	}
	return ns.table.Load()
}

// nothing was registered yet. It is no literal in registered, which would take room on the
// stacks of all who call it: 200 bytes, for which those of sockets would have to grow.
var nothing table

// reach returns the namespace's adapter.
func (ns *Namespace) reach() adapter.Adapter {
	if c := ns.child; c != nil {
		a := c.adapter.Load()
		if a == nil {
			return unopened{}
		}
		return *a
	}
	return ns.adapter
}

// register makes a changed table. It takes no lock, since change runs event
// middlewares; it is called again where another registration came first.
func (ns *Namespace) register(change func(t *table)) {
	if ns.child != nil {
		panic(fmt.Errorf("socketio: namespace %q shares what is registered with its Dynamic: register it there", ns.name))
	}
	for {
		old := ns.table.Load()
		t := *old
		t.handlers, t.routes, t.serverSide = maps.Clone(t.handlers), maps.Clone(t.routes), maps.Clone(t.serverSide)
		t.any, t.eventMW, t.outgoing = slices.Clip(t.any), slices.Clip(t.eventMW), slices.Clip(t.outgoing)
		t.middleware, t.connect = slices.Clip(t.middleware), slices.Clip(t.connect)
		t.disconnecting, t.disconnect = slices.Clip(t.disconnecting), slices.Clip(t.disconnect)
		change(&t)
		if ns.table.CompareAndSwap(old, &t) {
			return
		}
	}
}

// route puts the event's handler within the event middlewares.
func (t *table) route(event string) {
	h := t.handlers[event]
	for _, m := range slices.Backward(t.eventMW) {
		h = m(h)
	}
	t.routes[event] = h
}

// On registers the handler of an event. It panics when the name is reserved by the
// protocol or has a handler already.
func (ns *Namespace) On(event string, h Handler) {
	if packet.IsReserved(event) {
		panic(fmt.Errorf("%w: %q; see OnConnect, OnDisconnecting and OnDisconnect", ErrReserved, event))
	}
	ns.register(func(t *table) {
		if t.handlers[event] != nil {
			panic(fmt.Errorf("socketio: namespace %q has a handler for %q already", ns.name, event))
		}
		if t.handlers == nil {
			t.handlers, t.routes = map[string]Handler{}, map[string]Handler{}
		}
		t.handlers[event] = h
		t.route(event)
	})
}

// OnAny registers a function that sees every incoming event before its handler does,
// also those that have none. An error keeps the event from its handler.
func (ns *Namespace) OnAny(h Handler) {
	ns.register(func(t *table) { t.any = append(t.any, h) })
}

// OnUnhandled registers the function that gets events for which there is no handler. It
// panics when there is one already.
func (ns *Namespace) OnUnhandled(h Handler) {
	ns.register(func(t *table) {
		if t.unhandled != nil {
			panic(fmt.Errorf("socketio: namespace %q has a function for unhandled events already", ns.name))
		}
		t.unhandled = h
	})
}

// OnAnyOutgoing registers a function that sees every event sent to a socket of this
// node: emitted, asked, or broadcast, then once for each receiver. Acknowledgements
// are not events. It runs on the sender's goroutine after the event was queued, and
// must not change args, which all receivers share.
func (ns *Namespace) OnAnyOutgoing(f func(s *Socket, event string, args packet.Args)) {
	ns.register(func(t *table) { t.outgoing = append(t.outgoing, f) })
}

// Use registers a middleware: it runs when a client asks for the namespace, before it
// is answered, and refuses by an error. An [*Error]'s message and code reach the client
// in connect_error; any other error is logged and answered in general terms.
// Middlewares run in the order in which they were registered, with a context that ends
// with the connection or after [Options.ConnectTimeout]. The socket can carry data but
// has no rooms and cannot emit yet. A namespace of a [Dynamic] is opened only for whom they
// have admitted: for its first client on this node, sending in it returns [ErrNotOpen].
func (ns *Namespace) Use(m func(ctx context.Context, s *Socket) error) {
	ns.register(func(t *table) { t.middleware = append(t.middleware, m) })
}

// UseEvent registers a middleware around every incoming event that has a handler; the
// first registered is outermost. m is called once for each handler when the handler is
// registered, and again when a middleware is registered after it.
func (ns *Namespace) UseEvent(m func(next Handler) Handler) {
	ns.register(func(t *table) {
		t.eventMW = append(t.eventMW, m)
		for event := range t.handlers {
			t.route(event)
		}
	})
}

// OnConnect registers a function that runs when a socket was admitted, before its
// first event is handled. It may join rooms, emit, and wait for acknowledgements. An
// error is sent as the event "exception", and the socket is disconnected; events that it has
// sent are dropped.
func (ns *Namespace) OnConnect(f func(ctx context.Context, s *Socket) error) {
	ns.register(func(t *table) { t.connect = append(t.connect, f) })
}

// OnDisconnecting registers a function that runs when a connected socket has ended,
// whoever ended it, after the events that had arrived were handled. [Socket.Rooms]
// still tells the rooms that it was in. The context has [Options.HookTimeout] as its
// deadline and outlives the socket.
func (ns *Namespace) OnDisconnecting(f func(ctx context.Context, s *Socket, reason Reason) error) {
	ns.register(func(t *table) { t.disconnecting = append(t.disconnecting, f) })
}

// OnDisconnect registers a function that runs once for each connected socket, last of
// all, when it has no rooms any more.
func (ns *Namespace) OnDisconnect(f func(ctx context.Context, s *Socket, reason Reason) error) {
	ns.register(func(t *table) { t.disconnect = append(t.disconnect, f) })
}

// Socket returns the socket of that id on this node.
func (ns *Namespace) Socket(id string) (*Socket, bool) {
	s := ns.local.socket(id)
	return s, s != nil
}

// Sockets returns the sockets connected to the namespace on this node, in no order.
func (ns *Namespace) Sockets() []*Socket { return ns.local.selected(adapter.Target{}) }

// Count returns how many sockets are connected to the namespace on this node.
func (ns *Namespace) Count() int { return ns.local.count() }
