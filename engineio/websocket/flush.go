package websocket

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// flusher writes for connections over plain sockets that have something queued. Its
// goroutine runs while there are such connections, and never waits for one of them.
// Each connection belongs to one flusher; there are as many as processors.
type flusher struct {
	number  uint32 // among those of a set
	mu      sync.Mutex
	ready   list // to be written
	running bool
	run     func() // f.work, so that starting it allocates nothing

	// Of a Batch alone. What is held waits for more until the timer rings, for all of
	// them at once: one timer serves any number of connections.
	delay time.Duration
	held  list
	timer *time.Timer
}

// list links connections by nextFlush: each is in one list at most.
type list struct{ head, tail *Conn }

func (l *list) add(c *Conn) {
	if l.head == nil {
		l.head = c
	} else {
		l.tail.nextFlush = c
	}
	l.tail = c
}

// flushers serve the connections that do not wait for more.
var flushers = newFlushers(0)

// flusherSet is as many flushers as there are processors.
type flusherSet struct {
	all      []*flusher
	assigned atomic.Uint32
}

func newFlushers(delay time.Duration) *flusherSet {
	set := &flusherSet{all: make([]*flusher, runtime.GOMAXPROCS(0))}
	for i := range set.all {
		f := &flusher{number: uint32(i), delay: delay}
		f.run = f.work
		set.all[i] = f
	}
	return set
}

func (s *flusherSet) next() *flusher {
	return s.all[s.assigned.Add(1)%uint32(len(s.all))]
}

// Batch lets connections wait a little for more before they write: see Options.Batch.
// Connections that share one share its timers, so that what is sent to many of them in
// that time costs each a single write.
type Batch struct{ *flusherSet }

// NewBatch makes a Batch for a delay. Not above zero, it returns nil: no waiting.
func NewBatch(delay time.Duration) *Batch {
	if delay <= 0 {
		return nil
	}
	return &Batch{newFlushers(delay)}
}

func (o *Options) flusher() *flusher {
	if o != nil && o.Batch != nil {
		return o.Batch.next()
	}
	return flushers.next()
}

// add enters a connection that is in no list. The caller holds c.mu.
func (f *flusher) add(c *Conn) {
	f.mu.Lock()
	f.ready.add(c)
	start := !f.running
	f.running = true
	f.mu.Unlock()
	if start {
		go f.run()
	}
}

// hold enters a connection that is in no list, to be written when the timer rings. The
// caller holds c.mu.
func (f *flusher) hold(c *Conn) {
	f.mu.Lock()
	if f.held.head == nil {
		if f.timer == nil {
			f.timer = time.AfterFunc(f.delay, f.ring)
		} else {
			f.timer.Reset(f.delay)
		}
	}
	f.held.add(c)
	f.mu.Unlock()
}

// ring works off what is held, on the timer's goroutine where no other does already.
func (f *flusher) ring() {
	f.mu.Lock()
	if f.ready.head == nil {
		f.ready = f.held
	} else if f.held.head != nil {
		f.ready.tail.nextFlush = f.held.head
		f.ready.tail = f.held.tail
	}
	f.held = list{}
	start := !f.running && f.ready.head != nil
	f.running = f.running || start
	f.mu.Unlock()
	if start {
		f.work()
	}
}

// work writes for all in the list, one write each and then from the beginning, until
// the list is empty.
func (f *flusher) work() {
	o := newOutput()
	for {
		f.mu.Lock()
		c := f.ready.head
		f.ready = list{}
		f.running = c != nil
		f.mu.Unlock()
		if c == nil {
			o.free()
			return
		}
		for c != nil {
			next := c.nextFlush
			c.nextFlush = nil
			if o = c.flush(o); o == nil {
				o = newOutput()
			}
			c = next
		}
	}
}

// flush does one write. o is the caller's again unless the result is nil.
func (c *Conn) flush(o *output) *output {
	c.mu.Lock()
	c.held = false
	switch {
	case c.writer == busy: // it was held, and something came that could not wait
		c.mu.Unlock()
		return o
	case !c.pending():
		c.writer = idle
		c.mu.Unlock()
		return o
	}
	c.writer = busy
	if c.raw == nil {
		c.startDrain(nil)
		c.mu.Unlock()
		return o
	}
	c.take(o)
	c.mu.Unlock()
	o.gather(c.deflate)
	if o = c.write(o); o != nil {
		o.reset()
	}
	return o
}
