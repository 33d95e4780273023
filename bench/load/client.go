//go:build linux

package main

import (
	"golang.org/x/sys/unix"
)

// target is the server, and how to speak to it.
type target struct {
	address unix.SockaddrInet4
	host    string
	polling bool
	sources int // loopback addresses 127.0.0.2… that connections come from
	size    int // of payloads
	tongue  tongue
}

// tongue is what clients say and understand behind Engine.IO.
type tongue interface {
	connect(c *client) []byte
	// message is one Socket.IO packet, with Engine.IO's digit; p may be its beginning only.
	message(c *client, p []byte, length int)
}

// handler is a scenario's side of its clients.
type handler interface {
	ready(c *client)                 // joined, or connected when it need not join
	delivered(c *client, n uint64)   // a chat message
	acked(c *client, n uint64)       // the answer to an echo
	surprised(c *client, why string) // something that was not asked for
	ended(c *client, why string)     // the server ended it, or answered leave
}

type phase uint8

const (
	opening phase = iota // until Engine.IO's OPEN
	joining
	ready
	leaving
	gone
)

// client is one Socket.IO client.
type client struct {
	l       *loop
	at      *target
	h       handler
	index   int
	member  bool // joins the room
	carrier carrier
	dirty   bool
	phase   phase
	began   int64         // when it was dialled
	joined  bool          // was ready
	left    bool          // was told to leave
	eager   func(s *sock) // called whenever the kernel has room

	deliveries sequence
	acks       sequence
	sent       uint64
	sentAt     []int64 // of the echoes in flight, by their number
}

// carrier takes packets to and from the server.
type carrier interface {
	send(packet []byte) // copied; goes out at the next flush
	flush()
	deafen() // nothing is read any more
	listen() // and now it is
	leave()  // the transport's polite end
	abort()  // the impolite one
	socks() []*sock
}

// dial begins to open a client.
func (l *loop) dialClient(at *target, h handler, index int, member bool, receiveBuffer int) (*client, error) {
	c := &client{l: l, at: at, h: h, index: index, member: member, began: l.clock()}
	var err error
	if at.polling {
		c.carrier, err = newPoller(c)
	} else {
		c.carrier, err = newFramed(c, receiveBuffer)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// rude marks an attacker: the others go first.
func (c *client) rude() {
	for _, s := range c.carrier.socks() {
		s.rude = true
	}
}

func (t *target) source(index int) [4]byte {
	if t.sources == 0 {
		return [4]byte{}
	}
	return [4]byte{127, 0, 0, byte(2 + index%t.sources)}
}

func (c *client) send(packet []byte) {
	if c.phase == gone {
		return
	}
	c.carrier.send(packet)
	if !c.dirty {
		c.dirty = true
		c.l.dirty = append(c.l.dirty, c)
	}
}

func (c *client) flush() {
	if c.phase != gone {
		c.carrier.flush()
	}
}

// abort ends the client without a word to the server or the handler.
func (c *client) abort() {
	if c.phase != gone {
		c.phase = gone
		c.carrier.abort()
	}
}

// leave says goodbye; ended is called when the server has answered.
func (c *client) leave() {
	c.send([]byte(leavePacket))
	c.flush()
	c.phase, c.left = leaving, true
	c.carrier.leave()
}

func (c *client) fail(why string) {
	if c.phase == gone {
		return
	}
	c.phase = gone
	c.carrier.abort()
	c.h.ended(c, why)
}

var (
	pongPacket = []byte("3")
)

// packet is one Engine.IO packet, length its whole length: p may be its beginning only.
func (c *client) packet(p []byte, length int) {
	if len(p) == 0 {
		c.h.surprised(c, "an empty packet")
		return
	}
	switch p[0] {
	case '0':
		if c.phase == opening {
			c.phase = joining
			c.send(c.at.tongue.connect(c))
			return
		}
	case '2':
		c.send(pongPacket)
		return
	case '6':
		return
	case '1':
		c.fail("close packet")
		return
	case '4':
		if len(p) > 1 {
			c.at.tongue.message(c, p, length)
			return
		}
	}
	c.h.surprised(c, "packet of type "+string(p[:1]))
}

func (c *client) arrived() {
	c.phase = ready
	c.joined = true
	c.h.ready(c)
}
