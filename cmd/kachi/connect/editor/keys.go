package editor

import (
	"bytes"
	"unicode/utf8"
)

type keyName int

const (
	keyNone keyName = iota // understood as one key, without effect
	keyRune
	keyEnter
	keyTab
	keyInterrupt
	keyEOF
	keyBackspace
	keyDelete
	keyCutWord
	keyCutHead
	keyCutTail
	keyLeft
	keyRight
	keyWordLeft
	keyWordRight
	keyHome
	keyEnd
	keyUp
	keyDown
	keyClear
	keyPasteBegin
	keyPasteEnd
)

type key struct {
	name keyName
	r    rune // of keyRune
}

// control are the keys that send one byte.
var control = map[byte]keyName{
	0x01: keyHome,      // ^A
	0x02: keyLeft,      // ^B
	0x03: keyInterrupt, // ^C
	0x04: keyEOF,       // ^D
	0x05: keyEnd,       // ^E
	0x06: keyRight,     // ^F
	0x08: keyBackspace, // ^H
	0x09: keyTab,
	0x0a: keyEnter,   // ^J
	0x0b: keyCutTail, // ^K
	0x0c: keyClear,   // ^L
	0x0d: keyEnter,
	0x0e: keyDown,    // ^N
	0x10: keyUp,      // ^P
	0x15: keyCutHead, // ^U
	0x17: keyCutWord, // ^W
	0x7f: keyBackspace,
}

// sequences are the keys that send ESC and this.
var sequences = map[string]keyName{
	"[A": keyUp, "OA": keyUp, "[B": keyDown, "OB": keyDown,
	"[C": keyRight, "OC": keyRight, "[D": keyLeft, "OD": keyLeft,
	"[H": keyHome, "OH": keyHome, "[1~": keyHome, "[7~": keyHome,
	"[F": keyEnd, "OF": keyEnd, "[4~": keyEnd, "[8~": keyEnd,
	"[3~":   keyDelete,
	"[1;5C": keyWordRight, "[1;3C": keyWordRight, "f": keyWordRight,
	"[1;5D": keyWordLeft, "[1;3D": keyWordLeft, "b": keyWordLeft,
	"\x7f": keyCutWord, "\b": keyCutWord,
	"[200~": keyPasteBegin,
}

const pasteEnd = "\x1b[201~"

// decode takes the first key of b. n is 0 when more bytes must come. What is pasted is text
// up to its end, but for line breaks.
func decode(b []byte, paste bool) (k key, n int) {
	if len(b) == 0 {
		return key{}, 0
	}
	if paste {
		return decodePasted(b)
	}
	if b[0] == 0x1b {
		return decodeSequence(b)
	}
	if name, ok := control[b[0]]; ok {
		return key{name: name}, 1
	}
	if b[0] < ' ' {
		return key{}, 1
	}
	return decodeRune(b)
}

func decodeRune(b []byte) (key, int) {
	if !utf8.FullRune(b) {
		return key{}, 0
	}
	r, n := utf8.DecodeRune(b)
	return key{name: keyRune, r: r}, n
}

func decodePasted(b []byte) (key, int) {
	switch {
	case bytes.HasPrefix(b, []byte(pasteEnd)):
		return key{name: keyPasteEnd}, len(pasteEnd)
	case bytes.HasPrefix([]byte(pasteEnd), b):
		return key{}, 0
	case b[0] == '\r' && len(b) > 1 && b[1] == '\n':
		return key{name: keyEnter}, 2
	case b[0] == '\r', b[0] == '\n':
		return key{name: keyEnter}, 1
	}
	return decodeRune(b)
}

// decodeSequence takes a key that begins with ESC. A function key that is not known has no
// effect, and neither has ESC alone.
func decodeSequence(b []byte) (key, int) {
	if len(b) == 1 {
		return key{}, 0
	}
	if b[1] == 0x1b { // ESC pressed, then another key
		return key{}, 1
	}
	end := 2
	switch b[1] {
	case '[':
		for ; ; end++ { // parameters, then a final byte
			if end >= len(b) {
				return key{}, 0
			}
			if b[end] >= '@' && b[end] <= '~' {
				break
			}
			if b[end] < ' ' || b[end] > '~' { // no such sequence
				return key{}, end
			}
		}
		end++
	case 'O':
		if len(b) < 3 {
			return key{}, 0
		}
		end = 3
	}
	return key{name: sequences[string(b[1:end])]}, end
}
