//go:build linux

package main

import "bytes"

// websocket carries packets as text frames.
type websocket struct {
	c        *client
	s        *sock
	upgraded bool
	out      []byte
}

func newWebsocket(c *client, receiveBuffer int) (*websocket, error) {
	w := &websocket{c: c}
	var err error
	w.s, err = c.l.dial(w, &c.at.address, c.at.source(c.index), receiveBuffer)
	return w, err
}

func (w *websocket) connected(s *sock) {
	s.write([]byte("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: " + w.c.at.host +
		"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"))
}

var (
	headEnd   = []byte("\r\n\r\n")
	switching = []byte("HTTP/1.1 101")
)

func (w *websocket) read(_ *sock, p []byte) (used int) {
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

func (w *websocket) frame(f frame) {
	switch f.opcode {
	case opText:
		length := len(f.payload)
		if length >= largeFrame {
			length = f.size - 10 // the header that belongs to this size
		}
		w.c.packet(f.payload, length)
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

func (w *websocket) send(packet []byte) { w.out = appendFrame(w.out, opText, packet) }

func (w *websocket) flush() {
	if len(w.out) > 0 {
		w.s.write(w.out)
		w.out = w.out[:0]
	}
}

func (w *websocket) leave() { w.s.write(appendFrame(nil, opClose, []byte{1000 >> 8, 1000 & 0xff})) }

func (w *websocket) deafen() { w.s.deaf = true; w.s.watch() }
func (w *websocket) listen() { w.s.deaf = false; w.s.watch() }
func (w *websocket) abort()  { w.s.abort() }

func (w *websocket) socks() []*sock { return []*sock{w.s} }

func (w *websocket) writable(s *sock) {
	if w.c.eager != nil {
		w.c.eager(s)
	}
}

func (w *websocket) ended(_ *sock, why string) { w.c.fail(why) }
