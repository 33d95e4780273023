package limit

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// rate is how fast buckets fill. Times are in nanoseconds.
type rate struct {
	every int64 // a token
	burst int64 // tokens
}

// after takes tokens from a bucket that is full at an instant, and returns when it will be
// full then; or how long it will be before there are so many.
func (r rate) after(full, now, tokens int64) (next, wait int64) {
	next = max(full, now) + tokens*r.every
	return next, next - now - r.burst*r.every
}

// bucket is the instant at which a bucket is full. The zero value is a full one.
type bucket struct{ full atomic.Int64 }

func (b *bucket) take(r rate, now, tokens int64) (wait int64) {
	for {
		full := b.full.Load()
		next, wait := r.after(full, now, tokens)
		if wait > 0 {
			return wait
		}
		if b.full.CompareAndSwap(full, next) {
			return 0
		}
	}
}

// strikes counts refusals within a minute.
type strikes struct {
	mu    sync.Mutex
	since int64
	count int64
}

func (s *strikes) add(now int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count == 0 || now-s.since >= int64(time.Minute) {
		s.since, s.count = now, 0
	}
	s.count++
	return s.count
}

// buckets are many of them, by key, and never more than a number. One that is full is as
// good as none, and is forgotten as others come.
type buckets struct {
	seed   maphash.Seed
	shards []shard
	max    int // of a shard
}

type shard struct {
	mu   sync.Mutex
	full map[key]int64
	_    [48]byte // keeps two shards' locks off one cache line
}

const (
	shardCount = 16
	sweep      = 3 // buckets that are looked at for each new one
	candidates = 8 // of which one is given up where there are too many
)

func newBuckets(most int) *buckets {
	b := &buckets{seed: maphash.MakeSeed(), max: most}
	count := 1
	if most >= 64*shardCount { // below that, shards would be filled too unevenly
		count = shardCount
		b.max = most / shardCount
	}
	b.shards = make([]shard, count)
	return b
}

func (b *buckets) take(k key, r rate, now, tokens int64) (wait int64) {
	s := &b.shards[maphash.Comparable(b.seed, k)%uint64(len(b.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	full, known := s.full[k]
	next, wait := r.after(full, now, tokens)
	if wait > 0 {
		return wait
	}
	if !known {
		s.forget(now, b.max)
		if s.full == nil {
			s.full = map[key]int64{}
		}
	}
	s.full[k] = next
	return 0
}

// forget makes room for one more: full buckets go, and, where none was found and there are
// too many, the one that is full soonest. Maps are gone through from a random place.
func (s *shard) forget(now int64, most int) {
	looked := 0
	var soonest key
	var when int64
	for k, full := range s.full {
		if full <= now {
			delete(s.full, k)
		} else if when == 0 || full < when {
			soonest, when = k, full
		}
		looked++
		if looked >= sweep && (len(s.full) < most || looked >= candidates) {
			break
		}
	}
	if len(s.full) >= most {
		delete(s.full, soonest)
	}
}

func (b *buckets) len() (n int) {
	for i := range b.shards {
		b.shards[i].mu.Lock()
		n += len(b.shards[i].full)
		b.shards[i].mu.Unlock()
	}
	return n
}
