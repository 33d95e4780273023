package chat

import (
	"context"
	"errors"
	"sync"

	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/gateway"
)

// posting is a message on its way into a room.
type posting struct {
	ctx  context.Context
	post store.NewMessage
	turn chan []*posting // what to work off, nil when somebody else has done it; has room for one

	got store.Added
	err error
}

// turns has the messages of each room stored and told one batch after the other: what is told
// in a room is in the order of its numbers. Whoever comes while nobody works for the room does
// that, for itself; those who come meanwhile wait, and are the next batch, which the first of
// them works off. So a room needs no goroutine, and a busy one no transaction for each message:
// 16 people write 5,300 messages a second into one room on SQLite; with a lock in place of this,
// one for each wait for the disk, it would be 1,000 (BenchmarkPost).
type turns struct {
	run func(room store.ID, batch []*posting)

	mu      sync.Mutex
	waiting map[store.ID][]*posting // of rooms for which somebody works
}

const (
	maxBatch   = 128
	maxWaiting = 1024 // in a room
)

func newTurns(run func(store.ID, []*posting)) *turns {
	return &turns{run: run, waiting: map[store.ID][]*posting{}}
}

// errUnfinished is what a batch ends with whose work panicked.
var errUnfinished = errors.New("chat: a batch was not worked off")

var errBusy = gateway.NewError(gateway.CodeOverloaded, "Too much is written in this room at the moment")

// take returns when a message was stored and told, or why not.
func (t *turns) take(room store.ID, p *posting) error {
	p.turn, p.err = make(chan []*posting, 1), errUnfinished
	t.mu.Lock()
	waiting, busy := t.waiting[room]
	if busy && len(waiting) >= maxWaiting {
		t.mu.Unlock()
		return errBusy
	}
	if busy {
		t.waiting[room] = append(waiting, p)
	} else {
		t.waiting[room] = nil
		p.turn <- []*posting{p}
	}
	t.mu.Unlock()
	if batch := <-p.turn; batch != nil { // soon: the database bounds its time
		t.work(room, batch)
	}
	return p.err
}

// work works off a batch, and has the next one worked off, whatever happens.
func (t *turns) work(room store.ID, batch []*posting) {
	defer func() {
		for _, p := range batch[1:] {
			p.turn <- nil
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		next := t.waiting[room]
		if len(next) == 0 {
			delete(t.waiting, room)
			return
		}
		n := min(len(next), maxBatch)
		t.waiting[room] = next[n:]
		next[0].turn <- next[:n:n]
	}()
	t.run(room, batch)
}
