// Package packet reads and writes the packets of the Engine.IO protocol, versions 4 and 3,
// and the payloads that HTTP long-polling carries them in. It does no I/O and starts nothing.
//
// A packet is one digit, its type, and its data. Over WebSocket each packet is a text
// frame ([AppendText], [ParseText]); a binary message is a binary frame without any
// prefix and needs no codec. Over polling the packets of one body are joined by
// [Separator] and a binary message is the letter b and its base64 ([AppendPayload],
// [ParsePayload]).
//
// What protocol 3 has in another form is in the functions whose names end in V3
// ([AppendPayloadV3], [ParsePayloadV3]).
//
// Every function may be called from any goroutine.
//
// Protocol: https://socket.io/docs/v4/engine-io-protocol/
package packet

// Type says what a packet is for. On the wire it is the digit of its value.
type Type byte

const (
	Open    Type = iota // first packet of a session, from the server
	Close               // the sender ends the session
	Ping                // heartbeat, from the server; "probe" as data while upgrading, from the client
	Pong                // the answer to a ping
	Message             // data of the layer above
	Upgrade             // the client moves to the transport it sends this on
	Noop                // releases a pending poll during an upgrade
)

var names = [...]string{"open", "close", "ping", "pong", "message", "upgrade", "noop"}

// String returns the protocol's name of t, "unknown" for a value it does not have.
func (t Type) String() string {
	if int(t) >= len(names) {
		return "unknown"
	}
	return names[t]
}

// Packet is one packet. Its zero value is an Open packet without data.
type Packet struct {
	Type Type
	Data []byte // nil or empty when there is none
	// Binary tells a message of bytes from one of text. Only a Message can be binary.
	Binary bool
}

// AppendText appends the text form of a packet to dst: the digit of t, then data, which
// must be valid UTF-8.
func AppendText(dst []byte, t Type, data []byte) []byte {
	dst = append(dst, '0'+byte(t))
	return append(dst, data...)
}

// ParseText reads one text packet: a WebSocket text frame, or one packet of a payload.
// A packet that starts with b is a binary message in base64, which clients that cannot
// send binary frames use over WebSocket too.
//
// Data aliases b, unless it was base64. The caller has checked that b is valid UTF-8;
// the WebSocket layer does. Errors are of type *[ParseError].
func ParseText(b []byte) (Packet, error) {
	if len(b) == 0 {
		return Packet{}, errEmpty
	}
	if b[0] == base64Prefix {
		data, ok := decodeBase64(b[1:])
		if !ok {
			return Packet{}, errBase64
		}
		return Packet{Type: Message, Data: data, Binary: true}, nil
	}
	t := Type(b[0] - '0') // bytes below '0' wrap around to large values
	if int(t) >= len(names) {
		return Packet{}, errType
	}
	return Packet{Type: t, Data: b[1:len(b):len(b)]}, nil
}

// ParseError says why a packet or a payload was refused. The session that sent it is to
// be closed with "parse error".
type ParseError struct {
	Reason string // one of the Reason constants
}

// The reasons of a [ParseError].
const (
	ReasonEmpty       = "empty packet"
	ReasonUnknownType = "unknown packet type"
	ReasonBase64      = "malformed base64"
	ReasonUTF8        = "invalid UTF-8"
	ReasonTooMany     = "too many packets"
	ReasonLength      = "malformed length"                    // protocol 3
	ReasonBinaryType  = "binary packet that is not a message" // protocol 3
)

func (e *ParseError) Error() string { return "engine.io packet: " + e.Reason }

// Made once: refusing what a hostile client sends allocates nothing.
var (
	errEmpty   = &ParseError{ReasonEmpty}
	errType    = &ParseError{ReasonUnknownType}
	errBase64  = &ParseError{ReasonBase64}
	errUTF8    = &ParseError{ReasonUTF8}
	errTooMany = &ParseError{ReasonTooMany}

	errLength     = &ParseError{ReasonLength}
	errBinaryType = &ParseError{ReasonBinaryType}
)
