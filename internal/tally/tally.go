// Package tally counts rare events by their kind.
package tally

import (
	"maps"
	"sync"
)

// MaxKinds is how many kinds a Tally tells apart; what comes beyond them is counted
// together, under [Other]. Kinds may be an application's own words, and the memory for
// them is bounded.
const MaxKinds = 64

// Other is the kind that stands for all beyond MaxKinds.
const Other = "other"

// Tally counts by kind. The zero value is ready, and safe for concurrent use. Adding
// takes a lock that all share: it is for what ends a connection or refuses a request, not
// for messages.
type Tally[K ~string] struct {
	mu     sync.Mutex
	counts map[K]uint64
}

// Add counts one of the kind.
func (t *Tally[K]) Add(kind K) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = make(map[K]uint64)
	}
	if _, known := t.counts[kind]; !known && len(t.counts) >= MaxKinds {
		kind = Other
	}
	t.counts[kind]++
}

// Snapshot returns the counts as they are now, in a map of the caller's own; nil when
// there are none.
func (t *Tally[K]) Snapshot() map[K]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.counts)
}
