// Package fading is a map of bounded size whose entries expire: for what is remembered of
// clients, who may be many and invent keys.
//
// It has no timer and no goroutine. With each new entry a few others are looked at, and
// those that have expired go, so that at most as many of them stay as are in use. Where
// there are too many, the one of some that expires soonest goes.
package fading

import (
	"hash/maphash"
	"sync"
)

// Never is an instant at which nothing expires.
const Never = 1<<63 - 1

const (
	shardCount = 16
	sweep      = 3 // entries that are looked at for each new one
	candidates = 8 // of which one is given up where there are too many
)

// Map is safe for concurrent use. Instants are the caller's, of any unit and beginning; 0 is
// before all.
type Map[K comparable, V any] struct {
	seed   maphash.Seed
	shards []shard[K, V]
	max    int // of a shard
}

type shard[K comparable, V any] struct {
	mu      sync.Mutex
	entries map[K]entry[V]
	_       [48]byte // keeps two shards' locks off one cache line
}

type entry[V any] struct {
	value V
	until int64
}

// New makes a map of at most so many entries.
func New[K comparable, V any](most int) *Map[K, V] {
	m := &Map[K, V]{seed: maphash.MakeSeed(), max: most}
	count := 1
	if most >= 64*shardCount { // below that, shards would be filled too unevenly
		count = shardCount
		m.max = most / shardCount
	}
	m.shards = make([]shard[K, V], count)
	return m
}

// Update looks at the entry of a key, which is known if it is there and has not expired at
// now, and puts another in its place, where change says so. change is called under a lock.
func (m *Map[K, V]) Update(k K, now int64, change func(v V, until int64, known bool) (V, int64, bool)) {
	s := &m.shards[maphash.Comparable(m.seed, k)%uint64(len(m.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	e, there := s.entries[k]
	known := there && e.until > now
	if !known {
		e = entry[V]{}
	}
	v, until, ok := change(e.value, e.until, known)
	switch {
	case !ok:
		return
	case until <= now:
		delete(s.entries, k)
		return
	case !there:
		s.makeRoom(now, m.max)
		if s.entries == nil {
			s.entries = map[K]entry[V]{}
		}
	}
	s.entries[k] = entry[V]{v, until}
}

// makeRoom lets entries go for one more. Maps are gone through from a random place.
func (s *shard[K, V]) makeRoom(now int64, most int) {
	looked := 0
	var soonest K
	var when int64
	for k, e := range s.entries {
		if e.until <= now {
			delete(s.entries, k)
		} else if when == 0 || e.until < when {
			soonest, when = k, e.until
		}
		looked++
		if looked >= sweep && (len(s.entries) < most || looked >= candidates) {
			break
		}
	}
	if len(s.entries) >= most {
		delete(s.entries, soonest)
	}
}

// Len returns how many entries there are, those included that have expired and not gone.
func (m *Map[K, V]) Len() (n int) {
	for i := range m.shards {
		m.shards[i].mu.Lock()
		n += len(m.shards[i].entries)
		m.shards[i].mu.Unlock()
	}
	return n
}
