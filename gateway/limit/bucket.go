package limit

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/kachi-io/kachi/internal/fading"
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

// buckets are many of them, by key: entries that expire when their bucket is full, which is
// as good as none.
type buckets struct{ *fading.Map[key, struct{}] }

func newBuckets(most int) buckets { return buckets{fading.New[key, struct{}](most)} }

func (b buckets) take(k key, r rate, now, tokens int64) (wait int64) {
	b.Update(k, now, func(_ struct{}, full int64, _ bool) (struct{}, int64, bool) {
		var next int64
		next, wait = r.after(full, now, tokens)
		return struct{}{}, next, wait <= 0
	})
	return max(wait, 0)
}
