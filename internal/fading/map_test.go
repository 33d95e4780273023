package fading_test

import (
	"strconv"
	"sync"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/fading"
)

type numbers = fading.Map[string, int]

func put(m *numbers, k string, now int64, v int, until int64) {
	m.Update(k, now, func(int, int64, bool) (int, int64, bool) { return v, until, true })
}

func get(m *numbers, k string, now int64) (v int, known bool) {
	m.Update(k, now, func(is int, until int64, there bool) (int, int64, bool) {
		v, known = is, there
		return 99, until, false // not put there
	})
	return v, known
}

func TestEntriesExpire(t *testing.T) {
	m := fading.New[string, int](10)
	put(m, "a", 1, 7, 5)
	v, known := get(m, "a", 4)
	assert.Equal(t, []any{v, known}, []any{7, true})
	v, known = get(m, "a", 5)
	assert.Equal(t, []any{v, known}, []any{0, false})
	put(m, "b", 1, 8, fading.Never)
	_, known = get(m, "b", fading.Never-1)
	assert.True(t, known)
	put(m, "b", 1, 8, 0) // taken out
	_, known = get(m, "b", 1)
	assert.True(t, !known)
}

func TestThereAreNeverTooMany(t *testing.T) {
	for _, most := range []int{1, 10, 1000, 5000} {
		m := fading.New[string, int](most)
		for i := range 5 * most {
			put(m, strconv.Itoa(i), 1, i, fading.Never)
			assert.True(t, m.Len() <= most, most, m.Len())
			_, known := get(m, strconv.Itoa(i), 1)
			assert.True(t, known) // the newest is there
		}
	}
}

func TestWhatHasExpiredGoes(t *testing.T) {
	m := fading.New[string, int](10_000)
	for i := range 1000 {
		put(m, strconv.Itoa(i), 1, i, 2)
	}
	assert.Equal(t, m.Len(), 1000)
	for i := range 2000 { // each there for a moment
		put(m, "later"+strconv.Itoa(i), int64(i+2), i, int64(i+3))
	}
	assert.True(t, m.Len() < 100, m.Len())
}

func TestWhatLastsLongestStays(t *testing.T) {
	const most = 100
	m := fading.New[string, int](most)
	put(m, "long", 1, 1, 1000)
	for i := range 10 * most {
		put(m, strconv.Itoa(i), 1, i, 500)
		_, known := get(m, "long", 1)
		assert.True(t, known, i)
	}
}

func TestManyAtOnce(t *testing.T) {
	m := fading.New[string, int](1000)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				m.Update("n", 1, func(v int, _ int64, _ bool) (int, int64, bool) { return v + 1, fading.Never, true })
			}
		})
	}
	all.Wait()
	v, _ := get(m, "n", 1)
	assert.Equal(t, v, 800)
}
