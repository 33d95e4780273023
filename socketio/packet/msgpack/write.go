package msgpack

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/kachi-io/kachi/internal/jsontext"
	"github.com/kachi-io/kachi/socketio/packet"
)

var (
	errUnknown   = errors.New("msgpack: unknown packet type")
	errNoData    = errors.New("msgpack: the packet has no data")
	errMalformed = errors.New("msgpack: malformed JSON")
	errNesting   = errors.New("msgpack: JSON nested too deeply")
	errTwice     = errors.New("msgpack: two placeholders for one attachment")
	errTooLarge  = errors.New("msgpack: packet larger than 4 GiB")
)

// maxMessage is the size up to which every length in a message fits 32 bits.
const maxMessage = math.MaxUint32

// appendPacket returns the message that is p.
func appendPacket(p *packet.Packet) ([]byte, error) {
	t := p.Type
	switch t {
	case packet.BinaryEvent, packet.BinaryAck:
		t -= packet.BinaryEvent - packet.Event
	}
	if t > packet.ConnectError {
		return nil, errUnknown
	}
	namespace := p.Namespace
	if namespace == "" {
		namespace = "/"
	}
	w := writer{in: p.Data}
	size := len(p.Data) + len(namespace)
	if len(p.Attachments) > 0 && (t == packet.Event || t == packet.Ack) {
		var err error
		if w.placeholders, err = placeholders(p); err != nil {
			return nil, err
		}
		w.attachments = p.Attachments
		for _, at := range w.placeholders {
			size += len(p.Attachments[at.Num])
		}
	}
	if uint64(size) > maxMessage {
		return nil, errTooLarge
	}
	// The keys, heads, type and id take 41 bytes at most. Data is mostly shorter than its JSON.
	w.out = make([]byte, 0, size+41)

	pairs := byte(2)
	if len(p.Data) > 0 {
		pairs++
	}
	if p.ID >= 0 {
		pairs++
	}
	w.out = append(w.out, fixMap|pairs)
	w.out = appendString(w.out, typeKey)
	w.out = append(w.out, byte(t))
	w.out = appendString(w.out, namespaceKey)
	w.out = appendString(w.out, namespace)
	if p.ID >= 0 {
		w.out = appendString(w.out, idKey)
		w.out = appendUint(w.out, uint64(p.ID))
	}
	switch {
	case len(p.Data) > 0:
		w.out = appendString(w.out, dataKey)
		if err := w.payload(); err != nil {
			return nil, err
		}
		if err := packet.CheckKind(t, p.Data); err != nil {
			return nil, fmt.Errorf("msgpack: %w", err)
		}
	case t != packet.Connect && t != packet.Disconnect:
		return nil, errNoData
	}
	return w.out, nil
}

// placeholders finds those of p. None of the attachments may be meant twice: by repeating
// a large one in a few bytes, a client would have us make a message of any size.
func placeholders(p *packet.Packet) ([]packet.Placeholder, error) {
	found, err := packet.Placeholders(p.Data, len(p.Attachments))
	if err != nil {
		return nil, fmt.Errorf("msgpack: %w", err)
	}
	used := make([]bool, len(p.Attachments))
	for _, at := range found {
		if used[at.Num] {
			return nil, errTwice
		}
		used[at.Num] = true
	}
	return found, nil
}

// writer turns JSON into MessagePack, in one pass, checking it on the way.
//
// How many elements an array or an object has is known at its end, but stands in front of
// them: in one byte up to 15, which is left free and filled in. Larger ones are made room
// for when all is written, in one pass from the back that moves each byte once.
type writer struct {
	in           []byte
	out          []byte
	placeholders []packet.Placeholder // those that have not been passed
	attachments  [][]byte
	wide         []wideHead
}

// wideHead is the head of an array or a map that takes more than its one byte at position
// at: three, or five.
type wideHead struct {
	at, count int
	code      byte // with a length of two bytes; the next one is that with four
}

func (w *writer) payload() error {
	end, err := w.value(jsontext.SkipSpace(w.in, 0), 0)
	if err != nil {
		return err
	}
	if jsontext.SkipSpace(w.in, end) != len(w.in) {
		return errMalformed
	}
	if len(w.wide) > 0 {
		w.widen()
	}
	return nil
}

// value writes the value at i, of which level arrays and objects are open, and returns
// the position after it.
func (w *writer) value(i, level int) (end int, err error) {
	if i >= len(w.in) {
		return 0, errMalformed
	}
	switch c := w.in[i]; {
	case c == '"':
		return w.text(i)
	case c == '{':
		if len(w.placeholders) > 0 && w.placeholders[0].Start == i {
			return w.binary(), nil
		}
		return w.object(i, level)
	case c == '[':
		return w.array(i, level)
	case c == '-' || c-'0' <= 9:
		return w.number(i)
	case c == 't':
		return w.literal(i, "true", codeTrue)
	case c == 'f':
		return w.literal(i, "false", codeFalse)
	case c == 'n':
		return w.literal(i, "null", codeNil)
	}
	return 0, errMalformed
}

func (w *writer) literal(i int, word string, code byte) (end int, err error) {
	if end = jsontext.ScanLiteral(w.in, i, word); end < 0 {
		return 0, errMalformed
	}
	w.out = append(w.out, code)
	return end, nil
}

// binary writes the attachment that the next placeholder stands for.
func (w *writer) binary() (end int) {
	p := w.placeholders[0]
	w.placeholders = w.placeholders[1:]
	w.out = appendBinary(w.out, w.attachments[p.Num])
	return p.End
}

func (w *writer) array(i, level int) (end int, err error) {
	if level >= jsontext.MaxDepth {
		return 0, errNesting
	}
	at, count := len(w.out), 0
	w.out = append(w.out, 0)
	if i = jsontext.SkipSpace(w.in, i+1); i >= len(w.in) || w.in[i] != ']' {
		for more := true; more; count++ {
			if i, err = w.value(i, level+1); err != nil {
				return 0, err
			}
			if i, more = w.separator(i, ']'); i < 0 {
				return 0, errMalformed
			}
		}
	}
	w.close(at, count, fixArray, array16)
	return i + 1, nil
}

func (w *writer) object(i, level int) (end int, err error) {
	if level >= jsontext.MaxDepth {
		return 0, errNesting
	}
	at, count := len(w.out), 0
	w.out = append(w.out, 0)
	if i = jsontext.SkipSpace(w.in, i+1); i >= len(w.in) || w.in[i] != '}' {
		for more := true; more; count++ {
			if i >= len(w.in) || w.in[i] != '"' {
				return 0, errMalformed
			}
			if i, err = w.text(i); err != nil {
				return 0, err
			}
			if i = jsontext.SkipSpace(w.in, i); i >= len(w.in) || w.in[i] != ':' {
				return 0, errMalformed
			}
			if i, err = w.value(jsontext.SkipSpace(w.in, i+1), level+1); err != nil {
				return 0, err
			}
			if i, more = w.separator(i, '}'); i < 0 {
				return 0, errMalformed
			}
		}
	}
	w.close(at, count, fixMap, map16)
	return i + 1, nil
}

// separator looks at what follows an element that ends at i: a comma, and then it returns
// where the next one begins, or the closing bracket, whose position it returns.
func (w *writer) separator(i int, closing byte) (next int, more bool) {
	i = jsontext.SkipSpace(w.in, i)
	switch {
	case i >= len(w.in):
	case w.in[i] == ',':
		return jsontext.SkipSpace(w.in, i+1), true
	case w.in[i] == closing:
		return i, false
	}
	return jsontext.Malformed, false
}

// close writes the head of the array or map that begins at position at.
func (w *writer) close(at, count int, fix, code byte) {
	if count < 16 {
		w.out[at] = fix | byte(count)
		return
	}
	w.wide = append(w.wide, wideHead{at, count, code})
}

// widen makes room for the heads that need more than one byte, and writes them.
func (w *writer) widen() {
	slices.SortFunc(w.wide, func(a, b wideHead) int { return cmp.Compare(b.at, a.at) }) // the last one first
	extra := 0
	for _, h := range w.wide {
		extra += h.size() - 1
	}
	end := len(w.out) // where what has not been moved ends
	w.out = slices.Grow(w.out, extra)[:end+extra]
	for _, h := range w.wide {
		body := w.out[h.at+1 : end]
		copy(w.out[h.at+1+extra:], body)
		extra -= h.size() - 1
		h.write(w.out[h.at+extra:])
		end = h.at
	}
}

func (h wideHead) size() int {
	if h.count <= math.MaxUint16 {
		return 3
	}
	return 5
}

func (h wideHead) write(dst []byte) {
	if h.size() == 3 {
		dst[0] = h.code
		binary.BigEndian.PutUint16(dst[1:], uint16(h.count))
		return
	}
	dst[0] = h.code + 1
	binary.BigEndian.PutUint32(dst[1:], uint32(h.count))
}

func (w *writer) number(i int) (end int, err error) {
	if end = jsontext.ScanNumber(w.in, i); end < 0 {
		return 0, errMalformed
	}
	spelled := w.in[i:end]
	if negative, n, ok := integer(spelled); ok {
		if negative {
			w.out = appendNegative(w.out, -int64(n))
		} else {
			w.out = appendUint(w.out, n)
		}
		return end, nil
	}
	f, err := strconv.ParseFloat(string(spelled), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) { // beyond the range it is infinite
		return 0, errMalformed
	}
	switch exact := f == math.Trunc(f) && math.Abs(f) <= packet.MaxID; {
	case exact && f > 0, exact && f == 0 && !math.Signbit(f):
		w.out = appendUint(w.out, uint64(f))
	case exact && f < 0:
		w.out = appendNegative(w.out, int64(f))
	default:
		w.out = appendFloat(w.out, f)
	}
	return end, nil
}

// integer reads digits. ok is false for -0, for any other spelling, and where 64 bits are
// too few; n is the absolute value.
func integer(spelled []byte) (negative bool, n uint64, ok bool) {
	digits := spelled
	if negative = digits[0] == '-'; negative {
		digits = digits[1:]
	}
	if len(digits) > len("18446744073709551615") {
		return false, 0, false
	}
	for i, c := range digits {
		if c -= '0'; c > 9 || i == 19 && (n > math.MaxUint64/10 || n*10 > math.MaxUint64-uint64(c)) {
			return false, 0, false
		}
		n = n*10 + uint64(c)
	}
	if negative && (n == 0 || n > 1<<63) {
		return false, 0, false
	}
	return negative, n, true
}

// text writes the string whose opening quote is at i and returns the position after it.
func (w *writer) text(i int) (end int, err error) {
	// Most strings, and nearly all keys, are plain ASCII.
	if end = jsontext.SkipPlain(w.in, i+1); end >= len(w.in) || w.in[end] != '"' {
		if end = jsontext.ScanString(w.in, i) - 1; end < 0 {
			return 0, errMalformed
		}
		if raw := w.in[i+1 : end]; bytes.IndexByte(raw, '\\') >= 0 {
			w.unescaped(raw)
			return end + 1, nil
		}
	}
	raw := w.in[i+1 : end]
	w.out = append(appendStringHead(w.out, len(raw)), raw...)
	return end + 1, nil
}

// unescaped writes a string that holds escapes. It becomes shorter, and its head may, too.
func (w *writer) unescaped(raw []byte) {
	at := len(w.out)
	w.out = appendStringHead(w.out, len(raw))
	start := len(w.out)
	for {
		plain := bytes.IndexByte(raw, '\\')
		if plain < 0 {
			break
		}
		w.out = append(w.out, raw[:plain]...)
		r, width := jsontext.Unescape(raw, plain)
		w.out = utf8.AppendRune(w.out, r)
		raw = raw[plain+width:]
	}
	w.out = append(w.out, raw...)
	n := len(w.out) - start
	body := appendStringHead(w.out[:at], n) // never longer than before
	w.out = append(body, w.out[start:]...)
}
