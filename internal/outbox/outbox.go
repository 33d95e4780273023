// Package outbox holds the queue in which messages wait for a connection that cannot
// take them yet. It is bounded in messages and bytes, and lets go of volatile messages
// first.
package outbox

import (
	"sync"
	"sync/atomic"
)

// Limits bound a queue. Zero and negative values mean no bound.
type Limits struct {
	Messages int // messages waiting
	Bytes    int // sum of their sizes
	// Evicted, if not nil, counts the volatile items that had to make room: of all queues
	// whose owners share it, so that no queue needs a counter of its own.
	Evicted *atomic.Uint64
}

// Roomy reports whether a backlog takes up no more than half of what is allowed.
func (l Limits) Roomy(messages, bytes int) bool {
	return (l.Messages <= 0 || messages <= l.Messages/2) && (l.Bytes <= 0 || bytes <= l.Bytes/2)
}

// Result says what became of a pushed item.
type Result uint8

const (
	Queued  Result = iota // it waits
	Dropped               // it was volatile and there was no room
	Full                  // there was no room; the queue is as it was
)

// Queue is a bounded first-in-first-out queue. The zero value is an empty queue that
// holds no memory; it goes back to that whenever it runs empty. It is not safe for
// concurrent use: its owner locks.
//
// Items lie in chunks of a fixed size rather than in a ring that doubles: chunks can
// be pooled whatever the length of a burst, so that a queue that fills and drains all
// the time does not allocate (a ring cost 0.1 allocations a message in bursts of 20).
type Queue[T any] struct {
	// Chunks is where memory comes from and goes back to. Nil: from the heap. Set it
	// before the first Push; one Chunks may serve any number of queues.
	Chunks *Chunks[T]

	head, tail *chunk[T]
	messages   int
	bytes      int
	loose      int // volatile messages waiting
	looseBytes int
}

// Chunks is a pool of a queue's memory. The zero value is ready, and safe for
// concurrent use.
type Chunks[T any] struct{ pool sync.Pool }

// chunkLen makes a chunk of pointers fill a size class of 256 bytes.
const chunkLen = 15

type chunk[T any] struct {
	next       *chunk[T]
	first, end int16 // slots in use, gaps included
	live       int16 // slots in use that are not gaps
	loose      int16 // the volatile ones of those
	slots      [chunkLen]slot[T]
}

// slot is an item with its size in bytes shifted left by one, and the lowest bit set
// for a volatile one. A negative value marks a gap that an eviction left.
type slot[T any] struct {
	item T
	size int
}

const gap = -1

// Push adds an item of size bytes, if the limits allow.
//
// When there is no room, volatile items that wait are evicted, oldest first: whoever
// sends volatile messages wants the newest ones to arrive. Nothing is evicted when
// that would not make enough room. An item larger than l.Bytes is taken by an empty
// queue, since it could never be sent otherwise.
func (q *Queue[T]) Push(item T, size int, volatile bool, l Limits) Result {
	if !q.makeRoom(size, l) {
		if volatile {
			return Dropped
		}
		return Full
	}
	c := q.tail
	if c == nil || c.end == chunkLen {
		c = q.newChunk()
		if q.tail == nil {
			q.head = c
		} else {
			q.tail.next = c
		}
		q.tail = c
	}
	s := &c.slots[c.end]
	s.item, s.size = item, size<<1
	if volatile {
		s.size |= 1
		c.loose++
		q.loose++
		q.looseBytes += size
	}
	c.end++
	c.live++
	q.messages++
	q.bytes += size
	return Queued
}

// Pop moves items to the end of dst, in order: at most maxItems, and no more than
// maxBytes together, but one at least if any waits.
func (q *Queue[T]) Pop(dst []T, maxItems, maxBytes int) []T {
	for taken, bytes := 0, 0; q.head != nil && taken < maxItems; {
		c := q.head
		s := &c.slots[c.first]
		if s.size != gap {
			size := s.size >> 1
			if taken > 0 && bytes+size > maxBytes {
				break
			}
			bytes += size
			taken++
			dst = append(dst, s.item)
			q.forget(c, s)
		}
		c.first++
		if c.live == 0 {
			q.unlink(nil, c)
		}
	}
	return dst
}

// Len returns the number of items that wait.
func (q *Queue[T]) Len() int { return q.messages }

// Bytes returns the sum of their sizes.
func (q *Queue[T]) Bytes() int { return q.bytes }

// Clear drops all that waits.
func (q *Queue[T]) Clear() {
	for c := q.head; c != nil; {
		next := c.next
		q.release(c)
		c = next
	}
	q.head, q.tail = nil, nil
	q.messages, q.bytes, q.loose, q.looseBytes = 0, 0, 0, 0
}

// makeRoom reports whether an item of the size fits, after evicting what it must.
func (q *Queue[T]) makeRoom(size int, l Limits) bool {
	var messages, bytes int // too many
	if l.Messages > 0 {
		messages = q.messages + 1 - l.Messages
	}
	if l.Bytes > 0 {
		bytes = q.bytes + size - l.Bytes
	}
	if q.messages == 0 || messages <= 0 && bytes <= 0 {
		return true
	}
	// Enough of the volatile ones, or all there is when that leaves the queue empty.
	if q.loose < q.messages && (messages > q.loose || bytes > q.looseBytes) {
		return false
	}
	n := q.evict(messages, bytes)
	if l.Evicted != nil {
		l.Evicted.Add(n)
	}
	return true
}

// evict takes out volatile items, oldest first, until the given numbers are gone, and
// returns how many it took.
// It looks at each chunk once and skips those without volatile items, and a chunk
// that has become nothing but gaps leaves the list: gaps cannot pile up.
func (q *Queue[T]) evict(messages, bytes int) (evicted uint64) {
	var before *chunk[T]
	for c := q.head; c != nil && (messages > 0 || bytes > 0); {
		next := c.next
		for i := c.first; c.loose > 0 && i < c.end && (messages > 0 || bytes > 0); i++ {
			s := &c.slots[i]
			if s.size == gap || s.size&1 == 0 {
				continue
			}
			messages--
			bytes -= s.size >> 1
			evicted++
			q.forget(c, s)
		}
		if c.live == 0 {
			q.unlink(before, c)
		} else {
			before = c
		}
		c = next
	}
	return evicted
}

// forget turns a slot into a gap.
func (q *Queue[T]) forget(c *chunk[T], s *slot[T]) {
	size := s.size >> 1
	if s.size&1 == 1 {
		c.loose--
		q.loose--
		q.looseBytes -= size
	}
	c.live--
	q.messages--
	q.bytes -= size
	var none T
	s.item, s.size = none, gap
}

// unlink takes a chunk without items out of the list.
func (q *Queue[T]) unlink(before, c *chunk[T]) {
	if before == nil {
		q.head = c.next
	} else {
		before.next = c.next
	}
	if q.tail == c {
		q.tail = before
	}
	q.release(c)
}

func (q *Queue[T]) newChunk() *chunk[T] {
	if q.Chunks != nil {
		if c, ok := q.Chunks.pool.Get().(*chunk[T]); ok {
			return c
		}
	}
	return new(chunk[T])
}

func (q *Queue[T]) release(c *chunk[T]) {
	if q.Chunks != nil {
		*c = chunk[T]{}
		q.Chunks.pool.Put(c)
	}
}
