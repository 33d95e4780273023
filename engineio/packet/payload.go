package packet

import (
	"bytes"
	"encoding/base64"
	"iter"
	"unicode/utf8"
)

// Separator stands between the packets of a polling payload (ASCII record separator).
const Separator = 0x1e

const base64Prefix = 'b'

// AppendPayload appends packets to a polling payload. A dst that is not empty is taken
// for a payload begun before, so that one can be built packet by packet.
func AppendPayload(dst []byte, packets ...Packet) []byte {
	for _, p := range packets {
		if len(dst) > 0 {
			dst = append(dst, Separator)
		}
		if p.Binary {
			dst = AppendBase64(dst, p.Data)
		} else {
			dst = AppendText(dst, p.Type, p.Data)
		}
	}
	return dst
}

// AppendBase64 appends a binary message as text: the letter b and its base64. It is the
// form of polling payloads, and of WebSocket for clients that asked for it (b64=1).
func AppendBase64(dst, data []byte) []byte {
	dst = append(dst, base64Prefix)
	return base64.StdEncoding.AppendEncode(dst, data)
}

// PayloadSize returns the bytes that p takes in a payload, a separator not counted.
func PayloadSize(p Packet) int {
	if p.Binary {
		return 1 + base64.StdEncoding.EncodedLen(len(p.Data))
	}
	return 1 + len(p.Data)
}

// ParsePayload yields the packets of a polling payload in order and stops after the first
// error, which is of type *[ParseError]; packets before it have been yielded. More than
// maxPackets packets are an error; 0 or less sets no limit.
//
// Data aliases body, except that of binary messages, which is decoded from base64. Text
// that is not valid UTF-8 is refused: it could not be passed on to a WebSocket client.
func ParsePayload(body []byte, maxPackets int) iter.Seq2[Packet, error] {
	return func(yield func(Packet, error) bool) {
		for n, more := 0, true; more; n++ {
			if n == maxPackets && maxPackets > 0 {
				yield(Packet{}, errTooMany)
				return
			}
			part := body
			end := bytes.IndexByte(body, Separator)
			if more = end >= 0; more {
				part, body = body[:end], body[end+1:]
			}
			p, err := ParseText(part)
			if err == nil && !p.Binary && !utf8.Valid(p.Data) {
				p, err = Packet{}, errUTF8
			}
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// decodeBase64 accepts the standard and the URL alphabet, padded or not: so does the
// reference implementation, and clients exist for each.
func decodeBase64(text []byte) ([]byte, bool) {
	text = bytes.TrimRight(text, "=")
	encoding := base64.RawStdEncoding
	if bytes.ContainsAny(text, "-_") {
		encoding = base64.RawURLEncoding
	}
	data := make([]byte, encoding.DecodedLen(len(text)))
	n, err := encoding.Decode(data, text)
	return data[:n], err == nil
}
