package websocket

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
)

// Deflate turns on permessage-deflate (RFC 7692), without context takeover in either
// direction: no connection keeps a window of 32 KiB and more, and a deflated Frame is
// the same for all receivers. The zero value means the defaults. Connections that
// share frames should share these settings: the first receiver's are used.
type Deflate struct {
	// Threshold is the size of a frame in bytes below which it is sent plain. Default
	// 1024; negative: everything is deflated.
	Threshold int

	// Level is a level of compress/flate, 1 to 9. Default 1: on events in JSON, level 9
	// takes seven times as long to save two percent more.
	Level int
}

func (d *Deflate) threshold() int {
	if d.Threshold == 0 {
		return 1024
	}
	return max(d.Threshold, 0)
}

func (d *Deflate) level() int {
	if d.Level < 1 || d.Level > 9 {
		return flate.BestSpeed
	}
	return d.Level
}

// A deflated message lacks the last four bytes of its last, empty block (RFC 7692
// 7.2.1). For the reader they are put back, with a final block after them so that it
// comes to an end.
const (
	flushTail = "\x00\x00\xff\xff"
	readTail  = flushTail + "\x01\x00\x00\xff\xff"
)

var (
	deflaters [10]sync.Pool // by level: *flate.Writer, up to 1.2 MB each
	inflaters sync.Pool     // *inflater
)

// deflateMessages encodes each message of wire anew, deflated where that makes it
// smaller. Where it never does the result is wire.
func deflateMessages(wire []byte, d *Deflate) []byte {
	var out bytes.Buffer
	out.Grow(len(wire)/2 + 64)
	gained := false
	for rest := wire; len(rest) > 0; {
		before := rest
		var first byte
		var payload []byte
		first, payload, rest = splitFrame(rest)
		frame := before[:len(before)-len(rest)]
		start := out.Len()
		var room [HeaderRoom]byte
		out.Write(room[:])
		deflatePayload(&out, payload, d.level())
		out.Truncate(out.Len() - len(flushTail))
		n := out.Len() - start - HeaderRoom
		size := headerLen(n) + n
		if size >= len(frame) {
			out.Truncate(start)
			out.Write(frame)
			continue
		}
		gained = true
		b := out.Bytes()[start:]
		putHeader(b, first|rsv1, n)
		copy(b[headerLen(n):], b[HeaderRoom:])
		out.Truncate(start + size)
	}
	if !gained {
		return wire
	}
	return bytes.Clone(out.Bytes())
}

func deflatePayload(out *bytes.Buffer, payload []byte, level int) {
	w, ok := deflaters[level].Get().(*flate.Writer)
	if ok {
		w.Reset(out)
	} else {
		w, _ = flate.NewWriter(out, level) // fails for an invalid level only
	}
	_, _ = w.Write(payload) // a bytes.Buffer takes everything
	_ = w.Flush()
	w.Reset(nil) // pins neither the buffer nor the payload
	deflaters[level].Put(w)
}

// inflater is a flate reader with its source and the buffer for its output.
type inflater struct {
	flate io.ReadCloser
	src   bytes.Reader // one of the sources that the flate reader has a fast path for
	buf   [16 << 10]byte
}

// inflate returns what a deflated message contains, which may be limit bytes at most.
// It uses the room behind data, best with len(readTail) bytes of it.
func inflate(data []byte, limit int) ([]byte, error) {
	if len(data) == 0 {
		return []byte{}, nil // not a block, but clients send it, and zlib takes it
	}
	in, ok := inflaters.Get().(*inflater)
	if !ok {
		in = new(inflater)
		in.flate = flate.NewReader(&in.src)
	}
	defer func() {
		in.src.Reset(nil)
		inflaters.Put(in)
	}()
	in.src.Reset(append(data, readTail...))
	if err := in.flate.(flate.Resetter).Reset(&in.src, nil); err != nil {
		return nil, err
	}
	var out []byte // what did not fit into buf
	n := 0         // bytes in buf
	for {
		m, err := in.flate.Read(in.buf[n:])
		n += m
		switch {
		case len(out)+n > limit:
			return nil, &TooBigError{Size: int64(len(out) + n), Limit: limit}
		case errors.Is(err, io.EOF):
			if !in.ended() {
				return nil, badPayload("compressed data goes on after its end")
			}
			return append(out, in.buf[:n]...), nil
		case err != nil:
			return nil, badPayload("broken compressed data: " + err.Error())
		case n == len(in.buf):
			out = append(out, in.buf[:n]...)
			n = 0
		}
	}
}

// ended reports whether the flate reader stopped where a message may end: in the
// tail, or at a final block of the peer's own, after which one byte of nothing may
// follow (RFC 7692 7.2.3.4).
func (in *inflater) ended() bool {
	left := in.src.Len() - len(readTail)
	if left == 1 {
		b, _ := in.src.ReadByte()
		return b == 0
	}
	return left <= 0
}
