package websocket

import (
	"encoding/binary"
	"sync"
)

// MessageType tells text from binary messages. Its values are the opcodes of RFC 6455.
type MessageType uint8

const (
	Text   MessageType = 1
	Binary MessageType = 2
)

// The first two bytes of a frame (RFC 6455 5.2).
const (
	fin      = 0x80
	rsv1     = 0x40 // a deflated message (RFC 7692 6)
	reserved = 0x70
	opMask   = 0x0F

	opContinuation = 0
	opClose        = 8
	opPing         = 9
	opPong         = 10

	masked     = 0x80
	lengthMask = 0x7F
	length16   = 126
	length64   = 127

	maxControl = 125 // bytes of a control frame's payload
	maxHeader  = 14  // bytes of a client's frame header
)

// HeaderRoom is the room in bytes that BuildFrame needs before the payload.
const HeaderRoom = 10

// Frame is one or more whole messages, encoded for the wire once and shared by all
// receivers. It is immutable, and safe for concurrent use, from the moment it is first
// sent; its fields are set before that.
type Frame struct {
	// Volatile lets the frame be dropped when a backlog is full: a new one that finds
	// no room, or one that waits when something else needs the room.
	Volatile bool

	// Plain keeps the frame from being deflated.
	Plain bool

	// Messages is how many the frame counts for in Options.Traffic: none, by default.
	Messages uint32

	wire []byte // as sent without permessage-deflate

	// The deflated form is built by the first connection that needs it, with that
	// connection's settings, and shared by all: without context takeover it is the
	// same for each of them. It is wire itself where deflating gains nothing.
	deflate  sync.Once
	deflated []byte
}

// NewFrame encodes a message. The payload is copied.
func NewFrame(t MessageType, payload []byte) *Frame {
	buf := make([]byte, HeaderRoom+len(payload))
	copy(buf[HeaderRoom:], payload)
	return BuildFrame(t, buf)
}

// BuildFrame encodes the message that follows the first HeaderRoom bytes of buf,
// without a copy. It takes buf over.
func BuildFrame(t MessageType, buf []byte) *Frame {
	n := len(buf) - HeaderRoom
	header := buf[HeaderRoom-headerLen(n):]
	putHeader(header, fin|byte(t), n)
	return &Frame{wire: header}
}

// NewPing encodes a ping (RFC 6455 5.5.2). Its payload, of 125 bytes at most, is copied,
// and comes back in the pong.
func NewPing(payload []byte) *Frame {
	payload = payload[:min(len(payload), maxControl)]
	return &Frame{Plain: true, wire: append([]byte{fin | opPing, byte(len(payload))}, payload...)}
}

// Join makes one frame of several: their messages are sent in that order with nothing
// of others between them. The result is volatile if all of them are, and plain if one
// of them is. They can still be used.
func Join(frames ...*Frame) *Frame {
	n := 0
	for _, f := range frames {
		n += len(f.wire)
	}
	j := &Frame{Volatile: len(frames) > 0, wire: make([]byte, 0, n)}
	for _, f := range frames {
		j.wire = append(j.wire, f.wire...)
		j.Volatile = j.Volatile && f.Volatile
		j.Plain = j.Plain || f.Plain
		j.Messages += f.Messages
	}
	return j
}

// Len returns the size in bytes on the wire, not deflated. That is how a frame counts
// against Options.Queue, since the deflated form is built only when it is written.
func (f *Frame) Len() int { return len(f.wire) }

// bytes returns what is sent to a connection with the given settings.
func (f *Frame) bytes(d *Deflate) []byte {
	if d == nil || f.Plain || len(f.wire) < d.threshold() {
		return f.wire
	}
	f.deflate.Do(func() { f.deflated = deflateMessages(f.wire, d) })
	return f.deflated
}

// headerLen returns the size of a server's frame header for n bytes of payload.
func headerLen(n int) int {
	switch {
	case n <= maxControl:
		return 2
	case n <= 0xFFFF:
		return 4
	default:
		return 10
	}
}

// putHeader writes the header of a frame with n bytes of payload and no mask.
func putHeader(b []byte, first byte, n int) {
	b[0] = first
	switch {
	case n <= maxControl:
		b[1] = byte(n)
	case n <= 0xFFFF:
		b[1] = length16
		binary.BigEndian.PutUint16(b[2:], uint16(n))
	default:
		b[1] = length64
		binary.BigEndian.PutUint64(b[2:], uint64(n))
	}
}

// splitFrame returns the first byte and the payload of the frame that wire begins
// with, and what follows it. The frame is one of ours: whole and without a mask.
func splitFrame(wire []byte) (first byte, payload, rest []byte) {
	first = wire[0]
	header, n := 2, int(wire[1])
	switch n {
	case length16:
		header, n = 4, int(binary.BigEndian.Uint16(wire[2:]))
	case length64:
		header, n = 10, int(binary.BigEndian.Uint64(wire[2:]))
	}
	return first, wire[header : header+n], wire[header+n:]
}
