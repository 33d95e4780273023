//go:build linux

package main

import "encoding/binary"

// Frames of RFC 6455. Clients must mask; a mask of zeros is legal and leaves the payload
// as it is, so that a payload can be written once and its number changed in place.

const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

func appendFrame(dst []byte, opcode byte, payload []byte) []byte {
	dst = append(dst, 0x80|opcode)
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, 0x80|byte(n))
	case n < 1<<16:
		dst = append(dst, 0x80|126, byte(n>>8), byte(n))
	default:
		dst = append(dst, 0x80|127)
		dst = binary.BigEndian.AppendUint64(dst, uint64(n))
	}
	dst = append(dst, 0, 0, 0, 0)
	return append(dst, payload...)
}

// frame is one frame of a server.
type frame struct {
	opcode  byte
	payload []byte // its beginning only, when the frame is large
	length  int    // of the whole payload
	size    int    // with the header
}

type frameState uint8

const (
	partial frameState = iota
	whole
	large // the payload's beginning is there; the rest is too large to be waited for
	broken
)

// largeFrame is the payload from which on only the beginning is looked at.
const largeFrame = readBuffer / 4

// parseFrame looks at the first frame of p. What servers send unfragmented, uncompressed
// and unmasked is understood; nothing else was asked for.
func parseFrame(p []byte) (f frame, state frameState) {
	if len(p) < 2 {
		return f, partial
	}
	if p[0]&0xf0 != 0x80 || p[1]&0x80 != 0 {
		return f, broken
	}
	n, head := int(p[1]), 2
	switch n {
	case 126:
		if len(p) < 4 {
			return f, partial
		}
		n, head = int(binary.BigEndian.Uint16(p[2:])), 4
	case 127:
		if len(p) < 10 {
			return f, partial
		}
		n, head = int(binary.BigEndian.Uint64(p[2:])&(1<<40-1)), 10
	}
	f = frame{opcode: p[0] & 0x0f, length: n, size: head + n}
	if len(p) >= f.size {
		f.payload = p[head:f.size]
		return f, whole
	}
	if n >= largeFrame && len(p) >= head+64 {
		f.payload = p[head:]
		return f, large
	}
	return f, partial
}
