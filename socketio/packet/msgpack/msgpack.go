// Package msgpack is the form of packets of socket.io-msgpack-parser, which its clients
// choose with the option parser: each packet is one binary message, a MessagePack map of
//
//	type  0 to 4, binary events and acks being ordinary ones
//	nsp   the namespace
//	data  the payload; not there, or undefined, where there is none
//	id    the acknowledgement id; likewise
//
// in any order, where other keys are passed over. Bytes stand where they belong.
//
// Inside Kachi a packet stays raw JSON and attachments. What is read becomes JSON as
// JSON.stringify makes it of what the parser would have decoded: undefined is dropped in
// maps and null in arrays, NaN and infinities are null, and a date, in the form of
// notepack.io 2 or as MessagePack's timestamp, is a string like
// "2006-01-02T15:04:05.000Z", one out of JavaScript's range null. Besides:
//   - Bytes, and extension 0 (an ArrayBuffer), become placeholders and attachments, which
//     alias the message. An object that looks like a placeholder, in a packet with
//     attachments, is refused as illegal attachments: it would be taken for one.
//   - Integers keep all their digits, also beyond 2^53. A map's keys are strings, or
//     integers, whose digits are then the key; other keys are refused. Of equal keys each
//     is kept; readers of JSON take the last. In the packet's own map they are refused.
//   - Strings that are not UTF-8 and other extensions are refused.
//
// What is written is of the smallest form: a number that is an integer, in whatever way
// JSON spells it, as one if it fits 64 bits, any other, and -0, as float64, 1e999
// as infinity. Half a surrogate pair becomes the replacement character. An attachment
// that no placeholder stands for is left out.
//
// The parser refuses events, acknowledgements and connection errors without data, unlike
// the one of the JSON form. So does this package, in both directions.
//
// Source: https://github.com/socketio/socket.io-msgpack-parser, version 3.0.2, with
// notepack.io 2.2. MessagePack: https://github.com/msgpack/msgpack/blob/master/spec.md
package msgpack

import "github.com/kachi-io/kachi/socketio/packet"

// Encoding is the form of socket.io-msgpack-parser. A packet that it cannot hold is one
// that the parser would refuse, whose JSON is malformed, or that uses an attachment twice.
//
// Its readers refuse what a [packet.Decoder] refuses, and attachments outside of events
// and acknowledgements. They need one message for each packet, and never wait.
var Encoding packet.Encoding = encoding{}

type encoding struct{}

func (encoding) Name() string { return "msgpack" }

func (encoding) Append(_ []byte, p *packet.Packet) (text []byte, binary [][]byte, err error) {
	message, err := appendPacket(p)
	if err != nil {
		return nil, nil, err
	}
	return nil, [][]byte{message}, nil
}

func (encoding) NewReader(l packet.Limits) packet.Reader { return &reader{limits: l} }
