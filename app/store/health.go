package store

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// health is whether the database has done what it was asked: to read, or to write.
type health struct {
	failing atomic.Bool
	mu      sync.Mutex
	last    time.Time // of the failures
}

// calm is for how long nothing has to fail before it is said that the database works again:
// on a disk that is nearly full some writes succeed, and others do not.
const calm = 5 * time.Second

// note keeps what came of an operation, and returns whether that is news.
func (h *health) note(failed bool, now time.Time) (news bool) {
	if !failed && !h.failing.Load() {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if failed {
		h.last = now
	} else if now.Sub(h.last) < calm {
		return false
	}
	return h.failing.Swap(failed) != failed
}

// settle notes what came of an operation, logs when the database goes away or comes back,
// and returns the store's form of the error.
func (db *DB) settle(h *health, err error) error {
	if err != nil && db.closed.Load() {
		return ErrClosed // drivers have their own words for it
	}
	err = classify(err)
	failed := Unavailable(err)
	if h.note(failed, time.Now()) {
		what := "reads"
		if h == &db.writing {
			what = "writes"
		}
		if failed {
			db.log.Error("store: the database does not work", "what", what, "error", err)
		} else {
			db.log.Info("store: the database works again", "what", what)
		}
	}
	return err
}

// readiness is what was found out last about whether the database works.
type readiness struct {
	mu     sync.Mutex
	asking chan struct{} // closed when what is being found out is known; nil: nothing is
	at     time.Time
	err    error
}

// fresh is for how long an answer counts: whoever asks again and again has nothing written
// for it.
const fresh = time.Second

// Ready asks whether the database works: that something can be written to it now, and that
// there is room for it. The error says why not; it may be a second old.
func (db *DB) Ready(ctx context.Context) error {
	r := &db.ready
	r.mu.Lock()
	if r.asking == nil && !r.at.IsZero() && time.Since(r.at) < fresh && !db.closed.Load() {
		defer r.mu.Unlock()
		return r.err
	}
	asking := r.asking
	if asking == nil {
		asking = make(chan struct{})
		r.asking = asking
		// One at a time, and no longer than a write takes: a caller need not wait so long.
		go func() {
			err := db.probe(context.WithoutCancel(ctx))
			r.mu.Lock()
			defer r.mu.Unlock()
			r.asking, r.at, r.err = nil, time.Now(), err
			close(asking)
		}()
	}
	r.mu.Unlock()
	select {
	case <-asking:
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.err
	case <-ctx.Done():
		return unavailable("The database did not answer in time", ctx.Err())
	}
}

// room is what there has to be, in bytes: as much as the largest thing that is stored.
const room = 64 << 10

// probe writes something large and takes it back. What is the same size as before would find
// its room even where there is no more.
func (db *DB) probe(ctx context.Context) error {
	return db.write(ctx, func(tx *tx) error {
		if _, err := tx.exec(`UPDATE readiness SET asked_at = ?, padding = ? WHERE id = 1`, micros(time.Now()), padding); err != nil {
			return err
		}
		_, err := tx.exec(`UPDATE readiness SET padding = NULL WHERE id = 1`)
		return err
	})
}

var padding = make([]byte, room)
