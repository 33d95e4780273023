package msgpack

import (
	"encoding/binary"
	"math"
)

// The primitives of MessagePack. There are libraries for them; docs/decisions.md has the
// figures that spoke for these.

// Codes of values that are looked for or written. Lengths of one, two and four bytes
// follow each other in this order where the name ends in 8.
const (
	fixMap    = 0x80
	fixArray  = 0x90
	fixString = 0xa0
	codeNil   = 0xc0
	codeFalse = 0xc2
	codeTrue  = 0xc3
	bin8      = 0xc4
	float64s  = 0xcb
	uint8s    = 0xcc // then of two, four and eight bytes
	int8s     = 0xd0 // likewise
	fixExt1   = 0xd4
	string8   = 0xd9
	array16   = 0xdc // then of four bytes
	map16     = 0xde // likewise
)

// kind is what a value is, whatever its size.
type kind uint8

const (
	invalid kind = iota
	null
	boolean
	unsigned
	signed
	float
	text
	binaries
	array
	object
	fixed    // an extension of fixed length
	extended // an extension that states its length
)

// codes are the values that begin with 0xc0 to 0xdf: what they are, how many bytes follow
// that state a length or are the number, and the length where it is in the code.
var codes = [32]struct {
	kind  kind
	width uint8
	n     uint8
}{
	{null, 0, 0}, {invalid, 0, 0}, {boolean, 0, 0}, {boolean, 0, 1},
	{binaries, 1, 0}, {binaries, 2, 0}, {binaries, 4, 0}, {extended, 1, 0}, {extended, 2, 0}, {extended, 4, 0},
	{float, 4, 0}, {float, 8, 0},
	{unsigned, 1, 0}, {unsigned, 2, 0}, {unsigned, 4, 0}, {unsigned, 8, 0},
	{signed, 1, 0}, {signed, 2, 0}, {signed, 4, 0}, {signed, 8, 0},
	{fixed, 0, 1}, {fixed, 0, 2}, {fixed, 0, 4}, {fixed, 0, 8}, {fixed, 0, 16},
	{text, 1, 0}, {text, 2, 0}, {text, 4, 0}, {array, 2, 0}, {array, 4, 0}, {object, 2, 0}, {object, 4, 0},
}

// input is a message as far as it has not been read.
type input struct {
	b   []byte
	at  int
	ext int8 // the type of the extension that was met last
}

// next reads the beginning of a value. n is the number itself (a float's bits, a signed
// one's extended sign), the length of what follows, or how many values or pairs follow:
// never more than the message can hold, so that nobody need look again.
func (in *input) next() (k kind, n uint64) {
	if in.at >= len(in.b) {
		return invalid, 0
	}
	c := in.b[in.at]
	in.at++
	switch {
	case c < fixMap:
		return unsigned, uint64(c)
	case c < fixArray:
		return in.fits(object, uint64(c&0x0f))
	case c < fixString:
		return in.fits(array, uint64(c&0x0f))
	case c < codeNil:
		return in.fits(text, uint64(c&0x1f))
	case c >= 0xe0:
		return signed, uint64(int64(int8(c)))
	}
	code := codes[c-codeNil]
	b := in.b[in.at:]
	if int(code.width) > len(b) {
		return invalid, 0
	}
	in.at += int(code.width)
	switch code.width {
	case 0:
		n = uint64(code.n)
	case 1:
		n = uint64(b[0])
	case 2:
		n = uint64(binary.BigEndian.Uint16(b))
	case 4:
		n = uint64(binary.BigEndian.Uint32(b))
	case 8:
		n = binary.BigEndian.Uint64(b)
	}
	switch code.kind {
	case signed:
		unused := 64 - 8*code.width
		return signed, uint64(int64(n<<unused) >> unused)
	case float:
		if code.width == 4 {
			n = math.Float64bits(float64(math.Float32frombits(uint32(n))))
		}
		return float, n
	case fixed, extended:
		if in.at >= len(in.b) {
			return invalid, 0
		}
		in.ext = int8(in.b[in.at])
		in.at++
		return in.fits(code.kind, n)
	case text, binaries, array, object:
		return in.fits(code.kind, n)
	}
	return code.kind, n
}

// fits refuses what is longer than the rest of the message. An element is a byte at least.
func (in *input) fits(k kind, n uint64) (kind, uint64) {
	left := uint64(len(in.b) - in.at)
	if n > left || k == object && 2*n > left {
		return invalid, 0
	}
	return k, n
}

// take returns the n bytes that follow, which next has said are there.
func (in *input) take(n uint64) []byte {
	from := in.at
	in.at += int(n)
	return in.b[from:in.at:in.at]
}

// undefined passes over an undefined value, if one follows, as notepack.io writes it: an
// extension of one byte, whatever that is.
func (in *input) undefined() bool {
	if len(in.b)-in.at < 3 || in.b[in.at] != fixExt1 || in.b[in.at+1] != 0 {
		return false
	}
	in.at += 3
	return true
}

// skip passes over a value. It looks at no more than its form.
func (in *input) skip() bool {
	for left := uint64(1); left > 0; left-- {
		switch k, n := in.next(); k {
		case invalid:
			return false
		case text, binaries, fixed, extended:
			in.take(n)
		case array:
			left += n
		case object:
			left += 2 * n
		}
	}
	return true
}

func appendUint(dst []byte, n uint64) []byte {
	switch {
	case n < fixMap:
		return append(dst, byte(n))
	case n <= math.MaxUint8:
		return append(dst, uint8s, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, uint8s+1), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, uint8s+2), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, uint8s+3), n)
}

// appendNegative appends n, which is less than 0.
func appendNegative(dst []byte, n int64) []byte {
	switch {
	case n >= -32:
		return append(dst, byte(n))
	case n >= math.MinInt8:
		return append(dst, int8s, byte(n))
	case n >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(dst, int8s+1), uint16(n))
	case n >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(dst, int8s+2), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, int8s+3), uint64(n))
}

func appendFloat(dst []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, float64s), math.Float64bits(f))
}

// appendStringHead appends what stands in front of a string of n bytes.
func appendStringHead(dst []byte, n int) []byte {
	if n < 32 {
		return append(dst, fixString|byte(n))
	}
	return appendLength(dst, string8, n)
}

func appendString(dst []byte, s string) []byte {
	return append(appendStringHead(dst, len(s)), s...)
}

func appendBinary(dst, b []byte) []byte {
	return append(appendLength(dst, bin8, len(b)), b...)
}

// appendLength appends n behind the code for its width: code itself, or one of the two
// that follow it. n fits 32 bits; see maxMessage.
func appendLength(dst []byte, code byte, n int) []byte {
	switch {
	case n <= math.MaxUint8:
		return append(dst, code, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, code+1), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, code+2), uint32(n))
}
