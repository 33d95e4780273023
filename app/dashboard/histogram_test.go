package dashboard

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
)

func TestBuckets(t *testing.T) {
	last := -1
	for us := uint64(0); us < 1<<27; us += 1 + us/100 {
		b := bucketOf(us)
		assert.True(t, b == last || b == last+1, "%d µs: bucket %d behind %d", us, b, last)
		last = b
		m := middle(b)
		assert.True(t, m >= float64(us)*(1-1.0/16)-1 && m <= float64(us)*(1+1.0/16)+1, "%d µs: bucket %d stands for %v", us, b, m)
	}
	assert.Equal(t, last, numBuckets-1)
	assert.Equal(t, bucketOf(1<<60), numBuckets-1)
}

func TestPercentiles(t *testing.T) {
	var h histogram
	var was [numBuckets]uint64
	c := h.take(&was)
	assert.Equal(t, c.latency(), Latency{})
	random := rand.New(rand.NewPCG(1, 2))
	var all []float64
	for range 10_000 {
		d := time.Duration(random.ExpFloat64() * float64(20*time.Millisecond)).Truncate(time.Microsecond)
		h.observe(d)
		all = append(all, float64(d)/1e6)
	}
	slices.Sort(all)
	c = h.take(&was)
	got := c.latency()
	for part, value := range map[int]float64{5000: got.P50, 9500: got.P95, 9900: got.P99} {
		within(t, value, all[part], all[part]/14)
	}
	within(t, got.Max, all[9999], 0.001)
	h.observe(time.Millisecond)
	c = h.take(&was)
	within(t, c.latency().P99, 1, 0.0001+1.0/16)
	assert.Equal(t, c.total, uint64(1), "since the last time")
}

func TestCountingAllocatesNothing(t *testing.T) {
	c := newCalls()
	assert.Equal(t, testing.AllocsPerRun(1000, func() {
		c.count(route{"/chat", "message"}, time.Millisecond, nil)
		c.count(route{"/chat", "join"}, time.Second, nil)
	}), 0.0)
}

func TestCallsOfManyAtOnce(t *testing.T) {
	c := newCalls()
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for n := range 1000 {
				c.count(route{"/chat", []string{"a", "b", "c", "d"}[(i+n)%4]}, time.Duration(n), nil)
			}
		})
	}
	wg.Wait()
	var total uint64
	for _, p := range c.take() {
		total += p.total
	}
	assert.Equal(t, total, uint64(16_000))
}

func BenchmarkCount(b *testing.B) {
	c := newCalls()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for d := time.Duration(0); pb.Next(); d += time.Microsecond {
			c.count(route{"/chat", "message"}, d%time.Second, nil)
		}
	})
}
