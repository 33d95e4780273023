package websocket

import "unsafe"

// ConnSize is what each connection costs.
const ConnSize = unsafe.Sizeof(Conn{})

// WireBytes returns the size of a frame as it is sent with permessage-deflate.
func WireBytes(f *Frame, d *Deflate) int { return len(f.bytes(d)) }

var (
	Inflate     = inflate
	Unmask      = unmask
	ValidPrefix = validPrefix
)

// PendingPongs returns how many pongs wait to be written.
func PendingPongs(c *Conn) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int(c.npongs)
}

// NewestPong returns the payload of the last of them.
func NewestPong(c *Conn) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var payload []byte
	for rest := c.pongs; len(rest) > 0; {
		_, payload, rest = splitFrame(rest)
	}
	return string(payload)
}

// Dead reports whether the socket is closed.
func Dead(c *Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead
}

// Flying returns how many messages are being written.
func Flying(c *Conn) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.flyingMessages
}
