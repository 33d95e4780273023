package client

import (
	"time"

	eio "github.com/kachi-io/kachi/engineio/packet"
)

// frame is one Engine.IO packet on its way out: text with its type's digit in front, or a
// binary message.
type frame struct {
	data   []byte
	binary bool
}

// write sends what waits, until the session ends.
func (e *engine) write() {
	fence := false
	for {
		b := e.next()
		switch t := b.transport; {
		case t == nil:
			return
		case len(b.frames) > 0:
			if fence || b.alone {
				t.fence(e.ctx)
			}
			fence = b.alone
			if err := t.send(e.ctx, b.frames); err != nil {
				if t.name() == WebSocket {
					e.hearReader()
				}
				e.broke(t.name(), err)
				return
			}
		case b.last:
			t.farewell(e.ctx)
			e.fail(ForcedClose, nil)
			return
		default:
			select {
			case <-e.wake:
			case <-e.ctx.Done():
				return
			}
		}
	}
}

// readerPatience is how long a writer whose connection broke waits for the reader.
const readerPatience = 200 * time.Millisecond

// hearReader lets the reader tell first why the connection broke: it sees the close frame,
// or is the one who closed it.
func (e *engine) hearReader() {
	timer := time.NewTimer(readerPatience)
	defer timer.Stop()
	select {
	case <-e.ctx.Done():
	case <-timer.C:
	}
}

var (
	pongFrame  = frame{data: eio.AppendText(nil, eio.Pong, nil)}
	closeFrame = frame{data: eio.AppendText(nil, eio.Close, nil)}
)

// next returns what is to be sent next. Its transport is nil when the session has ended.
func (e *engine) next() (b batch) {
	t := e.turn()
	if t == nil {
		return b
	}
	c := e.client
	if e.expired() {
		e.fail(PingTimeout, nil)
		return b
	}
	b = batch{transport: t, room: t.batch()}
	var refused []*outgoing
	c.mu.Lock()
	if e.pong {
		e.pong = false
		b.add(pongFrame)
	}
	for !b.full {
		if len(e.rest) > 0 {
			if b.add(e.rest[0]) {
				e.rest = e.rest[1:]
			}
			continue
		}
		o := e.pop()
		if o == nil {
			break
		}
		if o.farewell {
			if len(b.frames) > 0 {
				e.held = o
				break
			}
			b.add(o.frames[0])
			b.alone, b.full = true, true
			continue
		}
		if size := e.sizeOf(o, t); e.maxPayload > 0 && size > e.maxPayload {
			o.tooLarge = &TooLargeError{Size: size, Limit: e.maxPayload}
			refused = append(refused, o)
			continue
		}
		if !b.fits(o.frames[0]) || e.maxPayload > 0 && o.largest(t) > e.maxPayload {
			e.held = o
			break
		}
		e.rest = o.frames
	}
	b.last = e.closing && len(b.frames) == 0 && e.held == nil
	c.mu.Unlock()
	for _, o := range refused {
		o.undelivered(o.tooLarge)
	}
	return b
}

// pop takes the next packet, with client.mu held: first what joins and leaves, then what
// the sockets have emitted, in turn.
func (e *engine) pop() *outgoing {
	if o := e.held; o != nil {
		e.held = nil
		if !o.withdrawn {
			return o
		}
	}
	if len(e.control) > 0 {
		o := e.control[0]
		e.control[0] = nil
		e.control = e.control[1:]
		return o
	}
	return e.client.popEmitted()
}

// giveBack returns to its socket's queue what was taken from there and not sent, with
// client.mu held.
func (e *engine) giveBack() {
	if o := e.held; o != nil && o.event != "" && !o.ack && o.socket.active {
		e.held = nil
		o.socket.queue.pushFront(o)
	}
}

// sizeOf is the size of a packet's largest message on t, or, while an upgrade is under way,
// on the transport that comes: polling needs a third more for what is binary. Client.mu is
// held.
func (e *engine) sizeOf(o *outgoing, t transport) int {
	if e.moving != nil {
		t = (*webSocket)(nil)
	}
	return o.largest(t)
}

// batch gathers frames to be sent together: at least one, then as many as there is room
// for.
type batch struct {
	transport transport
	frames    []frame
	room      int
	full      bool
	alone     bool // a DISCONNECT; see outgoing.farewell
	last      bool // there is nothing to send, and there never will be
}

func (b *batch) fits(f frame) bool {
	return len(b.frames) == 0 || b.transport.size(f) <= b.room
}

func (b *batch) add(f frame) bool {
	if !b.fits(f) {
		b.full = true
		return false
	}
	b.frames = append(b.frames, f)
	b.room -= b.transport.size(f) + 1 // the separator
	b.full = b.room <= 0
	return true
}
