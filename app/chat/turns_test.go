package chat

import (
	"slices"
	"sync"
	"testing"

	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/internal/assert"
)

// Whoever comes while somebody works waits, is worked off with those who wait as well, in the
// order of their coming, and a busy room does not hold up another.
func TestTurns(t *testing.T) {
	started, release := make(chan []*posting, 10), make(chan struct{})
	turns := newTurns(func(room store.ID, batch []*posting) {
		for i, p := range batch {
			p.err = nil
			p.got.Seq = int64(i + 1)
		}
		if room == 1 {
			started <- batch
			<-release
		}
	})
	var wg sync.WaitGroup
	post := func(room store.ID, p *posting) { wg.Go(func() { assert.NoError(t, turns.take(room, p)) }) }
	post(1, &posting{})
	assert.Receive(t, started)
	var waiting []*posting
	for i := range 300 {
		p := &posting{}
		waiting = append(waiting, p)
		post(1, p)
		assert.Eventually(t, func() bool {
			turns.mu.Lock()
			defer turns.mu.Unlock()
			return len(turns.waiting[1]) == i+1
		})
	}
	assert.NoError(t, turns.take(2, &posting{}), "another room")
	for _, want := range []int{maxBatch, maxBatch, 300 - 2*maxBatch} {
		release <- struct{}{}
		batch := assert.Receive(t, started)
		assert.True(t, slices.Equal(batch, waiting[:want]), "in their order")
		waiting = waiting[want:]
	}
	release <- struct{}{}
	wg.Wait()
	assert.Equal(t, len(turns.waiting), 0, "nothing is left behind")
}

func TestTooManyWaitInARoom(t *testing.T) {
	release := make(chan struct{})
	turns := newTurns(func(_ store.ID, batch []*posting) {
		<-release
		for _, p := range batch {
			p.err = nil
		}
	})
	var wg sync.WaitGroup
	for range maxWaiting + 1 {
		wg.Go(func() { assert.NoError(t, turns.take(1, &posting{})) })
	}
	assert.Eventually(t, func() bool {
		turns.mu.Lock()
		defer turns.mu.Unlock()
		return len(turns.waiting[1]) == maxWaiting
	})
	assert.ErrorIs(t, turns.take(1, &posting{}), errBusy)
	close(release)
	wg.Wait()
}

// What goes wrong with one batch is its own: the room goes on.
func TestTurnsAfterAPanic(t *testing.T) {
	first := true
	started, release := make(chan struct{}, 1), make(chan struct{})
	turns := newTurns(func(_ store.ID, batch []*posting) {
		if first {
			first = false
			started <- struct{}{}
			<-release
			panic("a fault")
		}
		for _, p := range batch {
			p.err = nil
		}
	})
	failed := make(chan any, 1)
	go func() {
		defer func() { failed <- recover() }()
		_ = turns.take(1, &posting{})
	}()
	assert.Receive(t, started)
	next := make(chan error, 1)
	go func() { next <- turns.take(1, &posting{}) }()
	assert.Eventually(t, func() bool {
		turns.mu.Lock()
		defer turns.mu.Unlock()
		return len(turns.waiting[1]) == 1
	})
	close(release)
	assert.Equal(t, assert.Receive(t, failed), any("a fault"))
	assert.NoError(t, assert.Receive(t, next))
}
