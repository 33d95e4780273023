package dashboard

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kachi-io/kachi/gateway"
)

// calls knows how long events took to be handled, and what came of them. What it keeps is
// bounded by what is registered: an event that nobody handles has no name of its own.
type calls struct {
	known atomic.Pointer[map[route]*handled] // replaced when there is one more
	grow  sync.Mutex
}

type route struct{ namespace, event string }

// handled is what is known of one event.
type handled struct {
	route
	took   histogram
	errors atomic.Uint64 // answered with one
	faults atomic.Uint64 // of these, the server's own: "internal" and "timeout"

	// Of whoever samples, under its lock.
	were                   [numBuckets]uint64
	wereErrors, wereFaults uint64
}

func newCalls() *calls {
	c := &calls{}
	c.known.Store(&map[route]*handled{})
	return c
}

// observe is told of each event that was handled, see [gateway.Options].Handled.
func (c *calls) observe(call *gateway.Call, took time.Duration, err error) {
	namespace, event := call.Registered()
	c.count(route{namespace, event}, took, err)
}

func (c *calls) count(r route, took time.Duration, err error) {
	h := (*c.known.Load())[r]
	if h == nil {
		h = c.add(r)
	}
	h.took.observe(took)
	if err == nil {
		return
	}
	h.errors.Add(1)
	if code := gateway.CodeOf(err); code == gateway.CodeInternal || code == gateway.CodeTimeout {
		h.faults.Add(1)
	}
}

func (c *calls) add(r route) *handled {
	c.grow.Lock()
	defer c.grow.Unlock()
	known := *c.known.Load()
	if h := known[r]; h != nil { // somebody was faster
		return h
	}
	known = maps.Clone(known)
	h := &handled{route: r}
	known[r] = h
	c.known.Store(&known)
	return h
}

// period is what one event did in a time.
type period struct {
	route
	counts
	errors, faults uint64
}

// take returns what was done since the last time, by event.
func (c *calls) take() []period {
	known := *c.known.Load()
	all := make([]period, 0, len(known))
	for _, h := range known {
		p := period{route: h.route, counts: h.took.take(&h.were)}
		errors, faults := h.errors.Load(), h.faults.Load()
		p.errors, p.faults = errors-h.wereErrors, faults-h.wereFaults
		h.wereErrors, h.wereFaults = errors, faults
		all = append(all, p)
	}
	return all
}
