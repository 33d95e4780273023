package websocket

import (
	"encoding/binary"
	"io"
	"unicode/utf8"
)

// firstLen is how many bytes are allocated at most on the word of a header. More come as
// the payload does, so that connections cannot claim memory with nothing but headers.
const firstLen = 16 << 10

// Read returns the next message. The slice is the caller's to keep.
//
// Pings are answered meanwhile, but not by the reading goroutine, which never waits
// for a write. At the end it returns
//   - *CloseError when the peer has sent a close frame, which is answered,
//   - *ProtocolError for a fault of the peer, and *TooBigError for a message over
//     MaxMessage (matched by ErrMessageTooBig): a close frame is sent and the
//     connection is closed,
//   - io.EOF when the peer hung up without a close frame, io.ErrUnexpectedEOF when it
//     did in the middle of a message,
//   - ErrWriteTimeout, ErrCloseTimeout, ErrClosed after CloseNow, or what the network
//     reported.
//
// After an error it returns the same one again. Where a [Listener] reads the connection,
// it also returns, with the type 0, after a ping or a pong between messages.
func (c *Conn) Read() (MessageType, []byte, error) {
	if c.failed != nil {
		return 0, nil, c.failed
	}
	t, data, err := c.readMessage()
	if err != nil {
		c.consume(len(c.in))
		c.failed = err
		c.failed = c.hangUp(err)
		return 0, nil, c.failed
	}
	return t, data, nil
}

// HasMessage reports whether Read will return a message without waiting, because a whole
// one has been read already, in one frame. It is for the reading goroutine.
func (c *Conn) HasMessage() bool {
	if len(c.in) < 2 || c.in[0]&fin == 0 || c.in[0]&opMask == opContinuation || c.in[0]&opMask >= opClose {
		return false
	}
	size, length := 2, int(c.in[1]&lengthMask)
	switch length {
	case length16:
		if len(c.in) < 4 {
			return false
		}
		size, length = 4, int(binary.BigEndian.Uint16(c.in[2:]))
	case length64:
		return false // does not fit into the buffer
	}
	return len(c.in) >= size+4+length
}

// message is what has been read of one.
type message struct {
	op       byte // 0: not begun
	deflated bool
	data     []byte
	checked  int // bytes of data known to be whole UTF-8 characters
}

func (m *message) text() bool { return MessageType(m.op) == Text }

func (c *Conn) readMessage() (MessageType, []byte, error) {
	var m message
	for {
		h, err := c.readHeader()
		switch {
		case err != nil:
		case h.control():
			err = c.readControl(h)
		default:
			if err = c.begin(&m, h); err == nil {
				err = c.readPayload(&m, h)
			}
		}
		if err == io.EOF && m.op != 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return 0, nil, err
		}
		if h.fin() && !h.control() {
			return c.end(&m)
		}
		if l, ok := c.next.(Listener); ok {
			l.Heard()
			if m.op == 0 {
				return 0, nil, nil
			}
		}
	}
}

// begin checks a frame against the message that it belongs to.
func (c *Conn) begin(m *message, h frameHeader) error {
	continued := h.op() == opContinuation
	switch {
	case continued && m.op == 0:
		return violation("continuation of nothing")
	case continued && h.first&rsv1 != 0:
		return violation("compression bit in a continuation")
	case !continued && m.op != 0:
		return violation("message inside a fragmented message")
	case !continued:
		m.op, m.deflated = h.op(), h.first&rsv1 != 0
	}
	limit := c.maxMessage
	if m.deflated {
		limit += limit>>8 + 64 // what does not shrink grows a little
	}
	if h.length > int64(limit-len(m.data)) {
		return &TooBigError{Size: int64(len(m.data)) + h.length, Limit: c.maxMessage}
	}
	return nil
}

// readPayload adds the payload of a frame to its message.
func (c *Conn) readPayload(m *message, h frameHeader) error {
	left, key := int(h.length), h.key
	spare := 0 // room behind the end
	if m.deflated {
		spare = len(readTail)
	}
	fragmented := !h.fin() || h.op() == opContinuation
	for left > 0 {
		room := cap(m.data) - len(m.data) - spare
		if room <= 0 {
			m.data = grow(m.data, left+spare, fragmented)
			room = cap(m.data) - len(m.data) - spare
		}
		had := len(m.data)
		dst := m.data[had : had+min(left, room)]
		var src []byte
		switch {
		case len(c.in) > 0:
			src = c.in[:min(len(c.in), len(dst))]
		case len(dst) >= readLen:
			n, err := c.readInto(dst)
			if err != nil {
				return unexpected(err)
			}
			src = dst[:n]
			if n >= large && c.raw != nil {
				LookAround()
			}
		default:
			if err := c.fill(true); err != nil {
				return unexpected(err)
			}
			continue
		}
		key = unmask(dst, src, key)
		m.data = m.data[:had+len(src)]
		left -= len(src)
		if len(c.in) > 0 {
			c.consume(len(src))
		}
		if m.text() && !m.deflated && (left > 0 || !h.fin()) {
			n, ok := validPrefix(m.data[m.checked:])
			if !ok {
				return badPayload("text is not UTF-8")
			}
			m.checked += n
		}
	}
	return nil
}

// end returns the message after its last frame.
func (c *Conn) end(m *message) (MessageType, []byte, error) {
	if m.deflated {
		var err error
		if m.data, err = inflate(m.data, c.maxMessage); err != nil {
			return 0, nil, err
		}
	}
	if m.data == nil {
		m.data = []byte{}
	}
	if m.text() && !utf8.Valid(m.data[m.checked:]) {
		return 0, nil, badPayload("text is not UTF-8")
	}
	return MessageType(m.op), m.data, nil
}

// grow returns data with room for some of the n bytes that are announced: all of them
// if they are few, else as much again as has come. Fragments may be many and small, so
// they double the room in any case.
func grow(data []byte, n int, fragmented bool) []byte {
	size := min(len(data)+n, max(2*cap(data), firstLen))
	if fragmented && cap(data) > 0 {
		size = max(size, 2*cap(data))
	}
	return append(make([]byte, 0, size), data...)
}

// readControl reads a control frame and does what it asks for. A close frame ends
// reading: it is returned as an error.
func (c *Conn) readControl(h frameHeader) error {
	const header = 2
	frame := make([]byte, header+h.length) // as it goes back in the case of a ping
	payload := frame[header:]
	for n, key := 0, h.key; n < len(payload); {
		if len(c.in) == 0 {
			if err := c.fill(true); err != nil {
				return unexpected(err)
			}
		}
		src := c.in[:min(len(c.in), len(payload)-n)]
		key = unmask(payload[n:], src, key)
		n += len(src)
		c.consume(len(src))
	}
	switch h.op() {
	case opPing:
		frame[0], frame[1] = fin|opPong, byte(h.length)
		c.pong(frame)
	case opClose:
		closed, err := parseClose(payload)
		if err != nil {
			return err
		}
		return closed
	}
	return nil
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
