package gateway

import (
	"fmt"
	"sync"

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
	mu  sync.RWMutex
	app *App
}

// NewHub makes a hub.
func NewHub() *Hub { return &Hub{} }

// Namespace implements [Emitter]. For a namespace that no gateway has, sending returns
// [ErrNotStarted].
func (h *Hub) Namespace(name string) Target {
	h.mu.RLock()
	app := h.app
	h.mu.RUnlock()
	if app == nil {
		return Target{}
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
	return Target{}
}

func (h *Hub) bind(app *App) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.app != nil {
		return fmt.Errorf("gateway: the hub belongs to another app")
	}
	h.app = app
	return nil
}

var _ Emitter = (*Hub)(nil)

// Server returns the server below, nil before the app was made.
func (h *Hub) Server() *socketio.Server {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.app == nil {
		return nil
	}
	return h.app.server
}
