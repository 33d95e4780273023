package dashboard

import (
	"bytes"
	"math"
	"os"
	"runtime/metrics"
	"slices"
	"strconv"
)

// process reads what the runtime and the operating system know of this process. It belongs
// to whoever samples.
type process struct {
	samples []metrics.Sample
	pauses  []uint64 // of collections, as they were
}

// The runtime's figures, in the order in which they are asked for.
const (
	heapBytes = iota
	goroutines
	cycles
	pauses
)

func newProcess() *process {
	return &process{samples: []metrics.Sample{
		heapBytes:  {Name: "/memory/classes/heap/objects:bytes"},
		goroutines: {Name: "/sched/goroutines:goroutines"},
		cycles:     {Name: "/gc/cycles/total:gc-cycles"},
		pauses:     {Name: "/sched/pauses/total/gc:seconds"},
	}}
}

// usage is what a process uses.
type usage struct {
	heap, rss  uint64
	goroutines uint64
	cycles     uint64
	pause      float64 // ms: the longest since the last time
}

func (p *process) take() usage {
	metrics.Read(p.samples)
	h := p.samples[pauses].Value.Float64Histogram()
	longest := 0.0
	for i, n := range h.Counts {
		if p.pauses != nil && n > p.pauses[i] {
			// The bucket's upper end, where it has one.
			if longest = h.Buckets[i+1]; math.IsInf(longest, 1) {
				longest = h.Buckets[i]
			}
		}
	}
	p.pauses = append(p.pauses[:0], slices.Clone(h.Counts)...)
	return usage{
		heap:       p.samples[heapBytes].Value.Uint64(),
		rss:        residentBytes(),
		goroutines: p.samples[goroutines].Value.Uint64(),
		cycles:     p.samples[cycles].Value.Uint64(),
		pause:      longest * 1000,
	}
}

// residentBytes returns how much memory the process has, 0 where the system does not tell:
// elsewhere than on Linux.
func residentBytes() uint64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseUint(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * uint64(os.Getpagesize())
}
