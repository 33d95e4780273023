//go:build linux

package main

import "bytes"

// framed carries packets as text frames.
type framed struct {
	c        *client
	s        *sock
	upgraded bool
	out      []byte
}

func newFramed(c *client, receiveBuffer int) (*framed, error) {
	w := &framed{c: c}
	var err error
	w.s, err = c.l.dial(w, &c.at.address, c.at.source(c.index), receiveBuffer)
	return w, err
}

func (w *framed) connected(s *sock) {
	s.write([]byte("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: " + w.c.at.host +
		"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"))
}

var (
	headEnd   = []byte("\r\n\r\n")
	switching = []byte("HTTP/1.1 101")
)

func (w *framed) read(_ *sock, p []byte) (used int) {
	if !w.upgraded {
		end := bytes.Index(p, headEnd)
		if end < 0 {
			return 0
		}
		if !bytes.HasPrefix(p, switching) {
			w.c.fail("handshake: " + string(p[:bytes.IndexByte(p, '\r')]))
			return 0
		}
		w.upgraded = true
		used = end + len(headEnd)
	}
	for {
		f, state := parseFrame(p[used:])
		switch state {
		case partial:
			return used
		case broken:
			w.c.fail("a frame that was not asked for")
			return used
		case large:
			w.frame(f)
			w.s.skip = f.size - (len(p) - used)
			return len(p)
		}
		used += f.size
		w.frame(f)
		if w.s.ended {
			return used
		}
	}
}

func (w *framed) frame(f frame) {
	switch f.opcode {
	case opText:
		w.c.packet(f.payload, f.length)
	case opPing:
		w.out = appendFrame(w.out, opPong, f.payload)
		w.flush()
	case opPong:
	case opClose:
		w.c.fail("close frame")
	default:
		w.c.h.surprised(w.c, "a binary or fragmented frame")
	}
}

func (w *framed) send(packet []byte) { w.out = appendFrame(w.out, opText, packet) }

func (w *framed) flush() {
	if len(w.out) > 0 {
		w.s.write(w.out)
		w.out = w.out[:0]
	}
}

func (w *framed) leave() { w.s.write(appendFrame(nil, opClose, []byte{1000 >> 8, 1000 & 0xff})) }

func (w *framed) deafen() { w.s.deaf = true; w.s.watch() }
func (w *framed) listen() { w.s.deaf = false; w.s.watch() }
func (w *framed) abort()  { w.s.abort() }

func (w *framed) socks() []*sock { return []*sock{w.s} }

func (w *framed) writable(s *sock) {
	if w.c.eager != nil {
		w.c.eager(s)
	}
}

func (w *framed) ended(_ *sock, why string) { w.c.fail(why) }
