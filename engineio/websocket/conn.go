package websocket

import (
	"context"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/kachi-io/kachi/internal/outbox"
)

// Conn is the server's side of a WebSocket connection.
//
// One goroutine reads, and should do so until Read returns an error: that is how pings
// are answered and how a close is noticed. All other methods may be called by any
// number of goroutines at any time. None of them waits for the network.
type Conn struct {
	settings
	nc          net.Conn
	raw         syscall.RawConn // nil: nc is not a plain socket
	subprotocol string
	flusher     *flusher

	reader // of the goroutine in Read, and of linger after its end

	// Lock order: mu, then flusher.mu. Neither is held during a call that may touch
	// the network or wait.
	mu     sync.Mutex
	writer writerState
	held   bool // in flusher.held, or on the way from there: what is queued gets written
	defers bool // Send leaves the write to others
	hurry  bool // Flush has met a busy writer, who is to go on with what waits
	npongs uint8
	queue  outbox.Queue[*Frame]
	first  []*Frame // SendFirst: ahead of queue
	pongs  []byte   // encoded, ahead of first

	flyingMessages, flyingBytes int // taken from queue and not yet written

	room chan struct{} // closed when there is room in queue again; nil while nobody waits

	closing []byte // the close frame, once one is to be sent; nothing is accepted then
	sent    bool   // it is written
	hungUp  bool   // nothing more is read: once closing is written the end has come
	dead    bool   // the socket is closed
	err     error  // why, for Read
	timer   *time.Timer

	nextFlush *Conn // in a list of flusher
}

// writerState says who may write to the socket: a token rather than a lock, so that
// nobody waits for a write of somebody else.
type writerState uint8

const (
	idle      writerState = iota // nobody does, and nothing is pending
	scheduled                    // flusher will come
	busy                         // somebody does, and looks for more before the token is given back
)

const (
	maxPongs = 16 // the newest ones; RFC 6455 5.5.3 asks for the very last only
	maxFirst = 16
)

// chunks is the memory of all backlogs.
var chunks outbox.Chunks[*Frame]

func (c *Conn) init() {
	c.queue.Chunks = &chunks
	c.defers = c.raw == nil || c.flusher.delay > 0
	if c.raw != nil {
		c.readable = c.onReadable
	}
}

// Send sends a frame, in order with all others of Send and Queue. On an idle
// connection over plain TCP the caller itself writes what the kernel takes at once;
// the rest, and what comes while somebody else writes, is queued. With Options.Batch
// everything is.
//
// It returns ErrClosed, ErrFull or, for volatile frames, ErrDropped, and otherwise nil,
// which does not mean that the peer has got it.
func (c *Conn) Send(f *Frame) error { return c.SendIf(f, nil) }

// Gate says whether something may still be sent.
type Gate interface {
	// Open is called with locks held, and touches memory only.
	Open() bool
}

// SendIf is Send that does nothing, and returns ErrClosed, where g, if it is not nil, is
// shut. What is queued once it is shut comes behind everything that passed it: there is no
// time between the question and the place in the order.
func (c *Conn) SendIf(f *Frame, g Gate) error {
	c.mu.Lock()
	if g != nil && !g.Open() {
		c.mu.Unlock()
		return ErrClosed
	}
	if c.defers || c.writer != idle {
		defer c.mu.Unlock()
		return c.push(f)
	}
	if c.closed() {
		c.mu.Unlock()
		return ErrClosed
	}
	c.writer = busy
	c.flyingMessages, c.flyingBytes = 1, len(f.wire)
	c.mu.Unlock()

	o := newOutput()
	o.data = f.bytes(c.deflate)
	o.messages = int(f.Messages)
	o = c.write(o)
	if o == nil {
		return nil
	}
	err := o.err
	o.free()
	if err != nil {
		return ErrClosed
	}
	return nil
}

// Queue is Send without the write by the caller: frames that are queued meanwhile,
// those of a broadcast say, are gathered into one write. It only touches memory, and
// so may be called with locks held.
func (c *Conn) Queue(f *Frame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.push(f)
}

// SendFirst sends a frame ahead of all that waits, for heartbeats. It does not count
// against Options.Queue, but no more than 16 may wait: ErrFull. It only touches memory.
func (c *Conn) SendFirst(f *Frame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed() {
		return ErrClosed
	}
	if len(c.first) == maxFirst {
		return ErrFull
	}
	c.first = append(c.first, f)
	c.wake()
	return nil
}

// Buffered returns how much of what was sent by Send and Queue has not been given to
// the operating system, in messages and in bytes.
func (c *Conn) Buffered() (messages, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queue.Len() + c.flyingMessages, c.queue.Bytes() + c.flyingBytes
}

// Room waits until no more than half of what Options.Queue allows is waiting, for senders
// that would rather wait than meet ErrFull. It returns ErrClosed, or the context's error.
func (c *Conn) Room(ctx context.Context) error {
	for {
		c.mu.Lock()
		switch {
		case c.closed():
			c.mu.Unlock()
			return ErrClosed
		case c.roomy():
			c.mu.Unlock()
			return nil
		}
		if c.room == nil {
			c.room = make(chan struct{})
		}
		room := c.room
		c.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *Conn) roomy() bool {
	return c.settings.queue.Roomy(c.queue.Len()+c.flyingMessages, c.queue.Bytes()+c.flyingBytes)
}

// tellRoom lets those go on that wait for room. The caller holds c.mu.
func (c *Conn) tellRoom() {
	if c.room != nil && (c.closed() || c.roomy()) {
		close(c.room)
		c.room = nil
	}
}

// Received counts messages that were read, for Options.Traffic.
func (c *Conn) Received(messages int) { c.traffic.Received.Add(c.flusher.number, messages, 0) }

// Deflates reports whether permessage-deflate was negotiated.
func (c *Conn) Deflates() bool { return c.deflate != nil }

// Subprotocol returns the one that was agreed on, or "".
func (c *Conn) Subprotocol() string { return c.subprotocol }

// RemoteAddr returns the other end of the network connection: a proxy's, if there is
// one.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// closed reports whether nothing new is accepted. The caller holds c.mu.
func (c *Conn) closed() bool { return c.dead || c.closing != nil }

// push queues a frame and sees to it that it gets written. The caller holds c.mu.
func (c *Conn) push(f *Frame) error {
	if c.closed() {
		return ErrClosed
	}
	switch c.queue.Push(f, len(f.wire), f.Volatile, c.settings.queue) {
	case outbox.Dropped:
		return ErrDropped
	case outbox.Full:
		return ErrFull
	}
	c.call()
	return nil
}

// Flush has what waits for more by Options.Batch written without delay. It only touches
// memory.
func (c *Conn) Flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending() {
		c.hurry = c.writer == busy
		c.wake()
	}
}

// pong answers a ping with an encoded pong, ahead of all else. It takes wire over.
func (c *Conn) pong(wire []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead || c.sent {
		return
	}
	if c.npongs == maxPongs {
		c.npongs--
		c.pongs = c.pongs[2+int(c.pongs[1]):]
	}
	c.npongs++
	if c.pongs == nil {
		c.pongs = wire
	} else {
		c.pongs = append(c.pongs, wire...)
	}
	c.wake()
}

// pending reports whether something is to be written. The caller holds c.mu.
func (c *Conn) pending() bool {
	return !c.dead && !c.sent &&
		(c.queue.Len() > 0 || c.npongs > 0 || len(c.first) > 0 || c.closing != nil)
}

// call sees to it that what is pending gets written: at once, or when more has had the
// time to come. The caller holds c.mu.
func (c *Conn) call() {
	switch {
	case c.flusher.delay == 0 || c.pressing():
		c.wake()
	case c.writer == idle && !c.held:
		c.held = true
		c.flusher.hold(c)
	}
}

// pressing reports whether something is pending that is not to wait for more: a control
// frame, as much as one write takes, or so much that room gets scarce. The caller holds
// c.mu.
func (c *Conn) pressing() bool {
	return c.npongs > 0 || len(c.first) > 0 || c.closing != nil ||
		c.queue.Len() >= gatherFrames || c.queue.Bytes() >= gatherLen || !c.roomy()
}

// wake finds somebody to write at once. The caller holds c.mu.
func (c *Conn) wake() {
	switch {
	case c.writer != idle:
	case c.raw == nil || c.held: // nextFlush is in use
		c.writer = busy
		c.startDrain(nil)
	default:
		c.writer = scheduled
		c.flusher.add(c)
	}
}
