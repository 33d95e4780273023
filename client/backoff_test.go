package client

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/nodetest"
)

func TestBackoffIsTheReferences(t *testing.T) {
	type series struct {
		Min    int       `json:"min"`
		Max    int       `json:"max"`
		Jitter float64   `json:"jitter"`
		Draws  []float64 `json:"draws"`
	}
	var all []series
	for _, s := range []series{{Min: 1000, Max: 5000, Jitter: 0.5}, {Min: 50, Max: 200, Jitter: 1}, {Min: 7, Max: 1_000_000, Jitter: 0.1}, {Min: 100, Max: 300}} {
		for range 20 {
			s.Draws = nil
			for range 12 {
				s.Draws = append(s.Draws, rand.Float64())
			}
			all = append(all, s)
		}
	}
	input, err := json.Marshal(all)
	assert.NoError(t, err)
	var want [][]int64
	assert.NoError(t, json.Unmarshal(nodetest.RunInput(t, input, "backoff.mjs"), &want))
	for i, s := range all {
		b := backoff{min: time.Duration(s.Min) * time.Millisecond, max: time.Duration(s.Max) * time.Millisecond, jitter: s.Jitter}
		var got []int64
		for _, draw := range s.Draws {
			b.random = func() float64 { return draw }
			got = append(got, b.next().Milliseconds())
		}
		assert.Equal(t, got, want[i], "%+v", s)
	}
}

func TestBackoff(t *testing.T) {
	b := backoff{min: time.Second, max: 5 * time.Second, jitter: 0.5}
	bounds := [][2]time.Duration{{500, 1500}, {1000, 3000}, {2000, 5000}, {4000, 5000}}
	for range 1000 {
		b.reset()
		for _, bound := range bounds {
			pause := b.next()
			assert.True(t, bound[0]*time.Millisecond <= pause && pause <= bound[1]*time.Millisecond, pause)
		}
	}
	for range 3000 { // where 2 to the power of it is no number any more
		assert.True(t, b.next() >= 2500*time.Millisecond)
	}
}
