package limit

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
)

const second = int64(time.Second)

func TestWhoHasUsedMuchIsRemembered(t *testing.T) {
	const most = 100
	b := newBuckets(most)
	slow := rate{every: second, burst: 1000}
	flooder := key{name: "flooder"}
	assert.Equal(t, b.take(flooder, slow, 1, 1000) <= 0, true)
	for i := range 10 * most {
		b.take(key{name: fmt.Sprint(i)}, slow, 1, 1)
		assert.True(t, b.take(flooder, slow, 1, 1) > 0, i)
		assert.True(t, b.Len() <= most)
	}
}

func TestABucketForManyAtOnce(t *testing.T) {
	var one bucket
	many := newBuckets(100)
	r := rate{every: second, burst: 100}
	var passedOne, passedMany atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				if one.take(r, 1, 1) <= 0 {
					passedOne.Add(1)
				}
				if many.take(key{name: "x"}, r, 1, 1) <= 0 {
					passedMany.Add(1)
				}
			}
		})
	}
	all.Wait()
	assert.Equal(t, passedOne.Load(), int64(100))
	assert.Equal(t, passedMany.Load(), int64(100))
}

func BenchmarkTake(b *testing.B) {
	r := rate{every: 1, burst: 1 << 40}
	b.Run("socket", func(b *testing.B) {
		var one bucket
		for b.Loop() {
			one.take(r, 1, 1)
		}
	})
	b.Run("key", func(b *testing.B) {
		many := newBuckets(1000)
		for b.Loop() {
			many.take(key{name: "mina"}, r, 1, 1)
		}
	})
}
