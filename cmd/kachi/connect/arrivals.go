package connect

import (
	"context"
	"slices"
	"sync"
)

// arrivals remembers which events there have been: to wait for them, and to complete their
// names.
type arrivals struct {
	mu      sync.Mutex
	names   []arrival     // the one seen last is at the end
	changed chan struct{} // closed when an event has come, and replaced
}

type arrival struct {
	namespace, event string
	untaken          int // how often it has come and not been waited for
}

// entry returns the entry of an event, with mu held. The one not seen for longest goes when
// there are too many.
func (a *arrivals) entry(namespace, event string) *arrival {
	i := slices.IndexFunc(a.names, func(n arrival) bool { return n.namespace == namespace && n.event == event })
	n := arrival{namespace: namespace, event: event}
	switch {
	case i >= 0:
		n = a.names[i]
		a.names = slices.Delete(a.names, i, i+1)
	case len(a.names) >= maxSeen:
		a.names = slices.Delete(a.names, 0, 1)
	}
	a.names = append(a.names, n)
	return &a.names[len(a.names)-1]
}

// saw takes note that there is such an event, sent or received.
func (a *arrivals) saw(namespace, event string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.entry(namespace, event)
}

// came takes note that an event has come.
func (a *arrivals) came(namespace, event string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.entry(namespace, event).untaken++
	close(a.changed)
	a.changed = make(chan struct{})
}

// take waits until an event has come that no other take was for. It reports false when ctx
// has ended before.
func (a *arrivals) take(ctx context.Context, namespace, event string) bool {
	for {
		a.mu.Lock()
		changed := a.changed
		if n := a.entry(namespace, event); n.untaken > 0 {
			n.untaken--
			a.mu.Unlock()
			return true
		}
		a.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// events returns the names of a namespace's events, sorted.
func (a *arrivals) events(namespace string) (names []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, n := range a.names {
		if n.namespace == namespace {
			names = append(names, n.event)
		}
	}
	slices.Sort(names)
	return names
}
