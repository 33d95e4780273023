// Package packet reads and writes the packets of the Socket.IO protocol, version 5, in
// its default encoding: text with JSON, and one binary message for each attachment. It
// does no I/O and starts nothing.
//
// Out: [EncodeEvent] and [EncodeAck] turn Go values into the JSON array of a packet and
// take []byte values out of it as attachments, as Node does with a Buffer; [Append]
// writes the text of the packet.
//
// In: a [Decoder] turns messages into packets. It checks everything that does not depend
// on the receiver's types: form, limits, well-formed JSON of the right kind, reserved
// names, placeholders. [ParseEvent] and [ParseAck] split the array without decoding it;
// [Args.Decode] decodes it once the receiver's types are known.
//
// Protocol: https://socket.io/docs/v4/socket-io-protocol/
package packet

import "strconv"

// Type says what a packet is for. On the wire it is the digit of its value.
type Type byte

const (
	Connect      Type = iota // joins a namespace, or tells that it was joined
	Disconnect               // leaves a namespace, or tells that the socket was put out
	Event                    // an event: array of its name and arguments
	Ack                      // the answer to an event: array of values
	ConnectError             // a namespace could not be joined
	BinaryEvent              // an Event with attachments, on the wire only
	BinaryAck                // an Ack with attachments, on the wire only
)

var typeNames = [...]string{"connect", "disconnect", "event", "ack", "connect_error", "binary_event", "binary_ack"}

// String returns the protocol's name of t, "unknown" for a value it does not have.
func (t Type) String() string {
	if int(t) >= len(typeNames) {
		return "unknown"
	}
	return typeNames[t]
}

// NoID is the [Packet.ID] of a packet that has none. Zero is an id like any other.
const NoID = -1

// Packet is one packet with its attachments. It is plain data: whoever holds it may read
// it from any goroutine as long as nobody writes.
type Packet struct {
	// Type is Event or Ack after decoding, also when the packet came as BinaryEvent or
	// BinaryAck.
	Type Type
	// Namespace is "/" by default; empty means the same when encoding. It starts with a
	// slash and holds no comma.
	Namespace string
	// ID is the acknowledgement id, 0 to 2^53-1, [NoID] when there is none.
	ID int64
	// Data is the raw JSON payload: an array for events and acks, an object for Connect,
	// an object or a string for ConnectError; nil when absent.
	Data []byte
	// Attachments are what the placeholders in Data stand for, in the order of their
	// numbers.
	Attachments [][]byte
}

// Append appends the text part of p to dst. An Event or Ack with attachments becomes a
// BinaryEvent or BinaryAck; the attachments themselves follow as binary messages, which
// is the caller's to do.
func Append(dst []byte, p *Packet) []byte {
	t := p.Type
	if len(p.Attachments) > 0 {
		switch t {
		case Event:
			t = BinaryEvent
		case Ack:
			t = BinaryAck
		}
	}
	dst = append(dst, '0'+byte(t))
	if t == BinaryEvent || t == BinaryAck {
		dst = strconv.AppendInt(dst, int64(len(p.Attachments)), 10)
		dst = append(dst, '-')
	}
	if p.Namespace != "" && p.Namespace != "/" {
		dst = append(dst, p.Namespace...)
		dst = append(dst, ',')
	}
	if p.ID >= 0 {
		dst = strconv.AppendInt(dst, p.ID, 10)
	}
	return append(dst, p.Data...)
}

// IsReserved tells whether event is a name with a meaning of its own on some client, so
// that nobody may emit it. A [Decoder] refuses it.
func IsReserved(event string) bool {
	switch event {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	}
	return false
}

// longestReserved is the length of the longest reserved name ("removeListener").
const longestReserved = 14
