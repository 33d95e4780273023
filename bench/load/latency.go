//go:build linux

package main

import (
	"math/bits"

	"github.com/kachi-io/kachi/bench/result"
)

// histogram counts durations in nanoseconds in buckets at most 1/64 wide, so that a
// percentile is off by less than 1.6 %. Recording does not allocate.
type histogram struct {
	buckets [64 * 40]uint64
	count   uint64
	max     int64
}

func (h *histogram) record(ns int64) {
	ns = max(ns, 0)
	h.buckets[min(bucket(uint64(ns)), len(h.buckets)-1)]++
	h.count++
	h.max = max(h.max, ns)
}

func bucket(v uint64) int {
	if v < 128 {
		return int(v)
	}
	shift := bits.Len64(v) - 7
	return 64*shift + int(v>>shift)
}

// top is the largest value that falls into the bucket.
func top(i int) int64 {
	if i < 128 {
		return int64(i)
	}
	shift := i/64 - 1
	return (int64(i-64*shift)+1)<<shift - 1
}

// quantile is in nanoseconds, 0 when nothing was recorded.
func (h *histogram) quantile(q float64) int64 {
	rank := uint64(q * float64(h.count))
	var seen uint64
	for i, n := range h.buckets {
		if seen += n; n > 0 && seen > rank {
			return min(top(i), h.max)
		}
	}
	return h.max
}

func (h *histogram) latency() *result.Latency {
	if h.count == 0 {
		return nil
	}
	return &result.Latency{
		Count: h.count,
		P50:   micros(h.quantile(0.50)),
		P90:   micros(h.quantile(0.90)),
		P99:   micros(h.quantile(0.99)),
		Max:   micros(h.max),
	}
}

func micros(ns int64) float64 { return float64(ns) / 1e3 }
