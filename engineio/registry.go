package engineio

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

const registryShards = 32 // one lock for all would be taken by every poll and post

// registry finds sessions by their id.
type registry struct {
	seed   maphash.Seed
	count  atomic.Int64
	shards [registryShards]struct {
		mu       sync.RWMutex
		sessions map[string]*Session
	}
}

func newRegistry() *registry {
	g := &registry{seed: maphash.MakeSeed()}
	for i := range g.shards {
		g.shards[i].sessions = make(map[string]*Session)
	}
	return g
}

func (g *registry) shard(id string) int { return int(maphash.String(g.seed, id) % registryShards) }

func (g *registry) get(id string) *Session {
	sh := &g.shards[g.shard(id)]
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	return sh.sessions[id]
}

// add reports whether the id was free.
func (g *registry) add(s *Session) bool {
	sh := &g.shards[g.shard(s.id)]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.sessions[s.id] != nil {
		return false
	}
	sh.sessions[s.id] = s
	g.count.Add(1)
	return true
}

func (g *registry) remove(s *Session) {
	sh := &g.shards[g.shard(s.id)]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.sessions[s.id] == s {
		delete(sh.sessions, s.id)
		g.count.Add(-1)
	}
}

func (g *registry) all() []*Session {
	all := make([]*Session, 0, g.count.Load())
	for i := range g.shards {
		sh := &g.shards[i]
		sh.mu.RLock()
		for _, s := range sh.sessions {
			all = append(all, s)
		}
		sh.mu.RUnlock()
	}
	return all
}
