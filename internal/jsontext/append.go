package jsontext

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// AppendString appends s as a JSON string. Bytes that are not UTF-8 become the
// replacement character, as in encoding/json.
func AppendString(dst []byte, s string) []byte {
	b := []byte(s) // not copied: the compiler sees that it is only read
	dst = append(dst, '"')
	for {
		taken := 0
		dst, taken = appendCharacters(dst, b)
		if taken == len(b) {
			return append(dst, '"')
		}
		dst = utf8.AppendRune(dst, utf8.RuneError)
		b = b[taken+1:]
	}
}

// AppendText appends text as a JSON string. ok is false if it is not UTF-8; what has been
// appended is then of no use.
func AppendText(dst, text []byte) (out []byte, ok bool) {
	out, taken := appendCharacters(append(dst, '"'), text)
	return append(out, '"'), taken == len(text)
}

// appendCharacters appends text as it stands in a string, up to the first byte that is not
// UTF-8. taken is how much of text that is.
func appendCharacters(dst, text []byte) (out []byte, taken int) {
	const hex = "0123456789abcdef"
	from := 0 // where begins what has not been appended
	for i := 0; ; {
		if i = SkipPlain(text, i); i >= len(text) {
			return append(dst, text[from:]...), len(text)
		}
		c := text[i]
		if c >= utf8.RuneSelf {
			if i = scanRunes(text, i); i < 0 {
				return append(dst, text[from:^i]...), ^i
			}
			continue
		}
		dst = append(dst, text[from:i]...)
		if c == '"' || c == '\\' {
			dst = append(dst, '\\', c)
		} else if at := bytes.IndexByte([]byte("\b\f\n\r\t"), c); at >= 0 {
			dst = append(dst, '\\', "bfnrt"[at])
		} else {
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		from = i
	}
}

// AppendFloat appends f, which is finite, as JavaScript prints it.
func AppendFloat(dst []byte, f float64) []byte {
	if abs := max(f, -f); abs == 0 || abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	if n := len(dst); dst[n-2] == '0' && (dst[n-3] == '-' || dst[n-3] == '+') { // e-09 is e-9
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}
