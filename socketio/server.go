package socketio

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/internal/wheel"
	"github.com/kachi-io/kachi/socketio/adapter"
	"github.com/kachi-io/kachi/socketio/packet"
)

// Server serves Socket.IO on an http.Handler. It is also its own root namespace, "/":
// On, Emit, To and the others concern that one. All methods are safe for concurrent
// use.
type Server struct {
	*Namespace // "/"

	opts   Options // whose hooks count
	counts counters
	engine *engineio.Server
	json   *form        // of most mounts
	mount  http.Handler // without options
	files  *clientFiles
	wheel  *wheel.Wheel // connect time-outs, acknowledgement time-outs

	making     sync.Mutex // the turn to make a namespace, while its adapter connects; before mu
	mu         sync.Mutex
	namespaces map[string]*Namespace
	forms      map[string]*form // by encoding
	coming     string           // the one that Of is making: no Dynamic has it
	dynamics   []*Dynamic       // in the order of registration; a changed list is another one
	stopping   bool             // Shutdown has begun
	ended      bool             // Shutdown closes, or has closed, the adapters of all namespaces
	work       tracker          // goroutines that run user code
}

// wheelTick is how late a time-out may be.
const wheelTick = 20 * time.Millisecond

// NewServer makes a server. nil options are the defaults. It panics when the options
// contradict each other: see [Options.Validate].
func NewServer(o *Options) *Server {
	if err := o.Validate(); err != nil {
		panic(err)
	}
	srv := &Server{
		opts:       o.withDefaults(),
		wheel:      wheel.New(wheelTick),
		namespaces: map[string]*Namespace{},
		forms:      map[string]*form{},
		work:       tracker{idle: make(chan struct{}, 1)},
	}
	srv.opts.Hooks = srv.opts.Hooks.counted(&srv.counts)
	srv.files = newClientFiles(srv.opts.ClientFiles)
	srv.json = srv.form(packet.JSON)
	srv.engine = engineio.NewServer(srv.accept(srv.json), srv.opts.engine())
	srv.mount = srv.Handler(Mount{})
	srv.Namespace = srv.Of("/")
	return srv
}

// ClientAddress returns the address of the client that sent a request, as
// [Options].TrustedProxies has it, for handlers beside the server; an invalid one where it
// has none (a Unix socket). A socket's own is in its [Handshake].
func (srv *Server) ClientAddress(r *http.Request) netip.Addr { return srv.engine.ClientAddress(r) }

// Of returns the namespace of that name, and makes it when there is none yet. A
// missing leading slash is added. It waits for the adapter of a new namespace to start,
// and panics when that fails; clients can join from then on.
//
// A name that the pattern of a [Dynamic] matches, and that no namespace has yet, becomes one
// of the Dynamic's: it shares what is registered there, and stays until Shutdown, also when
// nobody is in it. One that exists for its clients stays from then on. For names without end
// [Dynamic.Visit] lets go again.
//
// After [Server.Shutdown] a new namespace is one that no client joins. It has no adapter
// to start or to close, and what is sent in it returns [adapter.ErrClosed].
func (srv *Server) Of(name string) *Namespace {
	name = slashed(name)
	for {
		ns, err := srv.pin(name)
		if ns == nil && err == nil {
			ns, err = srv.ordinary(name)
		}
		switch {
		case err != nil:
			panic(fmt.Errorf("socketio: namespace %q: %w", name, err))
		case ns != nil:
			return ns
		}
	}
}

func slashed(name string) string {
	if name == "" || name[0] != '/' {
		return "/" + name
	}
	return name
}

// ordinary makes a namespace that no [Dynamic] has, unless there is one. nil: a Dynamic has
// one by now.
func (srv *Server) ordinary(name string) (*Namespace, error) {
	srv.making.Lock()
	defer srv.making.Unlock()
	srv.mu.Lock()
	former, ended := srv.namespaces[name], srv.ended
	var of *child
	if former != nil {
		of = former.child
	}
	switch {
	case former != nil && of == nil:
		srv.mu.Unlock()
		return former, nil
	case srv.reserved(name):
		srv.mu.Unlock()
		return nil, errors.New("dynamic namespaces have that name")
	case of != nil && (of.state == childOpening || of.state == childOpen) && !ended:
		srv.mu.Unlock()
		return nil, nil
	}
	closing := of != nil && of.state == childClosing
	srv.coming = name // from here on no Dynamic opens it
	srv.mu.Unlock()
	defer func() {
		srv.mu.Lock()
		srv.coming = ""
		srv.mu.Unlock()
	}()
	if closing {
		<-of.closed
	}
	factory := srv.opts.Adapter
	if ended {
		factory = closedAdapter
	}
	ns, err := newNamespace(srv, name, factory)
	if err != nil {
		return nil, err
	}
	srv.mu.Lock()
	srv.namespaces[name] = ns
	missed := srv.ended && !ended
	srv.mu.Unlock()
	if missed { // by Shutdown, while the adapter started
		srv.closeMissed(ns)
	}
	return ns, nil
}

func (srv *Server) closeMissed(ns *Namespace) {
	ctx, cancel := context.WithTimeout(context.Background(), srv.opts.HookTimeout)
	defer cancel()
	if err := ns.adapter.Close(ctx); err != nil {
		srv.opts.Logger.Error("closing an adapter", "namespace", ns.name, "error", err)
	}
}

// closedAdapter is what a namespace has that is made after Shutdown.
func closedAdapter(n adapter.Node) (adapter.Adapter, error) {
	a, err := adapter.NewMemory(n)
	if err != nil {
		return nil, err
	}
	return a, a.Close(context.Background())
}

func (srv *Server) over() bool {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	return srv.ended
}

func (srv *Server) lookup(name string) *Namespace {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	return srv.namespaces[name]
}

// Connections returns how many connections are open: each carries a socket for each
// namespace that its client joined.
func (srv *Server) Connections() int { return srv.engine.Sessions() }

// ServeHTTP serves the protocol, and the client files where [Options.ClientFiles] has
// them. It does not look at the path beyond the client files' names: mount it where
// clients will look for it, by default "/socket.io/". Other encodings and plain WebSocket
// have mounts of their own: [Server.Handler], [Server.PlainHandler].
func (srv *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { srv.mount.ServeHTTP(w, r) }

// Shutdown refuses new connections, ends all sockets with the reason "server shutting
// down" (their clients will come back, to this server or another), waits until
// handlers and lifecycle functions have returned, and closes the adapters. When ctx
// ends first, it returns an error that says what still runs. The server cannot be used
// again.
func (srv *Server) Shutdown(ctx context.Context) error {
	srv.mu.Lock()
	srv.stopping = true
	for _, ns := range srv.namespaces {
		if ns.child != nil {
			ns.child.rest()
		}
	}
	srv.mu.Unlock()
	errs := []error{srv.engine.Shutdown(ctx)}
	srv.work.wait(ctx) // before the adapters are closed: what a socket does at its end may be for other nodes
	srv.mu.Lock()
	srv.ended = true
	namespaces, dynamics := slices.Collect(maps.Values(srv.namespaces)), srv.dynamics
	srv.mu.Unlock()
	for _, d := range dynamics {
		if err := d.shutdown(ctx); err != nil {
			errs = append(errs, err)
		}
	}
	for _, ns := range namespaces {
		if ns.child != nil {
			continue
		}
		if ns.journal != nil {
			ns.journal.close()
		}
		if err := ns.adapter.Close(ctx); err != nil {
			errs = append(errs, fmt.Errorf("socketio: namespace %q: %w", ns.name, err))
		}
	}
	if left := srv.work.wait(ctx); left > 0 { // other nodes had events handled until now
		errs = append(errs, fmt.Errorf("socketio: handlers of %d sockets still run: %w", left, context.Cause(ctx)))
	}
	return errors.Join(errs...)
}

// tracker counts goroutines and lets one wait for their end with a deadline, which
// sync.WaitGroup cannot. Counting costs no lock: it is done for every burst of events.
type tracker struct {
	n       atomic.Int64
	waiting atomic.Bool
	idle    chan struct{} // holds one
}

func (t *tracker) add() { t.n.Add(1) }

func (t *tracker) done() {
	if t.n.Add(-1) == 0 && t.waiting.Load() {
		t.signal()
	}
}

func (t *tracker) signal() {
	select {
	case t.idle <- struct{}{}:
	default:
	}
}

// wait returns 0 when all are done, or how many are left when ctx ends.
func (t *tracker) wait(ctx context.Context) int64 {
	t.waiting.Store(true)
	for {
		n := t.n.Load()
		if n == 0 {
			t.signal() // somebody else may wait, too
			return 0
		}
		select {
		case <-t.idle:
		case <-ctx.Done():
			return n
		}
	}
}
