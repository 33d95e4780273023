package traffic_test

import (
	"sync"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/traffic"
)

func TestCountsWhatAllHaveAdded(t *testing.T) {
	var c traffic.Counter
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			for range 100 {
				c.Add(uint32(i), 1, 10)
				c.Add(uint32(i), 0, 0)
			}
		})
	}
	wg.Wait()
	messages, bytes := c.Load()
	assert.Equal(t, messages, uint64(4000))
	assert.Equal(t, bytes, uint64(40_000))
}

func BenchmarkAdd(b *testing.B) {
	var c traffic.Counter
	for b.Loop() {
		c.Add(3, 1, 100)
	}
}
