package websocket

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// flusher writes for connections over plain sockets that have something queued. Its
// goroutine runs while there are such connections, and never waits for one of them.
// Each connection belongs to one flusher; there are as many as processors.
type flusher struct {
	mu         sync.Mutex
	head, tail *Conn // linked by nextFlush
	running    bool
	run        func() // f.work, so that starting it allocates nothing
}

var (
	flushers = makeFlushers(runtime.GOMAXPROCS(0))
	assigned atomic.Uint32
)

func makeFlushers(n int) []*flusher {
	all := make([]*flusher, n)
	for i := range all {
		f := new(flusher)
		f.run = f.work
		all[i] = f
	}
	return all
}

func nextFlusher() *flusher {
	return flushers[assigned.Add(1)%uint32(len(flushers))]
}

// add enters a connection that is not in the list. The caller holds c.mu.
func (f *flusher) add(c *Conn) {
	f.mu.Lock()
	if f.head == nil {
		f.head = c
	} else {
		f.tail.nextFlush = c
	}
	f.tail = c
	start := !f.running
	f.running = true
	f.mu.Unlock()
	if start {
		go f.run()
	}
}

// work writes for all in the list, one write each and then from the beginning, until
// the list is empty.
func (f *flusher) work() {
	o := newOutput()
	for {
		f.mu.Lock()
		c := f.head
		f.head, f.tail = nil, nil
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
	if !c.pending() {
		c.writer = idle
		c.mu.Unlock()
		return o
	}
	c.writer = busy
	c.take(o)
	c.mu.Unlock()
	o.gather(c.deflate)
	if o = c.write(o); o != nil {
		o.reset()
	}
	return o
}
