// Package jsontext reads and writes JSON (RFC 8259, which is what JSON.parse takes) as
// text: it finds where values begin and end, and makes no Go values of them. Nothing but
// what is appended is allocated.
package jsontext

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// The scanner checks JSON over the bytes as they came, in one pass and without recursion.
// Positions are offsets; a negative one says why there is none.
const (
	Malformed = -1
	TooDeep   = -2
)

// MaxDepth bounds the nesting that ScanValue can keep track of, one bit for each level.
const MaxDepth = 1024

// ScanValue checks the value that starts at i and returns the position after it. Text
// must be valid UTF-8, for it may be passed on to clients that would refuse it.
func ScanValue(b []byte, i, depth int) int {
	var (
		objects [MaxDepth / 64]uint64 // bit l: what is open at level l is an object
		level   = -1
		object  bool // whether the innermost open one is an object
		key     bool // whether a key must follow
	)
	for {
		i = SkipSpace(b, i)
		if i >= len(b) {
			return Malformed
		}
		if key {
			if b[i] != '"' {
				return Malformed
			}
			if i = ScanString(b, i); i < 0 {
				return Malformed
			}
			if i = SkipSpace(b, i); i >= len(b) || b[i] != ':' {
				return Malformed
			}
			if i = SkipSpace(b, i+1); i >= len(b) {
				return Malformed
			}
			key = false
		}
		switch c := b[i]; {
		case c == '"':
			i = ScanString(b, i)
		case c == '{' || c == '[':
			if level++; level >= depth {
				return TooDeep
			}
			bit := uint64(1) << (level % 64)
			if object = c == '{'; object {
				objects[level/64] |= bit
			} else {
				objects[level/64] &^= bit
			}
			i = SkipSpace(b, i+1)
			if i >= len(b) || b[i] != c+2 { // '}' is '{'+2, ']' is '['+2
				key = object
				continue
			}
			// Empty: closed below, like any other.
		case c == '-' || c-'0' <= 9:
			i = ScanNumber(b, i)
		case c == 't':
			i = ScanLiteral(b, i, "true")
		case c == 'f':
			i = ScanLiteral(b, i, "false")
		case c == 'n':
			i = ScanLiteral(b, i, "null")
		default:
			return Malformed
		}
		if i < 0 {
			return Malformed
		}
		for {
			if level < 0 {
				return i
			}
			if i = SkipSpace(b, i); i >= len(b) {
				return Malformed
			}
			c := b[i]
			i++
			if c == ',' {
				key = object
				break
			}
			if object && c != '}' || !object && c != ']' {
				return Malformed
			}
			if level--; level >= 0 {
				object = objects[level/64]>>(level%64)&1 == 1
			}
		}
	}
}

// SkipSpace returns the first position from i on that is not white space.
func SkipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// ScanLiteral wants word at i and returns the position after it.
func ScanLiteral(b []byte, i int, word string) int {
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return Malformed
	}
	return i + len(word)
}

// ScanNumber checks the number at i, a minus or a digit, and returns the position after it.
func ScanNumber(b []byte, i int) int {
	if b[i] == '-' {
		i++
	}
	switch {
	case i >= len(b):
		return Malformed
	case b[i] == '0':
		i++
	default:
		if i = scanDigits(b, i); i < 0 {
			return Malformed
		}
	}
	if i < len(b) && b[i] == '.' {
		if i = scanDigits(b, i+1); i < 0 {
			return Malformed
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		return scanDigits(b, i)
	}
	return i
}

// scanDigits wants one digit at least.
func scanDigits(b []byte, i int) int {
	start := i
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	if i == start {
		return Malformed
	}
	return i
}

// ScanString checks the string whose opening quote is at i and returns the position after
// its closing one.
func ScanString(b []byte, i int) int {
	i++
	for {
		i = SkipPlain(b, i)
		if i >= len(b) {
			return Malformed
		}
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			if i = scanEscape(b, i); i < 0 {
				return Malformed
			}
		case c < ' ':
			return Malformed
		default:
			if i = scanRunes(b, i); i < 0 {
				return Malformed
			}
		}
	}
}

// scanRunes checks the characters beyond ASCII from i on. Those of three bytes, which are
// all of Hangul and most of Chinese and Japanese, are told apart here: with a
// call of DecodeRune for each of them Korean text takes 1.8 times as long. What it returns
// for text that is no UTF-8 is negative, the complement of where that stands.
func scanRunes(b []byte, i int) int {
	for i < len(b) && b[i] >= utf8.RuneSelf {
		if c := b[i]; c > 0xe0 && c < 0xf0 && i+2 < len(b) &&
			b[i+1]&0xc0 == 0x80 && b[i+2]&0xc0 == 0x80 && (c != 0xed || b[i+1] < 0xa0) {
			i += 3
			continue
		}
		_, size := utf8.DecodeRune(b[i:])
		if size == 1 {
			return ^i
		}
		i += size
	}
	return i
}

// SkipPlain returns the first position from i on that is not printable ASCII other than
// the quote and the backslash.
func SkipPlain(b []byte, i int) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	// Eight bytes at a time: a high bit of stop is set where a byte is a quote, a
	// backslash, a control character or not ASCII. Bytes above the lowest such one may be
	// marked wrongly, by a borrow, but not below it. Against a byte at a time it takes
	// 78 ns, not 339, over 200 bytes, 5.5, not 12, over 12, and 3.9, not 5.5, over 3.
	for i+8 <= len(b) {
		x := binary.LittleEndian.Uint64(b[i:])
		quote := x ^ ones*'"'
		backslash := x ^ ones*'\\'
		stop := (quote-ones)&^quote | (backslash-ones)&^backslash | (x-ones*' ')&^x | x
		if stop &= highs; stop != 0 {
			return i + bits.TrailingZeros64(stop)/8
		}
		i += 8
	}
	for i < len(b) && b[i] >= ' ' && b[i] < utf8.RuneSelf && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

// scanEscape checks the escape whose backslash is at i.
func scanEscape(b []byte, i int) int {
	if i+1 >= len(b) {
		return Malformed
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		if _, ok := hex4(b, i+2); ok {
			return i + 6
		}
	}
	return Malformed
}

func hex4(b []byte, i int) (r rune, ok bool) {
	if i+4 > len(b) {
		return 0, false
	}
	for _, c := range b[i : i+4] {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case (c|0x20)-'a' <= 'f'-'a':
			c = (c | 0x20) - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// UnescapePrefix writes the text of a well-formed string, given without its quotes, into
// dst as far as it fits, and returns its length there.
func UnescapePrefix(dst, text []byte) (n int) {
	for i := 0; i < len(text) && n <= len(dst)-utf8.UTFMax; {
		if text[i] != '\\' {
			dst[n] = text[i]
			n, i = n+1, i+1
			continue
		}
		r, width := Unescape(text, i)
		n += utf8.EncodeRune(dst[n:], r)
		i += width
	}
	return n
}

// Unescape reads the well-formed escape whose backslash is at i. Half a surrogate pair is
// the replacement character, as encoding/json has it.
func Unescape(text []byte, i int) (r rune, width int) {
	switch c := text[i+1]; c {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r, _ = hex4(text, i+2)
		if !utf16.IsSurrogate(r) {
			return r, 6
		}
		if i+8 <= len(text) && text[i+6] == '\\' && text[i+7] == 'u' {
			low, _ := hex4(text, i+8)
			if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
				return both, 12
			}
		}
		return utf8.RuneError, 6
	default:
		return rune(c), 2
	}
}

// The functions below find the ends of what has been checked before. On anything else
// they may be wrong, but stay inside b.

// SkipString returns the position after the string whose opening quote is at i. A quote
// belongs to the string if an odd number of backslashes is in front of it.
func SkipString(b []byte, i int) int {
	for at := i + 1; at < len(b); {
		n := bytes.IndexByte(b[at:], '"')
		if n < 0 {
			break
		}
		at += n
		escapes := at
		for escapes > i+1 && b[escapes-1] == '\\' {
			escapes--
		}
		escaped := (at-escapes)%2 == 1
		at++
		if !escaped {
			return at
		}
	}
	return len(b)
}

// SkipValue returns the position after the value that starts at i.
func SkipValue(b []byte, i int) int {
	for level := 0; i < len(b); {
		switch b[i] {
		case '"':
			i = SkipString(b, i)
		case '{', '[':
			level++
			i++
			continue
		case '}', ']':
			level--
			i++
		default:
			if level == 0 {
				return skipScalar(b, i)
			}
			i++
			continue
		}
		if level <= 0 {
			return i
		}
	}
	return i
}

// skipScalar returns where the number or literal at i ends.
func skipScalar(b []byte, i int) int {
	for i < len(b) {
		switch b[i] {
		case ',', ']', '}', ':', ' ', '\n', '\r', '\t':
			return i
		}
		i++
	}
	return i
}

// PlainString returns the text of a JSON string that needs no unescaping. ok is false for
// any other, also for one that is malformed.
func PlainString(raw []byte) (text []byte, ok bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return nil, false
	}
	end := len(raw) - 1
	i := SkipPlain(raw, 1)
	for i < end && raw[i] >= utf8.RuneSelf {
		_, size := utf8.DecodeRune(raw[i:])
		if size == 1 {
			return nil, false
		}
		i = SkipPlain(raw, i+size)
	}
	return raw[1:end], i == end && raw[end] == '"'
}
