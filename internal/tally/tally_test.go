package tally_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/tally"
)

func TestCountsByKind(t *testing.T) {
	var c tally.Tally[string]
	assert.True(t, c.Snapshot() == nil)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 100 {
				c.Add("a")
				c.Add("b")
			}
		})
	}
	all.Wait()
	before := c.Snapshot()
	c.Add("b")
	assert.Equal(t, before, map[string]uint64{"a": 400, "b": 400}, "a snapshot stays as it is")
	assert.Equal(t, c.Snapshot(), map[string]uint64{"a": 400, "b": 401})
}

func TestKindsAreBounded(t *testing.T) {
	var c tally.Tally[string]
	for i := range 10 * tally.MaxKinds {
		c.Add(fmt.Sprint(i))
	}
	c.Add("0")
	counts := c.Snapshot()
	assert.Equal(t, len(counts), tally.MaxKinds+1)
	assert.Equal(t, counts[tally.Other], uint64(9*tally.MaxKinds))
	assert.Equal(t, counts["0"], uint64(2), "known kinds are told apart")
}
