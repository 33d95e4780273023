package gateway

import (
	"errors"
	"fmt"

	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/packet"
)

// Gateway is a namespace with its handlers, ready to be given to an app. [New] and
// [Pattern] make one.
type Gateway interface {
	build(app *App) error
}

type gateway[P any] struct {
	name     string
	source   string
	auth     Authenticator[P]
	register func(*Namespace[P])
	dynamic  *socketio.DynamicOptions // nil but for patterns
}

// New makes the gateway of a namespace, "/chat". auth says who its clients are; register is
// called once, when the app is made, and registers the handlers.
func New[P any](namespace string, auth Authenticator[P], register func(*Namespace[P])) Gateway {
	return &gateway[P]{name: namespace, source: caller(1), auth: auth, register: register}
}

// Pattern makes the gateway of all namespaces whose names match, "/room-{id}": one comes
// into being with its first client, and ends with its last. [Call.Param] is the value of a
// parameter. o may be nil.
func Pattern[P any](pattern string, auth Authenticator[P], register func(*Namespace[P]), o *socketio.DynamicOptions) Gateway {
	if o == nil {
		o = &socketio.DynamicOptions{}
	}
	return &gateway[P]{name: pattern, source: caller(1), auth: auth, register: register, dynamic: o}
}

func (g *gateway[P]) build(app *App) (err error) {
	s := &space{app: app, name: g.name, source: g.source, declared: map[*outgoing]struct{}{}}
	switch err := fit(g.auth); {
	case errors.Is(err, errNoAuthenticator):
		return fmt.Errorf("%s: namespace %q %w", g.source, g.name, err)
	case err != nil: // told beside what is wrong with the routes
		s.errs = append(s.errs, fmt.Errorf("%s: namespace %q: %w", g.source, g.name, err))
	}
	switch {
	case g.register == nil:
		return fmt.Errorf("%s: namespace %q has nothing that registers its handlers", g.source, g.name)
	case g.name == "" || g.name[0] != '/':
		return fmt.Errorf("%s: namespace %q does not begin with a slash", g.source, g.name)
	}
	if other := app.spaces[g.name]; other != nil {
		return errors.Join(append(s.errs, fmt.Errorf("%s: namespace %q has a gateway already: %s", g.source, g.name, other.source))...)
	}
	app.spaces[g.name] = s
	defer func() { // by socketio, of a wrong pattern or an adapter that does not start
		if v := recover(); v != nil {
			err = fmt.Errorf("%s: %v", g.source, v)
		}
	}()
	n := &Namespace[P]{space: s}
	if r, ok := g.auth.(Refresher[P]); ok {
		refreshing(n, r)
	}
	if _, never := g.auth.(AuthenticatorFunc[P]); !never { // whom it admits may expire
		n.Emits(tokenExpiring)
	}
	g.register(n)
	if g.dynamic != nil {
		s.dynamic = app.server.Dynamic(g.name, g.dynamic)
		s.namespace = s.dynamic.Namespace
		app.patterns = append(app.patterns, s)
	} else {
		s.namespace = app.server.Of(g.name)
	}
	return n.mount(g.auth)
}

func packetReserved(event string) bool { return packet.IsReserved(event) }
