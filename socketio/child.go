package socketio

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/kachi-io/kachi/socketio/adapter"
)

// child is what a namespace of a [Dynamic] has besides: who needs it, and where it is in its
// life. It waits, known by name and little more, while clients are being admitted to it; is
// opened (given its adapter) for the first one that was; and is closed when nobody needs it
// any more. From then on it is dead: who comes for the name gets another one, which opens
// when this one is closed. Users, each once: a socket, from CONNECT until its last function
// has returned; a session kept for recovery, until its functions have returned; a Visit.
//
// All that is not said to be otherwise is guarded by Server.mu, which is held for moments:
// adapters start and close on goroutines of their own.
type child struct {
	ns    *Namespace
	owner atomic.Pointer[owner] // nil until a function has said whose it is

	users  int
	pinned bool // by Of
	state  childState
	giveUp context.CancelFunc // ends the opening
	before *child             // of that name, being closed; nil once it is
	ready  chan struct{}      // closed once it is open, or failed
	closed chan struct{}      // closed when nothing of it is left
	err    error              // why it failed; set before ready

	adapter atomic.Pointer[adapter.Adapter] // once it is open
}

// owner is the Dynamic whose child it is, and the values of the parameters.
type owner struct {
	dynamic *Dynamic
	params  map[string]string
}

type childState uint8

const (
	childWaiting childState = iota // for a first client to be admitted
	childOpening
	childOpen
	childClosing
	childDead // or never opened: its adapter failed
)

var errTooManyNamespaces = NewError(CodeTooManyNamespaces, "Too many namespaces at once")

// newChild makes a child that waits. It is light: whoever asks for a name has one made.
func newChild(srv *Server, name string, d *Dynamic, params map[string]string) *Namespace {
	ns := &Namespace{srv: srv, name: name}
	c := &child{ns: ns, ready: make(chan struct{}), closed: make(chan struct{})}
	ns.child = c
	if d != nil {
		c.owner.Store(&owner{d, params})
	}
	ns.local.init(childShards)
	ns.alone, _ = adapter.NewMemory(node{ns})
	ns.journal = newJournal(ns)
	return ns
}

// use counts one more user, and reports false when the namespace is one that nobody can use
// any more. The caller holds srv.mu.
func (ns *Namespace) use() bool {
	if ns.child == nil {
		return true
	}
	if ns.child.state >= childClosing {
		return false
	}
	ns.child.users++
	return true
}

// hold counts one more user, on behalf of one that there is.
func (ns *Namespace) hold() {
	if ns.child != nil {
		ns.srv.mu.Lock()
		ns.child.users++
		ns.srv.mu.Unlock()
	}
}

// release is the end of use and hold. The last one closes the namespace, on a goroutine of
// its own.
func (ns *Namespace) release() {
	c, srv := ns.child, ns.srv
	if c == nil {
		return
	}
	srv.mu.Lock()
	defer srv.mu.Unlock()
	c.users--
	c.rest()
}

// rest sees to a child that nobody may need any more. The caller holds srv.mu.
func (c *child) rest() {
	srv := c.ns.srv
	if c.state == childOpening && c.users == 1 && !c.pinned && srv.stopping {
		c.giveUp() // nobody waits for it but Shutdown
	}
	if c.users > 0 || c.pinned {
		return
	}
	switch c.state {
	case childWaiting:
		c.state = childDead
		c.unlist()
	case childOpen:
		if c.owner.Load().dynamic.opts.Keep || srv.ended { // Shutdown closes it
			return
		}
		c.state = childClosing
		srv.work.add()
		go func() {
			defer srv.work.done()
			ctx, cancel := context.WithTimeout(context.Background(), srv.opts.HookTimeout)
			defer cancel()
			if err := c.close(ctx); err != nil {
				srv.opts.Logger.Error("closing an adapter", "namespace", c.ns.name, "error", err)
			}
		}()
	}
}

// unlist takes the child out of the names, unless another one has its place, or the one
// before it is still being closed and takes it back. The caller holds srv.mu.
func (c *child) unlist() {
	names := c.ns.srv.namespaces
	if names[c.ns.name] != c.ns {
		return
	}
	if b := c.before; b != nil && b.state == childClosing {
		names[c.ns.name] = b.ns
		return
	}
	delete(names, c.ns.name)
}

// alive reports whether clients can be in the child.
func (c *child) alive() bool {
	c.ns.srv.mu.Lock()
	defer c.ns.srv.mu.Unlock()
	return c.state == childOpen
}

// claim makes d the owner of a child that has none, and returns whose it is.
func (c *child) claim(d *Dynamic, params map[string]string) *owner {
	c.owner.CompareAndSwap(nil, &owner{d, params})
	return c.owner.Load()
}

// match asks the function that decides about the child's name, or finds out who does.
func (c *child) match(ctx context.Context, s *Socket) error {
	o := c.owner.Load()
	if o == nil {
		srv := c.ns.srv
		srv.mu.Lock()
		dynamics := srv.dynamics
		srv.mu.Unlock()
		for _, d := range dynamics {
			params, err := d.decide(ctx, s)
			if errors.Is(err, ErrNoNamespace) {
				continue
			}
			if err != nil {
				return err
			}
			if o = c.claim(d, params); o.dynamic == d {
				return nil
			}
			break // another client's function has decided meanwhile
		}
		if o == nil {
			return ErrNoNamespace
		}
	}
	_, err := o.dynamic.decide(ctx, s)
	return err
}

// start has the child opened, unless it is, and waits for it. The caller is one of its users.
// force passes over the bound.
func (c *child) start(ctx context.Context, force bool) error {
	srv := c.ns.srv
	srv.mu.Lock()
	before := c.before
	srv.mu.Unlock()
	if before != nil { // one after the other: in a broker both have one name
		select {
		case <-before.closed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := c.begin(force); err != nil {
		return err
	}
	select {
	case <-c.ready:
		return c.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// begin begins to open the child, if it waits for that.
func (c *child) begin(force bool) error {
	srv := c.ns.srv
	srv.mu.Lock()
	defer srv.mu.Unlock()
	c.before = nil
	if c.state != childWaiting {
		return nil
	}
	d := c.owner.Load().dynamic
	switch {
	case srv.ended:
		return ErrClosed
	case srv.namespaces[c.ns.name] != c.ns || srv.coming == c.ns.name: // an ordinary one, by Of
		return ErrNoNamespace
	case d.count >= d.opts.MaxNamespaces && !force:
		return errTooManyNamespaces
	}
	d.count++
	c.state = childOpening
	c.users++ // until it is open: all others may leave meanwhile
	ctx, cancel := context.WithTimeout(context.Background(), srv.opts.ConnectTimeout)
	c.giveUp = cancel
	srv.work.add()
	go c.open(ctx, d)
	return nil
}

// open gives the child its adapter.
func (c *child) open(ctx context.Context, d *Dynamic) {
	srv := c.ns.srv
	defer srv.work.done()
	defer c.giveUp()
	a, err := c.connect(ctx, d)
	if err != nil {
		err = fmt.Errorf("socketio: namespace %q: %w", c.ns.name, err)
		srv.opts.Logger.Error("a namespace cannot be made", "namespace", c.ns.name, "error", err)
		srv.mu.Lock()
		d.count--
		c.users--
		c.state, c.err, c.pinned = childDead, err, false
		c.unlist()
		srv.mu.Unlock()
		c.discard()
		close(c.closed)
		close(c.ready)
		return
	}
	c.adapter.Store(&a)
	d.mu.Lock()
	d.children[c.ns] = struct{}{}
	d.mu.Unlock()
	srv.opts.Hooks.NamespaceCreated(c.ns)
	srv.mu.Lock()
	c.state = childOpen
	c.users--
	missed := srv.ended
	if missed { // by Shutdown
		c.state = childClosing
	} else {
		c.rest()
	}
	srv.mu.Unlock()
	close(c.ready)
	if missed {
		ctx, cancel := context.WithTimeout(context.Background(), srv.opts.HookTimeout)
		defer cancel()
		if err := c.close(ctx); err != nil {
			srv.opts.Logger.Error("closing an adapter", "namespace", c.ns.name, "error", err)
		}
	}
}

// connect makes the adapter, and starts it.
func (c *child) connect(ctx context.Context, d *Dynamic) (a adapter.Adapter, err error) {
	err = protect(func() error {
		if a, err = c.ns.srv.opts.Adapter(node{c.ns}); err != nil {
			return err
		}
		if err := c.ns.srv.opts.keeps(a); err != nil {
			return err
		}
		own, _ := a.(adapter.RoomObserver)
		if all := d.Namespace.local.observer; own != nil || all != nil {
			c.ns.local.observer = roomObservers{own, all}
		}
		return a.Start(ctx)
	})
	return a, err
}

// close ends the child, which is in the state childClosing. ctx bounds the adapter's farewell.
func (c *child) close(ctx context.Context) error {
	srv, d := c.ns.srv, c.owner.Load().dynamic
	d.mu.Lock()
	delete(d.children, c.ns)
	d.mu.Unlock()
	c.discard()
	err := protect(func() error { return (*c.adapter.Load()).Close(ctx) })
	srv.opts.Hooks.NamespaceRemoved(c.ns)
	srv.mu.Lock()
	d.count--
	c.state = childDead
	c.unlist()
	srv.mu.Unlock()
	close(c.closed)
	return err
}

// discard ends what the child has besides its adapter.
func (c *child) discard() {
	if c.ns.journal != nil {
		c.ns.journal.close()
	}
	_ = c.ns.alone.Close(context.Background())
}

// shutdown closes the child, or waits until it is closed.
func (c *child) shutdown(ctx context.Context) error {
	srv := c.ns.srv
	srv.mu.Lock()
	state := c.state
	if state == childOpen {
		c.state = childClosing
	}
	srv.mu.Unlock()
	switch state {
	case childOpen:
		return c.close(ctx)
	case childClosing:
		select {
		case <-c.closed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil // whoever opens it closes it
}
