//go:build linux

package main

import "bytes"

// room is the contract of bench/README.md, which bench/server and its peers fulfil.
type room struct{}

var (
	connectPacket = []byte("40")
	joinBytes     = []byte(joinPacket)
	chatBytes     = []byte(chatPrefix)
	messageEnd    = []byte(`"]`)
)

func (room) connect(*client) []byte { return connectPacket }

func (room) message(c *client, p []byte, length int) {
	switch p[1] {
	case '0':
		if c.phase != joining {
			break
		}
		if c.member {
			c.send(joinBytes)
			return
		}
		c.arrived()
		return
	case '1':
		c.fail("disconnect packet")
		return
	case '2':
		if !bytes.HasPrefix(p, chatBytes) {
			break
		}
		n, ok := readNumber(p[len(chatBytes):])
		if !ok || length != len(chatBytes)+c.at.size+1 || length == len(p) && !bytes.HasSuffix(p, messageEnd) {
			break
		}
		c.h.delivered(c, n)
		return
	case '3':
		id, rest, ok := readAck(p)
		if !ok {
			break
		}
		if id == 0 && c.phase == joining {
			c.arrived()
			return
		}
		n, ok := readNumber(rest)
		if !ok || id != idBase+n {
			break
		}
		c.h.acked(c, n)
		return
	case '4':
		c.fail("connect error")
		return
	}
	c.h.surprised(c, "message "+string(p[:min(len(p), 24)]))
}
