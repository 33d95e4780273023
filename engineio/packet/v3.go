package packet

import (
	"encoding/base64"
	"iter"
	"strconv"
	"unicode/utf8"
)

// Protocol 3, of Socket.IO 2, has the packets of protocol 4 and other forms of what is
// binary, and of payloads:
//
//   - A binary message is a binary frame whose first byte is its type (not the digit), or,
//     for clients that asked for it (b64), the letter b, the type's digit and base64.
//   - A text payload is a row of <length>:<packet>, the length in units of UTF-16.
//   - A binary payload, for whoever can have one with a binary message in it, is a row of
//     <0: text, 1: binary><the length's digits, as bytes 0 to 9><0xFF><packet>, the length
//     in bytes.
//
// Protocol: https://github.com/socketio/engine.io-protocol/tree/v3

const (
	kindText   = 0
	kindBinary = 1
	lengthEnd  = 0xff
	maxDigits  = 9 // of a length
)

// AppendPayloadV3 appends packets to a text payload of protocol 3. Binary messages are in
// base64.
func AppendPayloadV3(dst []byte, packets ...Packet) []byte {
	for _, p := range packets {
		if p.Binary {
			dst = strconv.AppendInt(dst, int64(2+base64.StdEncoding.EncodedLen(len(p.Data))), 10)
			dst = AppendBase64V3(append(dst, ':'), p.Data)
		} else {
			dst = strconv.AppendInt(dst, int64(1+utf16Len(p.Data)), 10)
			dst = AppendText(append(dst, ':'), p.Type, p.Data)
		}
	}
	return dst
}

// AppendBinaryPayloadV3 appends packets to a binary payload of protocol 3.
func AppendBinaryPayloadV3(dst []byte, packets ...Packet) []byte {
	for _, p := range packets {
		if p.Binary {
			dst = appendBinaryHeader(dst, kindBinary, 1+len(p.Data))
			dst = AppendBinaryV3(dst, p.Data)
		} else {
			dst = appendBinaryHeader(dst, kindText, 1+len(p.Data))
			dst = AppendText(dst, p.Type, p.Data)
		}
	}
	return dst
}

func appendBinaryHeader(dst []byte, kind byte, length int) []byte {
	dst = append(dst, kind)
	begin := len(dst)
	dst = strconv.AppendInt(dst, int64(length), 10)
	for i := begin; i < len(dst); i++ {
		dst[i] -= '0'
	}
	return append(dst, lengthEnd)
}

// AppendBinaryV3 appends a binary message as protocol 3 has it in a binary frame.
func AppendBinaryV3(dst, data []byte) []byte {
	return append(append(dst, byte(Message)), data...)
}

// AppendBase64V3 appends a binary message as text.
func AppendBase64V3(dst, data []byte) []byte {
	dst = append(dst, base64Prefix, '0'+byte(Message))
	return base64.StdEncoding.AppendEncode(dst, data)
}

// ParseTextV3 is [ParseText] for protocol 3.
func ParseTextV3(b []byte) (Packet, error) {
	if len(b) == 0 || b[0] != base64Prefix {
		return ParseText(b)
	}
	if len(b) == 1 || b[1] != '0'+byte(Message) {
		return Packet{}, errBinaryType
	}
	data, ok := decodeBase64(b[2:])
	if !ok {
		return Packet{}, errBase64
	}
	return Packet{Type: Message, Data: data, Binary: true}, nil
}

// ParseBinaryV3 reads a packet of a binary frame or of a binary payload. Data aliases b.
// Errors are of type *[ParseError].
func ParseBinaryV3(b []byte) (Packet, error) {
	switch {
	case len(b) == 0:
		return Packet{}, errEmpty
	case b[0] != byte(Message):
		return Packet{}, errBinaryType
	}
	return Packet{Type: Message, Data: b[1:len(b):len(b)], Binary: true}, nil
}

// ParsePayloadV3 is [ParsePayload] for the text payloads of protocol 3. Packets of length
// 0, which stand for "none", are left out.
func ParsePayloadV3(body []byte, maxPackets int) iter.Seq2[Packet, error] {
	if len(body) == 0 {
		return failed(errEmpty)
	}
	return parts(body, maxPackets, func(body []byte) (part, rest []byte, binary bool, err error) {
		length, size := textLength(body)
		if size == 0 {
			return nil, nil, false, errLength
		}
		body = body[size:]
		end, err := utf16End(body, length)
		if err != nil {
			return nil, nil, false, err
		}
		return body[:end:end], body[end:], false, nil
	})
}

// ParseBinaryPayloadV3 is [ParsePayload] for the binary payloads of protocol 3. Data
// aliases body in binary messages, too. An empty body holds no packet.
func ParseBinaryPayloadV3(body []byte, maxPackets int) iter.Seq2[Packet, error] {
	return parts(body, maxPackets, func(body []byte) (part, rest []byte, binary bool, err error) {
		length, size := binaryLength(body)
		if size == 0 || length > len(body)-size {
			return nil, nil, false, errLength
		}
		binary = body[0] == kindBinary
		end := size + length
		part = body[size:end:end]
		switch {
		case length == 0:
			err = errEmpty
		case !binary && !utf8.Valid(part):
			err = errUTF8
		}
		return part, body[end:], binary, err
	})
}

// parts yields the packets of a payload, which next takes apart.
func parts(body []byte, maxPackets int, next func([]byte) (part, rest []byte, binary bool, err error)) iter.Seq2[Packet, error] {
	return func(yield func(Packet, error) bool) {
		body := body
		for n := 0; len(body) > 0; {
			part, rest, binary, err := next(body)
			if err == nil && len(part) == 0 {
				body = rest
				continue
			}
			if err == nil && n == maxPackets && maxPackets > 0 {
				err = errTooMany
			}
			var p Packet
			switch {
			case err != nil:
			case binary:
				p, err = ParseBinaryV3(part)
			default:
				p, err = ParseTextV3(part)
			}
			if !yield(p, err) || err != nil {
				return
			}
			body = rest
			n++
		}
	}
}

func failed(err error) iter.Seq2[Packet, error] {
	return func(yield func(Packet, error) bool) { yield(Packet{}, err) }
}

// textLength reads "<length>:". size is 0 where there is none.
func textLength(b []byte) (length, size int) {
	for i, c := range b[:min(len(b), maxDigits+1)] {
		switch {
		case c == ':' && i > 0:
			return length, i + 1
		case c < '0' || c > '9':
			return 0, 0
		}
		length = 10*length + int(c-'0')
	}
	return 0, 0
}

// binaryLength reads the kind and the length of a packet in a binary payload. size is 0
// where they are malformed.
func binaryLength(b []byte) (length, size int) {
	if b[0] > kindBinary {
		return 0, 0
	}
	for i, c := range b[1:min(len(b), maxDigits+2)] {
		switch {
		case c == lengthEnd && i > 0:
			return length, i + 2
		case c > 9:
			return 0, 0
		}
		length = 10*length + int(c)
	}
	return 0, 0
}

// utf16Len returns the length of a text in units of UTF-16, as JavaScript counts it.
func utf16Len(text []byte) int {
	n := 0
	for _, c := range text {
		if c < 0x80 || c >= 0xc0 { // the first byte of a character
			n++
		}
		if c >= 0xf0 { // which takes a pair
			n++
		}
	}
	return n
}

// utf16End returns where a text ends that has a length in units of UTF-16, and checks it.
func utf16End(b []byte, length int) (end int, err error) {
	if length > len(b) {
		return 0, errLength
	}
	for length > 0 && end < len(b) {
		if b[end] < utf8.RuneSelf {
			end++
			length--
			continue
		}
		r, size := utf8.DecodeRune(b[end:])
		if r == utf8.RuneError && size == 1 {
			return 0, errUTF8
		}
		end += size
		length--
		if r > 0xffff {
			length--
		}
	}
	if length != 0 { // the body ends before it, or it ends within a pair
		return 0, errLength
	}
	return end, nil
}
