package websocket_test

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/kachi-io/kachi/engineio/websocket"
	"github.com/kachi-io/kachi/internal/assert"
)

// counter reads by Await and counts.
type counter struct {
	n   int
	end chan struct{}
}

func (r *counter) Resume(c *websocket.Conn) {
	for {
		if _, _, err := c.Read(); err != nil {
			close(r.end)
			return
		}
		r.n++
		if !c.HasMessage() {
			c.Await(r)
			return
		}
	}
}

// glimpse is how far counter is when a message comes.
type glimpse struct {
	of   *counter
	seen chan int
}

func (r glimpse) Resume(c *websocket.Conn) {
	if _, _, err := c.Read(); err == nil {
		r.seen <- r.of.n // on one processor nothing runs meanwhile
		c.Await(r)
	}
}

// On one processor, too, a client that always has sent more holds nobody up for longer than
// it takes to work off some kilobytes.
func TestOneWhoFloodsHoldsNobodyUp(t *testing.T) {
	if raceEnabled {
		t.Skip("a look at what another goroutine counts")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	h := listen(t, nil, nil)
	best := floodMessages
	// Now and then the kernel takes the processor from whoever has just learned who is
	// next, and a goroutine that comes back from there is at the very end of the queue.
	for range 5 {
		if best = min(best, overtaken(t, h)); best < 8*8192/floodSize {
			return
		}
	}
	t.Errorf("at least %d messages of a flood went before", best)
}

const floodMessages, floodSize = 5000, 100

// overtaken returns how many messages of a flood are read before one of somebody else that
// came after the flood and before the first was read.
func overtaken(t *testing.T, h *host) int {
	flooding := h.dial(t)
	c := assert.Receive(t, h.conns)
	modest := h.dial(t)
	other := assert.Receive(t, h.conns)
	defer func() { _, _ = c.CloseNow(), other.CloseNow() }()
	flood := &counter{end: make(chan struct{})}
	look := glimpse{flood, make(chan int, 1)}
	other.Await(look)
	modest.write(frame(end|text, "and back to waiting"))
	assert.Receive(t, look.seen)
	flooding.write(bytes.Repeat(frame(end|text, string(make([]byte, floodSize))), floodMessages))

	modest.write(frame(end|text, "me, too"))
	c.Await(flood)
	n := assert.Receive(t, look.seen)
	_ = flooding.Close()
	<-flood.end
	return n
}
