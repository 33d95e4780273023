package socketio

import (
	"context"
	"slices"
)

// Who asks for a name gets a seat in its namespace: what follows finds that, or makes it.

// visit finds the namespace that a client asks for, nil when there cannot be one. It stays
// until release.
func (srv *Server) visit(name string) *Namespace {
	srv.mu.Lock()
	if ns := srv.namespaces[name]; ns != nil && ns.use() {
		srv.mu.Unlock()
		return ns
	}
	dynamics := srv.dynamics
	srv.mu.Unlock()
	d, params, found := candidate(dynamics, name)
	if !found {
		return nil
	}
	return srv.seat(name, d, params)
}

// join is visit for a name of a certain Dynamic.
func (srv *Server) join(d *Dynamic, name string) (*Namespace, error) {
	if srv.over() {
		return nil, ErrClosed
	}
	var params map[string]string
	if of, found, ok := candidate([]*Dynamic{d}, name); !ok {
		return nil, ErrNoNamespace
	} else if of != nil {
		params = found
	}
	ns := srv.seat(name, d, params)
	if ns == nil {
		return nil, ErrNoNamespace
	}
	if ns.child == nil || ns.child.claim(d, params).dynamic != d {
		ns.release()
		return nil, ErrNoNamespace
	}
	return ns, nil
}

// seat returns the namespace of a name, a new child where there is none, as somebody's who
// uses it; nil where there can be none.
func (srv *Server) seat(name string, d *Dynamic, params map[string]string) *Namespace {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	former := srv.namespaces[name]
	if former != nil && former.use() {
		return former
	}
	if name == srv.coming || srv.ended || srv.reserved(name) {
		return nil
	}
	ns := newChild(srv, name, d, params)
	if former != nil {
		ns.child.before = former.child
	}
	ns.child.users = 1
	srv.namespaces[name] = ns
	return ns
}

// pin returns the namespace of a name that exists already, or that a pattern has: then it is
// made, and stays. nil: there is none, or one that is being closed and that no pattern has.
func (srv *Server) pin(name string) (*Namespace, error) {
	srv.mu.Lock()
	ns, dynamics, ended := srv.namespaces[name], srv.dynamics, srv.ended
	srv.mu.Unlock()
	if ns != nil && ns.child == nil {
		return ns, nil
	}
	if ended {
		return nil, nil
	}
	dynamics = slices.DeleteFunc(slices.Clone(dynamics), func(d *Dynamic) bool { return d.pattern == nil })
	d, params, _ := candidate(dynamics, name)
	switch {
	case d != nil:
		ns = srv.seat(name, d, params)
	case ns != nil:
		ns = srv.keep(ns)
	}
	if ns == nil || ns.child == nil {
		return ns, nil
	}
	defer ns.release()
	c := ns.child
	if d != nil {
		c.claim(d, params)
	} else if c.owner.Load() == nil { // its clients are still being asked about
		return nil, nil
	}
	srv.mu.Lock()
	c.pinned = true
	srv.mu.Unlock()
	if err := c.start(context.Background(), true); err != nil {
		srv.mu.Lock()
		c.pinned = false
		srv.mu.Unlock()
		return nil, err
	}
	return ns, nil
}

// keep uses a child by its name, if it has it still.
func (srv *Server) keep(ns *Namespace) *Namespace {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if !ns.use() {
		return nil
	}
	return ns
}
