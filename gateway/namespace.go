package gateway

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/socketio"
)

// Reason says why a socket ended.
type Reason = socketio.Reason

// space is a namespace with everything that a gateway registered for it, whatever the
// principal's type.
type space struct {
	app       *App
	name      string // or pattern
	source    string
	namespace *socketio.Namespace
	dynamic   *socketio.Dynamic // nil but for patterns
	admit     []Guard
	layers    []Layer
	routes    []*route
	events    map[string][]*route // the same by event, once all are registered
	emits     []*outgoing
	look      func(*Call) error // OnAny; nil where there is none
	errs      []error

	mu       sync.RWMutex
	declared map[*outgoing]struct{}
}

// all is everybody in it.
func (s *space) all() socketio.Broadcast { return s.namespace.All() }

func (s *space) declares(o *outgoing) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, ok := s.declared[o]
	return ok
}

func (s *space) declare(o *outgoing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.declared[o]; known {
		return
	}
	if i := slices.IndexFunc(s.emits, func(other *outgoing) bool { return other.name == o.name }); i >= 0 && s.emits[i].data != o.data {
		s.errs = append(s.errs, fmt.Errorf("%s: event %q of type %v is sent by the namespace already, as %v (%s)", o.source, o.name, o.data, s.emits[i].data, s.emits[i].source))
		return
	}
	s.declared[o] = struct{}{}
	s.emits = append(s.emits, o)
}

// ErrUndeclared: a namespace sends an event that it has not declared.
var ErrUndeclared = errors.New("gateway: undeclared event")

// wrong notes a mistake in the registration, with its source line.
func (s *space) wrong(source, format string, args ...any) {
	s.errs = append(s.errs, fmt.Errorf("%s: namespace %q: %s", source, s.name, fmt.Sprintf(format, args...)))
}

func (s *space) add(r *route) {
	switch {
	case r.event == "":
		s.wrong(r.source, "an event has no name")
	case reservedIn(r.event):
		s.wrong(r.source, "the event's name %q is reserved", r.event)
	default:
		s.routes = append(s.routes, r)
	}
}

// Namespace is where a gateway registers what it does, for sockets whose principal is a P.
// It is used by the function given to [New], and not afterwards.
type Namespace[P any] struct {
	*space
	connect       []func(*Context[P]) error
	disconnecting []func(*Context[P], Reason) error
	disconnect    []func(*Context[P], Reason) error
	any           []func(*Context[P]) error
}

// Use puts layers around all routes of the namespace, those registered before as well,
// inside those of the app.
func (g *Namespace[P]) Use(layers ...Layer) { g.layers = append(g.layers, layers...) }

// Admit has guards look at every client that asks to be let in, after those of
// [Options].Admit and before the [Authenticator]: for what is to be refused before anything
// dear is done. The call's pattern is "connect"; it has a handshake and neither principal
// nor state. An error refuses the client.
func (g *Namespace[P]) Admit(guards ...Guard) { g.admit = append(g.admit, guards...) }

// Emits declares events that the gateway sends: only those can be sent in its namespace, and
// the documentation shows them.
func (g *Namespace[P]) Emits(events ...Outgoing) {
	for _, e := range events {
		if e == nil || e.event() == nil {
			g.wrong(g.source, "an event of Emits is nil")
			continue
		}
		g.declare(e.event())
	}
}

// OnConnect registers a function that runs when a client was admitted, before its first
// event. An error is sent as the event "exception", and the client is disconnected.
func (g *Namespace[P]) OnConnect(f func(*Context[P]) error) { g.connect = append(g.connect, f) }

// OnDisconnecting registers a function that runs when a client has gone, or is put out,
// after the events that had arrived: [Call.Rooms] still tells where it was. The context is
// not the socket's, which has ended: it has [socketio.Options].HookTimeout as its deadline.
// It does not run for a client that was put out before the functions of OnConnect ran: who
// counts clients sees none go that did not come.
func (g *Namespace[P]) OnDisconnecting(f func(*Context[P], Reason) error) {
	g.disconnecting = append(g.disconnecting, f)
}

// OnDisconnect registers a function that runs last of all, for whom OnDisconnecting's do.
func (g *Namespace[P]) OnDisconnect(f func(*Context[P], Reason) error) {
	g.disconnect = append(g.disconnect, f)
}

// OnAny registers a function that sees every event before its layers and its handler do, also
// those that have none. An error answers the event in the handler's place.
func (g *Namespace[P]) OnAny(f func(*Context[P]) error) { g.any = append(g.any, f) }

func reservedIn(event string) bool {
	return event == "exception" || packetReserved(event)
}

// mount registers everything with the namespace below.
func (g *Namespace[P]) mount(auth Authenticator[P]) error {
	s, app := g.space, g.app
	for _, r := range s.routes {
		chain, err := newChain(r.core, app.opts.Use, s.layers, r.layers)
		if err != nil {
			s.wrong(r.source, "event %q: %v", r.event, err)
			continue
		}
		r.chain = chain
		s.checkRules(r)
		for _, mistake := range r.wrong {
			s.wrong(r.source, "event %q: %s", r.event, mistake)
		}
		if r.window < 0 || r.stream != nil && r.window != 0 {
			s.wrong(r.source, "event %q: Idempotent takes a time and a key, and is not for streams", r.event)
		}
	}
	if slices.ContainsFunc(s.admit, func(g Guard) bool { return g == nil }) {
		s.wrong(s.source, "a guard of Admit is nil")
	}
	for name, missing := range map[string]bool{
		"OnConnect":       slices.ContainsFunc(g.connect, func(f func(*Context[P]) error) bool { return f == nil }),
		"OnDisconnecting": slices.ContainsFunc(g.disconnecting, func(f func(*Context[P], Reason) error) bool { return f == nil }),
		"OnDisconnect":    slices.ContainsFunc(g.disconnect, func(f func(*Context[P], Reason) error) bool { return f == nil }),
		"OnAny":           slices.ContainsFunc(g.any, func(f func(*Context[P]) error) bool { return f == nil }),
	} {
		if missing {
			s.wrong(s.source, "a function of %s is nil", name)
		}
	}
	s.events = s.byEvent()
	for _, o := range s.emits {
		if o.since < 0 || o.since > app.opts.Versions.Current {
			s.wrong(o.source, "event %q is since version %d, and Options.Versions has none such", o.name, o.since)
		}
	}
	if len(s.errs) > 0 {
		return errors.Join(s.errs...)
	}
	ns := s.namespace
	ns.Use(admit(s, auth, append(slices.Clone(app.opts.Admit), s.admit...)))
	s.listenForRevocations()
	ns.OnConnect(func(ctx context.Context, socket *socketio.Socket) error {
		conn := connectionOf(socket)
		if conn.greeted = conn.begin(); !conn.greeted {
			return socketio.ErrClosed
		}
		for _, f := range g.connect {
			if err := f(&newFrame[P](ctx, conn, "connect").ctx); err != nil {
				return err
			}
		}
		return nil
	})
	ns.OnDisconnecting(func(ctx context.Context, socket *socketio.Socket, reason engineio.Reason) error {
		conn := connectionOf(socket)
		conn.rest(ctx)
		if !conn.greeted {
			return nil
		}
		return each(g.disconnecting, func(f func(*Context[P], Reason) error) error {
			return f(&newFrame[P](ctx, conn, "disconnecting").ctx, reason)
		})
	})
	ns.OnDisconnect(func(ctx context.Context, socket *socketio.Socket, reason engineio.Reason) error {
		conn := connectionOf(socket)
		var err error
		if conn.greeted {
			err = each(g.disconnect, func(f func(*Context[P], Reason) error) error {
				return f(&newFrame[P](ctx, conn, "disconnect").ctx, reason)
			})
		}
		conn.leave()
		return errors.Join(err, conn.release())
	})
	if len(g.any) > 0 {
		s.look = func(c *Call) (err error) {
			defer recovered(&err)
			for _, look := range g.any {
				if err := look(c.typed.(*Context[P])); err != nil {
					return err
				}
			}
			return nil
		}
	}
	unknown := func(ctx context.Context, e *socketio.Event) error {
		c := &newFrame[P](ctx, connectionOf(e.Socket()), e.Name()).call
		c.event = e
		if !c.enter() {
			return nil
		}
		began := app.watched()
		c.settle(began, nil, errNotFound)
		return nil
	}
	ns.OnUnhandled(unknown)
	for event, routes := range s.events {
		ns.On(event, pick(routes, unknown))
	}
	return nil
}

// each calls all functions, whatever the others return.
func each[F any](functions []F, call func(F) error) error {
	var errs []error
	for _, f := range functions {
		if err := protected(func() error { return call(f) }); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func protected(f func() error) (err error) {
	defer recovered(&err)
	return f()
}

// taggedField finds a field of a type with a tag.
func taggedField(t reflect.Type, tag string, seen []reflect.Type) string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Array || t.Kind() == reflect.Map {
		if slices.Contains(seen, t) { // type tree map[string]tree
			return ""
		}
		seen, t = append(seen, t), t.Elem()
	}
	if t.Kind() != reflect.Struct || slices.Contains(seen, t) {
		return ""
	}
	seen = append(seen, t)
	for i := range t.NumField() {
		f := t.Field(i)
		if _, ok := f.Tag.Lookup(tag); ok {
			return t.Name() + "." + f.Name
		}
		if found := taggedField(f.Type, tag, seen); found != "" {
			return found
		}
	}
	return ""
}
