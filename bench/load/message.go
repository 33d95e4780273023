//go:build linux

package main

import "bytes"

// A message's payload is a JSON string of a fixed length: the letter k, the number in
// sixteen hexadecimal digits, and padding.
const (
	numberLen   = 16
	smallest    = len(`"k"`) + numberLen
	chatPrefix  = `42["chat",`
	echoPrefix  = `["echo",`
	joinPacket  = `420["join","room"]`
	leavePacket = `41`
)

// message is one packet whose number is written over for each send.
type message struct {
	text  []byte
	digit int // where the number's digits begin
	id    int // where the acknowledgement's id begins; 0 when there is none
}

const idLen = 12 // digits of an acknowledgement's id: fixed, so that the length is, too

// chatMessage is broadcast to the room. size is that of the JSON string.
func chatMessage(size int) *message {
	return build(nil, chatPrefix, size, 0)
}

// echoMessage asks for its payload back.
func echoMessage(size int) *message {
	// The first digit is a 1: ids are numbers, and some servers refuse leading zeros.
	head := append([]byte("42"), bytes.Repeat([]byte("1"), idLen)...)
	return build(head, echoPrefix, size, len("42"))
}

// plainEcho does not ask for anything.
func plainEcho(size int) *message {
	return build([]byte("42"), echoPrefix, size, 0)
}

func build(head []byte, prefix string, size, id int) *message {
	text := append(head, prefix...)
	text = append(text, `"k`...)
	m := &message{digit: len(text), id: id}
	text = append(text, bytes.Repeat([]byte{'0'}, numberLen)...)
	text = append(text, bytes.Repeat([]byte{'.'}, max(size, smallest)-smallest)...)
	m.text = append(text, `"]`...)
	return m
}

// number writes n into the message and returns its text, which the next call changes.
func (m *message) number(n uint64) []byte {
	putHex(m.text[m.digit:m.digit+numberLen], n)
	if m.id > 0 {
		v := n
		for i := m.id + idLen - 1; i > m.id; i-- {
			m.text[i] = byte('0' + v%10)
			v /= 10
		}
	}
	return m.text
}

func putHex(dst []byte, n uint64) {
	const digits = "0123456789abcdef"
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = digits[n&15]
		n >>= 4
	}
}

// readNumber reads a payload that begins with the JSON string's quote.
func readNumber(p []byte) (n uint64, ok bool) {
	if len(p) < smallest || p[0] != '"' || p[1] != 'k' {
		return 0, false
	}
	for _, c := range p[2 : 2+numberLen] {
		switch {
		case c >= '0' && c <= '9':
			n = n<<4 | uint64(c-'0')
		case c >= 'a' && c <= 'f':
			n = n<<4 | uint64(c-'a'+10)
		default:
			return 0, false
		}
	}
	return n, true
}

// readAck reads "43<id>[" and returns the id and what follows the bracket.
func readAck(p []byte) (id uint64, rest []byte, ok bool) {
	i := 2
	for ; i < len(p) && p[i] >= '0' && p[i] <= '9'; i++ {
		id = id*10 + uint64(p[i]-'0')
	}
	if i == 2 || i >= len(p) || p[i] != '[' {
		return 0, nil, false
	}
	return id, p[i+1:], true
}

// idBase is what number adds to an id by its leading 1.
const idBase = 100_000_000_000
