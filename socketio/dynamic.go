package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/socketio/adapter"
)

// Dynamic is a family of namespaces that come and go with their clients: one for each name
// that matches, made when the first client was admitted to it, removed when the last one has
// left. They share what is registered with the Dynamic, also what is registered later; rooms
// and sockets each has its own. [Server.Dynamic] and [Server.DynamicFunc] make one. All
// methods are safe for concurrent use.
//
// What is sent by the Dynamic goes to all of its namespaces on all nodes: it is a member of
// the cluster under its own name, whose messages each node hands on to the namespaces that it
// has. Selections, questions, queries, joins, leaves and disconnects work as they do in one
// namespace, and a [RemoteSocket] found by the Dynamic is reached by its id, whichever its
// namespace. A node gets what the Dynamic sends in the order in which it was sent. With what a
// namespace sends itself that has an order on the sender's node only, and none with an adapter
// that is ordered.
//
// Events between nodes: what the Dynamic emits is handled once on each other node, whatever
// namespaces that has; what a namespace emits is handled on nodes that have the namespace.
// [ServerSideNamespace] tells the handler which it was.
type Dynamic struct {
	*Namespace // carries what is sent to all, and what is registered; nobody is in it

	pattern *pattern  // nil where match decides
	match   MatchFunc // nil where pattern decides
	opts    DynamicOptions

	count int // namespaces with an adapter: guarded by Server.mu

	mu       sync.RWMutex
	children map[*Namespace]struct{}
}

// MatchFunc decides about a client's CONNECT to a name that nothing else has, or to a
// namespace that exists by its decision: it is asked for every client, so that it may look at
// the handshake and at auth (raw JSON, {} when there is none). nil: the client goes on to the
// middlewares. params are the namespace's, see [Namespace.Param]: those of its first client
// stay, so they follow from the name alone.
//
// [ErrNoNamespace] leaves the name to those registered later, and is answered "Invalid
// namespace" when there are none. Any other error refuses the client, as a middleware's does
// ([Namespace.Use]). The context ends with the connection, or after
// [Options.ConnectTimeout]. It is called for many clients at once.
type MatchFunc func(ctx context.Context, name string, h *engineio.Handshake, auth json.RawMessage) (params map[string]string, err error)

// DynamicOptions configures a [Dynamic]. The zero value is the default of every field; nil
// is the zero value.
type DynamicOptions struct {
	// MaxNamespaces bounds the namespaces of the Dynamic that exist at once on this node,
	// those that are being made or closed included. Over it CONNECT is refused with the code
	// "too_many_namespaces". Those that [Server.Of] makes count, and are not refused.
	// Default 10,000.
	MaxNamespaces int
	// MaxNameLength bounds a name, in bytes: a longer one matches nothing. Default 256.
	MaxNameLength int
	// Keep leaves a namespace in being when nobody is in it any more, as the reference
	// implementation does by default, until Shutdown. By default it is removed, and what
	// comes for its name makes a new one.
	Keep bool
}

func (o *DynamicOptions) withDefaults() (DynamicOptions, error) {
	var c DynamicOptions
	if o != nil {
		c = *o
	}
	if c.MaxNamespaces < 0 || c.MaxNameLength < 0 {
		return c, errors.New("a bound is negative")
	}
	setDefault(&c.MaxNamespaces, 10_000)
	setDefault(&c.MaxNameLength, 256)
	return c, nil
}

// Dynamic registers namespaces that exist while somebody is in them: one for each name that
// matches the pattern, "/room-{id}" or "/tenant/{org}/chat". A parameter stands for one or
// more characters other than a slash, as few as possible; the whole name must match; {{ and
// }} stand for braces. [Namespace.Param] tells a parameter's value.
//
// A namespace made by [Server.Of] goes first; then patterns and functions are tried in the
// order in which they were registered. Of itself, for a name that no namespace has and a
// pattern matches, makes that pattern's namespace, and keeps it.
//
// It waits for the Dynamic's own adapter to start, and panics when that fails, when the
// pattern is wrong, and when another one matches the same names. o may be nil.
func (srv *Server) Dynamic(pattern string, o *DynamicOptions) *Dynamic {
	p, err := parsePattern(pattern)
	if err != nil {
		panic(fmt.Errorf("socketio: pattern %q: %w", pattern, err))
	}
	return srv.dynamic(&Dynamic{pattern: p}, pattern, o)
}

// DynamicFunc is [Server.Dynamic] with a function that decides which names match. name is for
// logs and for the cluster, whose nodes must call it the same: letters, digits, and others but
// slashes and braces. The Dynamic's Name is "/{name}", which no client can ask for.
//
// Of knows nothing of the function: for a name that no namespace has at that moment it makes
// an ordinary one, to which clients are admitted without the function.
func (srv *Server) DynamicFunc(name string, match MatchFunc, o *DynamicOptions) *Dynamic {
	if name == "" || strings.ContainsAny(name, "/{}") {
		panic(fmt.Errorf("socketio: %q names no function: it is empty, or has slashes or braces", name))
	}
	if match == nil {
		panic(fmt.Errorf("socketio: dynamic namespaces %q: no function", name))
	}
	return srv.dynamic(&Dynamic{match: match}, "/{"+name+"}", o)
}

// dynamic makes d known, with a part of its own in the cluster.
func (srv *Server) dynamic(d *Dynamic, name string, o *DynamicOptions) *Dynamic {
	opts, err := o.withDefaults()
	if err == nil {
		d.opts, d.children = opts, map[*Namespace]struct{}{}
		err = srv.addDynamic(d, name)
	}
	if err != nil {
		panic(fmt.Errorf("socketio: dynamic namespaces %q: %w", name, err))
	}
	return d
}

func (srv *Server) addDynamic(d *Dynamic, name string) error {
	srv.making.Lock()
	defer srv.making.Unlock()
	srv.mu.Lock()
	known, taken := srv.dynamics, srv.namespaces[name] != nil
	factory, ended := srv.opts.Adapter, srv.ended
	srv.mu.Unlock()
	if taken {
		return errors.New("a namespace has that name")
	}
	for _, other := range known {
		if other.name == name || d.pattern != nil && other.pattern != nil && d.pattern.same(other.pattern) {
			return fmt.Errorf("%q is registered already, and matches the same names", other.name)
		}
	}
	if ended {
		factory = closedAdapter
	}
	d.Namespace = &Namespace{srv: srv, name: name}
	if err := d.Namespace.open(family{d}, factory); err != nil {
		return err
	}
	srv.mu.Lock()
	srv.dynamics = append(slices.Clip(known), d) // read without the lock by who has the list
	missed := srv.ended && !ended
	srv.mu.Unlock()
	if missed { // by Shutdown, while the adapter started
		srv.closeMissed(d.Namespace)
	}
	return nil
}

// decide reports whether the Dynamic has the name that the socket's client asks for, as a
// [MatchFunc] does.
func (d *Dynamic) decide(ctx context.Context, s *Socket) (params map[string]string, err error) {
	name := s.ns.name
	if len(name) > d.opts.MaxNameLength {
		return nil, ErrNoNamespace
	}
	if d.pattern != nil {
		params, ok := d.pattern.match(name)
		if !ok {
			return nil, ErrNoNamespace
		}
		return params, nil
	}
	err = protect(func() error {
		params, err = d.match(ctx, name, s.Handshake(), s.Auth())
		return err
	})
	return maps.Clone(params), err
}

// candidate finds who may have a name that no namespace has: d, or, where d is nil, one that
// only a function can tell.
func candidate(dynamics []*Dynamic, name string) (d *Dynamic, params map[string]string, found bool) {
	for _, d := range dynamics {
		switch {
		case len(name) > d.opts.MaxNameLength:
		case d.pattern == nil:
			return nil, nil, true
		default:
			if params, ok := d.pattern.match(name); ok {
				return d, params, true
			}
		}
	}
	return nil, nil, false
}

// reserved reports whether a Dynamic has the name for itself. The caller holds srv.mu.
func (srv *Server) reserved(name string) bool {
	return slices.ContainsFunc(srv.dynamics, func(d *Dynamic) bool { return d.name == name })
}

// Children returns the namespaces that exist on this node, in no order.
func (d *Dynamic) Children() []*Namespace {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return slices.Collect(maps.Keys(d.children))
}

// Child returns the namespace of that name, if it exists on this node. It does not keep it:
// what is sent in it after it was removed returns [adapter.ErrClosed].
func (d *Dynamic) Child(name string) (*Namespace, bool) {
	ns := d.srv.lookup(slashed(name))
	if ns == nil || ns.Dynamic() != d || !ns.child.alive() {
		return nil, false
	}
	return ns, true
}

// Matches reports whether a name is one of the Dynamic's, as far as its pattern tells; where a
// function does, it is asked for clients only.
func (d *Dynamic) Matches(name string) bool {
	of, _, _ := candidate([]*Dynamic{d}, slashed(name))
	return of != nil
}

// Visit calls f with the namespace of that name, which it makes where it does not exist on
// this node, and which stays at least until f returns: so an application sends something to
// the clients that other nodes have in it. ctx bounds the wait for the adapter to start.
// Over MaxNamespaces the error is an [*Error] with the code "too_many_namespaces", for a name
// that does not match [ErrNoNamespace], after Shutdown [ErrClosed]. A function ([MatchFunc])
// is not asked, and a namespace that is made so has no parameters.
func (d *Dynamic) Visit(ctx context.Context, name string, f func(ctx context.Context, ns *Namespace) error) error {
	ns, err := d.srv.join(d, slashed(name))
	if err != nil {
		return err
	}
	defer ns.release()
	if err := ns.child.start(ctx, false); err != nil {
		return err
	}
	return f(ctx, ns)
}

// Socket returns the socket of that id in one of the namespaces, on this node.
func (d *Dynamic) Socket(id string) (*Socket, bool) {
	for _, ns := range d.Children() {
		if s, ok := ns.Socket(id); ok {
			return s, true
		}
	}
	return nil, false
}

// Sockets returns the sockets connected to all of the namespaces on this node, in no order.
func (d *Dynamic) Sockets() (all []*Socket) {
	for _, ns := range d.Children() {
		all = append(all, ns.Sockets()...)
	}
	return all
}

// Count returns how many sockets are connected to all of the namespaces on this node.
func (d *Dynamic) Count() (n int) {
	for _, ns := range d.Children() {
		n += ns.Count()
	}
	return n
}

// Param returns the value of a parameter of the pattern by which the namespace exists: see
// [Server.Dynamic]. It is empty where there is none of that name.
func (ns *Namespace) Param(name string) string { return ns.params()[name] }

// Params returns the values of all parameters, nil where there are none. The map is the
// caller's own.
func (ns *Namespace) Params() map[string]string { return maps.Clone(ns.params()) }

func (ns *Namespace) params() map[string]string {
	if ns.child == nil {
		return nil
	}
	if o := ns.child.owner.Load(); o != nil {
		return o.params
	}
	return nil
}

// Dynamic returns the Dynamic by which the namespace exists, or nil.
func (ns *Namespace) Dynamic() *Dynamic {
	if ns.child == nil {
		return nil
	}
	if o := ns.child.owner.Load(); o != nil {
		return o.dynamic
	}
	return nil
}

// shutdown closes the namespaces that are left, and the Dynamic's own adapter.
func (d *Dynamic) shutdown(ctx context.Context) error {
	var mu sync.Mutex
	var errs []error
	note := func(ns *Namespace, err error) {
		if err != nil {
			mu.Lock()
			errs = append(errs, fmt.Errorf("socketio: namespace %q: %w", ns.name, err))
			mu.Unlock()
		}
	}
	var wg sync.WaitGroup
	turns := make(chan struct{}, shutdownWidth)
	for _, ns := range d.Children() {
		turns <- struct{}{}
		wg.Go(func() {
			note(ns, ns.child.shutdown(ctx))
			<-turns
		})
	}
	wg.Wait()
	note(d.Namespace, d.Namespace.adapter.Close(ctx))
	return errors.Join(errs...)
}

// shutdownWidth is how many adapters are closed at once: each may wait for a broker.
const shutdownWidth = 64

// roomObservers tells two adapters of the rooms of a child: its own, and the Dynamic's.
type roomObservers [2]adapter.RoomObserver

func (r roomObservers) RoomChanged(room string) {
	for _, o := range r {
		if o != nil {
			o.RoomChanged(room)
		}
	}
}
