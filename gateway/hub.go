package gateway

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/kachi-io/kachi/socketio"
)

// Emitter is what services send events with. It knows no handler, so services and gateways
// can be made in any order. A [*Hub] is one.
type Emitter interface {
	// Namespace returns everybody in a namespace, "/chat"; in all of those of a pattern,
	// "/room-{id}"; or in one of those, "/room-7".
	Namespace(name string) Target
}

// Hub is the [Emitter] of an app: it is made first, given to services, and then to the app
// ([Options].Hub). Until then what is sent by it returns [ErrNotStarted]. It is safe for
// concurrent use.
type Hub struct {
	mu    sync.Mutex
	owner *App                // whose hub it is, or is about to be
	app   atomic.Pointer[App] // the same, once it is made
}

// NewHub makes a hub.
func NewHub() *Hub { return &Hub{} }

// Namespace implements [Emitter]. For a namespace that no gateway has, sending returns
// [socketio.ErrNoNamespace].
func (h *Hub) Namespace(name string) Target {
	app := h.app.Load()
	if app == nil {
		return Target{nowhere: ErrNotStarted}
	}
	if s := app.spaces[name]; s != nil {
		return Target{space: s, to: s.all()}
	}
	for _, s := range app.patterns {
		if child, ok := s.dynamic.Child(name); ok {
			return Target{space: s, to: child.All()}
		}
	}
	for _, s := range app.patterns {
		if s.dynamic.Matches(name) {
			return Target{space: s, visit: name}
		}
	}
	return Target{nowhere: fmt.Errorf("gateway: %q: %w", name, socketio.ErrNoNamespace)}
}

// reserve has the hub be an app's that is about to be made.
func (h *Hub) reserve(app *App) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.owner != nil {
		return errors.New("gateway: the hub belongs to another app")
	}
	h.owner = app
	return nil
}

// release gives it back: the app could not be made.
func (h *Hub) release(app *App) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.owner == app {
		h.owner = nil
	}
}

var _ Emitter = (*Hub)(nil)

// Server returns the server below, nil before the app was made.
func (h *Hub) Server() *socketio.Server {
	if app := h.app.Load(); app != nil {
		return app.server
	}
	return nil
}
