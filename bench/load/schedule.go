//go:build linux

package main

import "math"

// schedule says when messages are due: message n at origin + n/rate, whatever has become
// of those before. It also notes which of them belong to the window; without a rate, that
// is all it does.
type schedule struct {
	rate   float64
	origin int64
	next   uint64 // messages so far
	first  uint64 // messages of the window: first ≤ n < beyond
	beyond uint64
}

const never = math.MaxUint64

// newSchedule follows the rate, or has inflight messages under way where that is 0.
func newSchedule(s *stage, inflight int, rate float64) schedule {
	if rate > 0 {
		s.run.Parameters["rate"] = rate
	} else {
		s.run.Parameters["inflight"] = inflight
	}
	return schedule{rate: rate, first: never, beyond: never}
}

func (x *schedule) begins(now int64) { x.origin = now }

// due is when message n is to be sent.
func (x *schedule) due(n uint64) int64 { return x.origin + int64(float64(n)/x.rate*1e9) }

// follow notes which messages belong to the window.
func (x *schedule) follow(s *stage) {
	if s.begin > 0 && x.first == never {
		x.first = x.next
	}
	if s.end > 0 && x.beyond == never {
		x.beyond = x.next
	}
}

// time records how long after its time message n came.
func (x *schedule) time(s *stage, n uint64, now int64) {
	if n >= x.first && n < x.beyond {
		s.latency.record(now - x.due(n))
	}
}
