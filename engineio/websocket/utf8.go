package websocket

import "unicode/utf8"

// validPrefix checks text of which more may follow. It returns how many of its bytes
// are whole, valid characters, and whether the rest can still become one: at most
// three bytes that are a valid beginning. RFC 6455 8.1 lets a receiver fail at the
// first bad byte, in the middle of a message too, and so does this.
func validPrefix(text []byte) (checked int, ok bool) {
	end := len(text)
	for back := 1; back <= 3 && back <= len(text); back++ {
		i := len(text) - back
		if c := text[i]; c < 0x80 {
			break
		} else if c >= 0xC0 {
			if !utf8.FullRune(text[i:]) {
				end = i
			}
			break
		}
	}
	return end, utf8.Valid(text[:end])
}
