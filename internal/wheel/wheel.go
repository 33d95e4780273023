// Package wheel is a timing wheel: many coarse timers for the price of one.
//
// A server keeps one timer per connection (its heartbeat) and one per awaited
// acknowledgement. A runtime timer costs about 100 bytes and a heap operation each; a
// wheel's timer is a node inside the structure that it belongs to, and arming, moving
// and stopping it are a few pointer writes under the lock of one of several shards.
package wheel

import (
	"sync"
	"sync/atomic"
	"time"
)

// Expirer is told when a timer's time has come.
type Expirer interface {
	// Expire is called on the wheel's goroutine, with no lock held. Every other timer
	// waits for it: it must only take note, and leave writing and user code to others.
	// A timer that was stopped or moved at the same moment may still expire once, so
	// the owner checks that the expiry is meant.
	Expire(*Timer)
}

// Timer is a node of a wheel. Embed it in what it belongs to. The zero value is ready
// and not armed. A timer must not be copied after it was armed, and belongs to one
// wheel.
type Timer struct {
	next, prev *Timer // ring of one slot; nil when not armed
	expirer    Expirer
	due        int64 // tick
	shard      uint32
}

const (
	shardCount = 8 // locks; more do not help at 2 to 16 cores, and each costs its slots
	slotCount  = 512
)

type shard struct {
	mu    sync.Mutex
	slots [slotCount]*Timer // some node of the slot's ring
	last  int64             // tick up to which the slots have been looked at
	_     [48]byte          // keeps two shards' locks off one cache line
}

// Wheel holds timers. Its methods are safe for concurrent use. It owns one goroutine,
// which runs only while some timer is armed.
type Wheel struct {
	tick   time.Duration
	start  time.Time
	armed  atomic.Int64
	pick   atomic.Uint32 // spreads new timers over the shards
	shards [shardCount]shard

	mu      sync.Mutex // guards the start and the end of the goroutine
	running atomic.Bool
	last    int64 // last tick that was worked off; the goroutine's own, handed on by mu
}

// New makes a wheel whose timers expire at the first tick at or after their time: up
// to one tick late, never early.
func New(tick time.Duration) *Wheel {
	if tick <= 0 {
		panic("wheel: the tick must be positive")
	}
	return &Wheel{tick: tick, start: time.Now()}
}

// Reset arms the timer, or moves it when it is armed, to expire after d.
func (w *Wheel) Reset(t *Timer, d time.Duration, e Expirer) {
	s := w.shardOf(t)
	due := int64((time.Since(w.start) + max(d, 0) + w.tick - 1) / w.tick)
	s.mu.Lock()
	if t.next != nil {
		s.unlink(t)
	} else {
		w.armed.Add(1)
	}
	// A tick that was looked at since the time was taken would come round again only
	// after all the others.
	t.due, t.expirer = max(due, s.last+1), e
	s.link(t)
	s.mu.Unlock()
	if !w.running.Load() {
		w.mu.Lock()
		if !w.running.Load() {
			w.running.Store(true)
			go w.run()
		}
		w.mu.Unlock()
	}
}

// Stop disarms the timer and reports whether it was armed. An expiry that has begun
// is not waited for.
func (w *Wheel) Stop(t *Timer) bool {
	s := w.shardOf(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.next == nil {
		return false
	}
	s.unlink(t)
	t.expirer = nil
	w.armed.Add(-1)
	return true
}

// shardOf gives a timer its shard at its first use; 0 stands for none yet.
func (w *Wheel) shardOf(t *Timer) *shard {
	n := atomic.LoadUint32(&t.shard)
	for n == 0 {
		atomic.CompareAndSwapUint32(&t.shard, 0, w.pick.Add(1)%shardCount+1)
		n = atomic.LoadUint32(&t.shard)
	}
	return &w.shards[n-1]
}

func (s *shard) link(t *Timer) {
	slot := &s.slots[t.due%slotCount]
	if *slot == nil {
		t.next, t.prev = t, t
		*slot = t
		return
	}
	t.next, t.prev = *slot, (*slot).prev
	t.prev.next, t.next.prev = t, t
}

func (s *shard) unlink(t *Timer) {
	slot := &s.slots[t.due%slotCount]
	if t.next == t {
		*slot = nil
	} else {
		t.prev.next, t.next.prev = t.next, t.prev
		if *slot == t {
			*slot = t.next
		}
	}
	t.next, t.prev = nil, nil
}

type expiry struct {
	timer   *Timer
	expirer Expirer
}

func (w *Wheel) run() {
	var due []expiry
	// The first tick is not at once: where something is armed and disarmed again and again,
	// as for each of many quick calls, a goroutine would begin and end each time.
	sleep := time.NewTimer(w.until(int64(time.Since(w.start)/w.tick) + 1))
	defer sleep.Stop()
	for {
		<-sleep.C
		now := int64(time.Since(w.start) / w.tick)
		due = w.collect(now, due[:0])
		for i := range due {
			due[i].expirer.Expire(due[i].timer)
			due[i] = expiry{}
		}
		if w.armed.Load() == 0 {
			w.mu.Lock()
			if w.armed.Load() == 0 {
				w.running.Store(false)
				w.mu.Unlock()
				return
			}
			w.mu.Unlock()
		}
		sleep.Reset(w.until(now + 1))
	}
}

// until is how long it takes until a tick.
func (w *Wheel) until(tick int64) time.Duration {
	return time.Until(w.start.Add(time.Duration(tick) * w.tick))
}

// collect unlinks what is due at tick now, over all the slots passed since last time.
func (w *Wheel) collect(now int64, due []expiry) []expiry {
	from := max(w.last+1, now-slotCount+1)
	for i := range w.shards {
		s := &w.shards[i]
		s.mu.Lock()
		s.last = max(s.last, now)
		for tick := from; tick <= now; tick++ {
			slot := &s.slots[tick%slotCount]
			if *slot == nil {
				continue
			}
			// Timers of later rounds stay: walk the ring once, from its end.
			for t, end := (*slot).prev, *slot; ; {
				prev, last := t.prev, t == end
				if t.due <= now {
					s.unlink(t)
					w.armed.Add(-1)
					due = append(due, expiry{t, t.expirer})
					t.expirer = nil
				}
				if last {
					break
				}
				t = prev
			}
		}
		s.mu.Unlock()
	}
	w.last = max(w.last, now)
	return due
}
