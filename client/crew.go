package client

import "sync"

// crew counts the goroutines of a client: those at work, and those that are away in the
// user's code. Who ends the client waits for the former alone, so that it may do so from
// within a handler; the latter end when their function returns.
type crew struct {
	mu      sync.Mutex
	changed *sync.Cond
	present int
	away    int
	ended   bool
	done    chan struct{}
}

func newCrew() *crew {
	c := &crew{done: make(chan struct{})}
	c.changed = sync.NewCond(&c.mu)
	return c
}

// start runs f on a goroutine of the crew.
func (c *crew) start(f func()) {
	c.move(1, 0)
	go func() {
		defer c.move(-1, 0)
		f()
	}()
}

// call runs the user's f on a goroutine of the crew.
func (c *crew) call(f func()) {
	c.move(-1, 1)
	defer c.move(1, -1)
	f()
}

func (c *crew) move(present, away int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.present += present
	c.away += away
	if c.present == 0 {
		c.changed.Broadcast()
		c.finish()
	}
}

// end waits until nobody is at work, and has done closed when nobody is away either.
// Nothing is started afterwards but by those who are away.
func (c *crew) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	for c.present > 0 {
		c.changed.Wait()
	}
	c.finish()
}

func (c *crew) finish() {
	if !c.ended || c.present > 0 || c.away > 0 {
		return
	}
	select {
	case <-c.done:
	default:
		close(c.done)
	}
}
