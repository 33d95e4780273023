package websocket

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"
)

// reader is the input of a connection. Nothing is held while nothing comes: a plain
// socket is read into a pooled buffer that is taken only when there is something to
// read, and that lies empty again before the next wait; any other connection into
// small, and into a pooled buffer once a frame has begun.
type reader struct {
	in     []byte              // read and not yet used
	inbuf  *[readLen]byte      // where it lies, if that is pooled
	small  [maxHeader + 2]byte // where an incomplete header lies
	failed error               // what Read returned at last

	readable func(fd uintptr) bool // c.onReadable
	direct   []byte                // where it reads to, if not to inbuf
	got      int                   // what it read
	inputErr error
	glance   bool  // it does not wait
	early    error // what a glance has seen of the end

	awaiting
}

// errNothing is what a glance finds where there is neither input nor an end.
var errNothing = errors.New("websocket: nothing to read yet")

// readLen is the size of the pooled buffers in bytes.
const readLen = 8 << 10

var readBuffers = sync.Pool{New: func() any { return new([readLen]byte) }}

// frameHeader is a client's (RFC 6455 5.2).
type frameHeader struct {
	first  byte
	length int64
	key    uint32 // little-endian
}

func (h frameHeader) op() byte      { return h.first & opMask }
func (h frameHeader) fin() bool     { return h.first&fin != 0 }
func (h frameHeader) control() bool { return h.first&opClose != 0 }

// readHeader reads and checks what can be checked without knowing the frames before.
// A length that would fit into fewer bytes is accepted, although RFC 6455 5.2 forbids
// to send it: no two receivers can understand it differently.
func (c *Conn) readHeader() (frameHeader, error) {
	var h frameHeader
	if err := c.need(2); err != nil {
		return h, err
	}
	h.first = c.in[0]
	second := c.in[1]
	switch {
	case h.first&(reserved&^rsv1) != 0, h.first&rsv1 != 0 && (c.deflate == nil || h.control()):
		return h, violation("reserved bit set")
	case h.op() > byte(Binary) && h.op() < opClose || h.op() > opPong:
		return h, violation("reserved opcode")
	case second&masked == 0:
		return h, violation("frame without a mask")
	case h.control() && !h.fin():
		return h, violation("fragmented control frame")
	case h.control() && second&lengthMask > maxControl:
		return h, violation("control frame of more than 125 bytes")
	}
	size := 2
	switch n := second & lengthMask; n {
	case length16:
		size = 4
	case length64:
		size = 10
	default:
		h.length = int64(n)
	}
	if err := c.need(size + 4); err != nil {
		return h, err
	}
	switch size {
	case 4:
		h.length = int64(binary.BigEndian.Uint16(c.in[2:]))
	case 10:
		h.length = int64(binary.BigEndian.Uint64(c.in[2:]))
		if h.length < 0 {
			return h, violation("frame of more than 2^63 bytes")
		}
	}
	h.key = binary.LittleEndian.Uint32(c.in[size:])
	c.consume(size + 4)
	return h, nil
}

// need reads until n bytes are there, which is a header at most.
func (c *Conn) need(n int) error {
	for len(c.in) < n {
		begun := len(c.in) > 0
		if err := c.fill(false); err != nil {
			if begun {
				err = unexpected(err)
			}
			return err
		}
	}
	return nil
}

// consume forgets the first n bytes of the input.
func (c *Conn) consume(n int) {
	c.in = c.in[n:]
	if len(c.in) == 0 {
		c.in = nil
		if c.inbuf != nil {
			readBuffers.Put(c.inbuf)
			c.inbuf = nil
		}
	}
}

// fill waits for input and adds it to what is there, which is an incomplete header at
// most. expected tells that more is sure to come soon.
func (c *Conn) fill(expected bool) error {
	had := copy(c.small[:], c.in)
	c.consume(len(c.in))
	c.in = c.small[:had]
	if c.raw != nil {
		if c.early != nil {
			return c.early
		}
		return c.readRaw(nil)
	}
	b := c.small[:]
	if expected {
		c.inbuf = readBuffers.Get().(*[readLen]byte)
		b = c.inbuf[:]
		copy(b, c.small[:had])
	}
	n, err := c.nc.Read(b[had:])
	c.traffic.Received.Add(c.flusher.number, 0, n)
	c.in = b[:had+n]
	if n > 0 {
		err = nil // it comes again
	}
	return err
}

// readInto reads directly into dst.
func (c *Conn) readInto(dst []byte) (int, error) {
	if c.raw == nil {
		n, err := c.nc.Read(dst)
		c.traffic.Received.Add(c.flusher.number, 0, n)
		if n > 0 {
			err = nil
		}
		return n, err
	}
	err := c.readRaw(dst)
	return c.got, err
}

// readRaw waits until the socket can be read, and reads into dst or, if that is nil,
// into a pooled buffer behind what is in small.
func (c *Conn) readRaw(dst []byte) error {
	c.direct, c.got, c.inputErr = dst, 0, nil
	err := c.raw.Read(c.readable)
	c.traffic.Received.Add(c.flusher.number, 0, c.got)
	c.direct = nil
	if err == nil {
		err = c.inputErr
	}
	if err == nil && c.got == 0 {
		err = io.EOF
	}
	return err
}

func (c *Conn) onReadable(fd uintptr) bool {
	if c.direct != nil {
		var again bool
		c.got, again, c.inputErr = rawRead(fd, c.direct)
		c.drained = c.got < len(c.direct)
		return !again
	}
	buf := readBuffers.Get().(*[readLen]byte)
	had := len(c.in)
	n, again, err := rawRead(fd, buf[had:])
	c.drained = n < len(buf)-had
	if n <= 0 {
		readBuffers.Put(buf)
		c.got, c.inputErr = 0, err
		if again && c.glance {
			c.inputErr = errNothing
			return true
		}
		return !again
	}
	copy(buf[:], c.in)
	c.got, c.inbuf, c.in = n, buf, buf[:had+n]
	return true
}
