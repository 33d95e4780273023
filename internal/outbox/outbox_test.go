package outbox_test

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/outbox"
)

func TestQueueKeepsOrder(t *testing.T) {
	var q outbox.Queue[int]
	for i := range 1000 {
		assert.Equal(t, q.Push(i, 1, i%3 == 0, outbox.Limits{}), outbox.Queued)
	}
	assert.Equal(t, q.Len(), 1000)
	assert.Equal(t, q.Bytes(), 1000)
	var got []int
	for q.Len() > 0 {
		got = q.Pop(got, 7, 1<<20)
	}
	for i, v := range got {
		if v != i {
			t.Fatalf("item %d is %d", i, v)
		}
	}
	assert.Equal(t, len(got), 1000)
	assert.Equal(t, q.Bytes(), 0)
}

func TestPopTakesWhatFitsAndOneAtLeast(t *testing.T) {
	var q outbox.Queue[string]
	for _, s := range []string{"aaaa", "bb", "cc", "dddddddd"} {
		q.Push(s, len(s), false, outbox.Limits{})
	}
	assert.Equal(t, q.Pop(nil, 10, 3), []string{"aaaa"})
	assert.Equal(t, q.Pop(nil, 10, 4), []string{"bb", "cc"})
	assert.Equal(t, q.Pop([]string{"before"}, 10, 0), []string{"before", "dddddddd"})
	assert.Equal(t, q.Pop(nil, 10, 10), []string(nil))
}

func TestFullQueueRefuses(t *testing.T) {
	tests := map[string]outbox.Limits{
		"by messages": {Messages: 2},
		"by bytes":    {Bytes: 20},
	}
	for name, limits := range tests {
		t.Run(name, func(t *testing.T) {
			var q outbox.Queue[int]
			limits.Evicted = new(atomic.Uint64)
			assert.Equal(t, q.Push(1, 10, false, limits), outbox.Queued)
			assert.Equal(t, q.Push(2, 10, false, limits), outbox.Queued)
			assert.Equal(t, q.Push(3, 10, false, limits), outbox.Full)
			assert.Equal(t, q.Push(4, 10, true, limits), outbox.Dropped)
			assert.Equal(t, q.Pop(nil, 10, 100), []int{1, 2})
			assert.Equal(t, limits.Evicted.Load(), uint64(0))
		})
	}
}

func TestVolatileItemsMakeRoomOldestFirst(t *testing.T) {
	limits := outbox.Limits{Messages: 4, Bytes: 400, Evicted: new(atomic.Uint64)}
	var q outbox.Queue[int]
	q.Push(1, 10, false, limits)
	q.Push(2, 10, true, limits)
	q.Push(3, 10, true, limits)
	q.Push(4, 10, false, limits)

	assert.Equal(t, q.Push(5, 10, false, limits), outbox.Queued)
	assert.Equal(t, limits.Evicted.Load(), uint64(1))
	assert.Equal(t, q.Push(6, 10, true, limits), outbox.Queued, "a newer volatile one replaces an older one")
	assert.Equal(t, limits.Evicted.Load(), uint64(2))
	assert.Equal(t, q.Bytes(), 40)
	assert.Equal(t, q.Pop(nil, 10, 100), []int{1, 4, 5, 6})
}

func TestNothingIsEvictedInVain(t *testing.T) {
	limits := outbox.Limits{Bytes: 100}
	var q outbox.Queue[int]
	q.Push(1, 80, false, limits)
	q.Push(2, 10, true, limits)
	assert.Equal(t, q.Push(3, 50, false, limits), outbox.Full)
	assert.Equal(t, q.Pop(nil, 10, 100), []int{1, 2})
}

func TestOneMessageLargerThanTheLimit(t *testing.T) {
	limits := outbox.Limits{Bytes: 100}
	var q outbox.Queue[int]
	assert.Equal(t, q.Push(1, 1000, false, limits), outbox.Queued, "into an empty queue")
	assert.Equal(t, q.Push(2, 1, false, limits), outbox.Full)
	q.Clear()
	q.Push(3, 50, true, limits)
	assert.Equal(t, q.Push(4, 1000, false, limits), outbox.Queued, "into one that evictions empty")
	assert.Equal(t, q.Pop(nil, 10, 0), []int{4})
}

// The queue against a slice that does the same in the plainest way.
func TestQueueAgainstModel(t *testing.T) {
	type item struct {
		id, size int
		volatile bool
	}
	chunks := new(outbox.Chunks[int])
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		limits := outbox.Limits{Messages: 1 + r.IntN(60), Bytes: r.IntN(600)}
		q := outbox.Queue[int]{Chunks: chunks}
		var model []item
		bytes := func() (n int) {
			for _, m := range model {
				n += m.size
			}
			return n
		}
		fits := func(m []item, size int) bool {
			n := size
			for _, m := range m {
				n += m.size
			}
			return len(m) == 0 || len(m) < limits.Messages && (limits.Bytes == 0 || n <= limits.Bytes)
		}
		push := func(in item) outbox.Result {
			rest := append([]item(nil), model...)
			for i := 0; !fits(rest, in.size); {
				for i < len(rest) && !rest[i].volatile {
					i++
				}
				if i == len(rest) {
					if in.volatile {
						return outbox.Dropped
					}
					return outbox.Full
				}
				rest = append(rest[:i], rest[i+1:]...)
			}
			model = append(rest, in)
			return outbox.Queued
		}
		for id := range 500 {
			switch r.IntN(20) {
			case 0:
				q.Clear()
				model = nil
			case 1, 2, 3:
				items, most := 1+r.IntN(20), r.IntN(200)
				got := q.Pop(nil, items, most)
				var want []int
				for n := 0; len(model) > 0 && len(want) < items && (len(want) == 0 || n+model[0].size <= most); model = model[1:] {
					n += model[0].size
					want = append(want, model[0].id)
				}
				if !assert.Equal(t, got, want, "seed %d, pop", seed) {
					return
				}
			default:
				in := item{id, r.IntN(40), r.IntN(2) == 0}
				want := push(in)
				if !assert.Equal(t, q.Push(in.id, in.size, in.volatile, limits), want, "seed %d, push %d", seed, id) {
					return
				}
			}
			if !assert.Equal(t, []int{q.Len(), q.Bytes()}, []int{len(model), bytes()}, "seed %d", seed) {
				return
			}
		}
	}
}

func TestFillingAndDrainingDoesNotAllocate(t *testing.T) {
	q := outbox.Queue[*int]{Chunks: new(outbox.Chunks[*int])}
	dst := make([]*int, 0, 64)
	v := new(int)
	n := testing.AllocsPerRun(100, func() {
		for range 50 {
			q.Push(v, 100, false, outbox.Limits{})
		}
		for q.Len() > 0 {
			dst = q.Pop(dst[:0], 64, 1<<20)
		}
	})
	if n >= 1 { // sync.Pool drops items at random under the race detector
		if !raceEnabled {
			t.Errorf("%v allocations a burst", n)
		}
	}
}

// A queue that stays full of old messages while volatile ones come and go keeps its size.
func TestGapsDoNotPileUp(t *testing.T) {
	var q outbox.Queue[int]
	limits := outbox.Limits{Messages: 100}
	q.Push(0, 1, false, limits)
	n := testing.AllocsPerRun(10, func() {
		for i := range 15_000 {
			q.Push(i, 1, true, limits)
		}
	})
	assert.Equal(t, q.Len(), 100)
	assert.True(t, n <= 1001, "a chunk for each 15 messages, and no more: %v", n)
	assert.Equal(t, q.Pop(nil, 1, 10), []int{0})
}

func BenchmarkPushPop(b *testing.B) {
	q := outbox.Queue[*int]{Chunks: new(outbox.Chunks[*int])}
	dst := make([]*int, 0, 64)
	v := new(int)
	b.ReportAllocs()
	for b.Loop() {
		q.Push(v, 100, false, outbox.Limits{Messages: 4096, Bytes: 4 << 20})
		dst = q.Pop(dst[:0], 64, 1<<20)
	}
}

// The worst case of evictions: what is volatile lies behind what is not.
func BenchmarkEvict(b *testing.B) {
	var q outbox.Queue[*int]
	q.Chunks = new(outbox.Chunks[*int])
	limits := outbox.Limits{Messages: 4096}
	for i := range 4096 {
		q.Push(nil, 1, i >= 4000, limits)
	}
	b.ReportAllocs()
	for b.Loop() {
		q.Push(nil, 1, true, limits)
	}
}
