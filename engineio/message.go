package engineio

import (
	"encoding/base64"
	"sync"
	"sync/atomic"

	"github.com/kachi-io/kachi/engineio/packet"
	"github.com/kachi-io/kachi/engineio/websocket"
)

// Room is how many bytes [NewMessage] wants free in front of the text: the WebSocket
// frame's header and the packet's type are written there, so that the text is not
// copied.
const Room = websocket.HeaderRoom + 1

// Message is one message of the layer above: a text and its binary attachments (each a
// message of its own on the wire), or a binary one alone. What belongs together is sent
// together: nothing comes between its parts. It is encoded at most once for WebSocket
// however many sessions receive it, or, with something binary, once for each form that the
// protocols have.
//
// Set the fields before the first Send. After that the Message is immutable, and any
// number of goroutines may send it.
type Message struct {
	// Volatile lets the message be dropped where there is no room for it.
	Volatile bool
	// NoCompress leaves the message out of compression. An answer to a poll that holds
	// others as well may still be compressed.
	NoCompress bool

	plain  bool     // for plain sessions
	buf    []byte   // Room, then the text; nil when there is none
	binary [][]byte // attachments
	size   int

	once  sync.Once
	frame *websocket.Frame
	v3    atomic.Pointer[[2]formV3] // with binary frames, and with base64
}

// formV3 is a message with something binary as a frame of protocol 3.
type formV3 struct {
	once  sync.Once
	frame *websocket.Frame
}

// NewMessage makes a message of the text in buf, which must be valid UTF-8 and stand
// behind [Room] reserved bytes, and of attachments that follow it. All of them belong to
// the message from now on. It panics when buf is shorter than Room.
func NewMessage(buf []byte, attachments ...[]byte) *Message {
	m := &Message{buf: buf, binary: attachments, size: wireSize(len(buf) - Room + 1)}
	buf[Room-1] = '0' + byte(packet.Message)
	for _, a := range attachments {
		m.size += wireSize(len(a))
	}
	return m
}

// TextMessage makes a message of a text, which must be valid UTF-8.
func TextMessage(text string) *Message {
	return NewMessage(append(make([]byte, Room, Room+len(text)), text...))
}

// BinaryMessage makes a message of bytes, which belong to it from now on.
func BinaryMessage(data []byte) *Message {
	return &Message{binary: [][]byte{data}, size: wireSize(len(data))}
}

// PlainMessage makes a message for plain sessions ([Server.PlainHandler]): the text in buf
// goes out as it is, then the binary ones. buf is as for [NewMessage], or nil for no text.
// It panics when it is shorter than Room, and when there is neither text nor a binary one.
func PlainMessage(buf []byte, binary ...[]byte) *Message {
	m := &Message{buf: buf, binary: binary, plain: true}
	if buf != nil {
		m.size = wireSize(len(buf[Room:]))
	} else if len(binary) == 0 {
		panic("engineio: PlainMessage of nothing")
	}
	for _, b := range binary {
		m.size += wireSize(len(b))
	}
	return m
}

// Size returns the bytes that the message counts for in a queue: those of its WebSocket
// frames, so that a backlog that fitted before an upgrade fits after it.
func (m *Message) Size() int { return m.size }

// wireSize returns the size of a server's WebSocket frame (RFC 6455, 5.2).
func wireSize(payload int) int {
	switch {
	case payload <= 125:
		return payload + 2
	case payload <= 0xffff:
		return payload + 4
	default:
		return payload + 10
	}
}

// frame returns the message as the session's WebSocket client reads it.
func (s *Session) frame(m *Message) *websocket.Frame {
	if s.protocol == 3 && m.hasBinary() {
		return m.wireV3(s.base64)
	}
	return m.wire()
}

// size returns the bytes that the message counts for in the session's queue.
func (s *Session) size(m *Message) int {
	size := m.size
	if s.protocol == 3 {
		for _, a := range m.binary {
			payload := 1 + len(a)
			if s.base64 {
				payload = 2 + base64.StdEncoding.EncodedLen(len(a))
			}
			size += wireSize(payload) - wireSize(len(a))
		}
	}
	return size
}

// messages returns how many the message is on the wire.
func (m *Message) messages() int {
	n := len(m.binary)
	if m.buf != nil {
		n++
	}
	return n
}

func (m *Message) hasBinary() bool { return len(m.binary) > 0 }

// wire returns the message as a WebSocket frame, made at first use.
func (m *Message) wire() *websocket.Frame {
	m.once.Do(func() {
		var text *websocket.Frame
		if m.buf != nil {
			buf := m.buf[:len(m.buf):len(m.buf)]
			if m.plain {
				buf = buf[1:] // there is no type
			}
			text = websocket.BuildFrame(websocket.Text, buf)
		}
		m.frame = m.build(text, func(a []byte) *websocket.Frame { return websocket.NewFrame(websocket.Binary, a) })
	})
	return m.frame
}

// wireV3 is wire for a message with something binary, in protocol 3.
func (m *Message) wireV3(inBase64 bool) *websocket.Frame {
	forms := m.v3.Load()
	if forms == nil {
		m.v3.CompareAndSwap(nil, new([2]formV3))
		forms = m.v3.Load()
	}
	form, t, encode := &forms[0], websocket.Binary, packet.AppendBinaryV3
	if inBase64 {
		form, t, encode = &forms[1], websocket.Text, packet.AppendBase64V3
	}
	form.once.Do(func() {
		var text *websocket.Frame
		if m.buf != nil {
			text = websocket.NewFrame(websocket.Text, m.buf[Room-1:]) // a copy: wire may be writing its header
		}
		form.frame = m.build(text, func(a []byte) *websocket.Frame {
			return websocket.BuildFrame(t, encode(make([]byte, websocket.HeaderRoom, websocket.HeaderRoom+2+base64.StdEncoding.EncodedLen(len(a))), a))
		})
	})
	return form.frame
}

// build makes a frame of that of the text, if there is one, and of what binary makes of the
// attachments.
func (m *Message) build(text *websocket.Frame, binary func([]byte) *websocket.Frame) *websocket.Frame {
	frames := make([]*websocket.Frame, 0, 4)
	if text != nil {
		frames = append(frames, text)
	}
	for _, a := range m.binary {
		frames = append(frames, binary(a))
	}
	frame := frames[0]
	if len(frames) > 1 {
		frame = websocket.Join(frames...)
	}
	frame.Volatile, frame.Plain, frame.Messages = m.Volatile, m.NoCompress, uint32(m.messages())
	return frame
}

// appendPayload appends the message to the payload of an answer to a poll.
func (m *Message) appendPayload(dst []byte) []byte {
	if m.buf != nil {
		if len(dst) > 0 {
			dst = append(dst, packet.Separator)
		}
		dst = append(dst, m.buf[Room-1:]...)
	}
	for _, a := range m.binary {
		dst = packet.AppendPayload(dst, packet.Packet{Type: packet.Message, Data: a, Binary: true})
	}
	return dst
}

// packets yields the parts of the message.
func (m *Message) packets(yield func(packet.Packet) bool) {
	if m.buf != nil && !yield(packet.Packet{Type: packet.Message, Data: m.buf[Room:]}) {
		return
	}
	for _, a := range m.binary {
		if !yield(packet.Packet{Type: packet.Message, Data: a, Binary: true}) {
			return
		}
	}
}
