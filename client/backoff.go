package client

import (
	"math"
	"math/rand/v2"
	"time"
)

// backoff spaces the attempts to connect, as socket.io-client does: the pause doubles with
// each attempt, is moved by a random part of itself, and never exceeds max.
type backoff struct {
	min, max time.Duration
	jitter   float64 // 0 to 1; other values are 0
	attempts int
	random   func() float64 // [0, 1); nil is math/rand
}

// next returns the pause before the next attempt, and counts it. One draw decides both by
// how much the pause is moved and in which direction.
func (b *backoff) next() time.Duration {
	// In milliseconds. Beyond 2^1023 the pause would be no number any more, and the
	// reference implementation begins to try without any.
	pause := float64(b.min) / float64(time.Millisecond) * math.Pow(2, float64(min(b.attempts, 50)))
	b.attempts++
	if b.jitter > 0 && b.jitter <= 1 {
		draw := rand.Float64
		if b.random != nil {
			draw = b.random
		}
		r := draw()
		deviation := math.Floor(r * b.jitter * pause)
		if int(r*10)%2 == 0 {
			deviation = -deviation
		}
		pause += deviation
	}
	return min(time.Duration(min(pause, 1e12)*float64(time.Millisecond)), b.max)
}

func (b *backoff) reset() { b.attempts = 0 }
