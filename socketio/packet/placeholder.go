package packet

import (
	"bytes"
	"errors"
	"math"
	"sort"
	"strconv"
	"unicode/utf8"

	"github.com/kachi-io/kachi/internal/jsontext"
)

const (
	placeholderKey  = "_placeholder"
	placeholderHead = `{"_placeholder":true,"num":`
)

var errNoAttachment = errors.New("placeholder without its attachment")

// Placeholder is where an attachment belongs in some JSON: between Start and End stands an
// object with the member "_placeholder", which is true, and "num", the attachment's number.
type Placeholder struct{ Start, End, Num int }

// Placeholders returns where raw, a well-formed value, holds placeholders, in order. One
// within another, which only an attacker sends, is part of the outer one. It is an error
// when one stands for none of the attachments, of which there are so many.
func Placeholders(raw []byte, attachments int) ([]Placeholder, error) {
	// Nearly all JSON ends here. A key may come in escapes, hence the second look.
	if !bytes.Contains(raw, []byte(placeholderKey)) && bytes.IndexByte(raw, '\\') < 0 {
		return nil, nil
	}
	f := finder{raw: raw, attachments: attachments}
	end, err := f.value(jsontext.SkipSpace(raw, 0), 0)
	if err != nil {
		return nil, err
	}
	if jsontext.SkipSpace(raw, end) != len(raw) {
		return nil, errPayload
	}
	return f.found, nil
}

// inside returns those of spans, which are in order, that lie between start and end.
func inside(spans []Placeholder, start, end int) []Placeholder {
	from := sort.Search(len(spans), func(i int) bool { return spans[i].Start >= start })
	to := from
	for to < len(spans) && spans[to].End <= end {
		to++
	}
	return spans[from:to]
}

type finder struct {
	raw         []byte
	attachments int
	found       []Placeholder
}

// value looks through the value at i and returns the position after it.
func (f *finder) value(i, level int) (end int, err error) {
	if level > jsontext.MaxDepth {
		return 0, errDepth
	}
	if i < len(f.raw) && f.raw[i] == '{' {
		return f.object(i, level)
	}
	if i < len(f.raw) && f.raw[i] == '[' {
		return eachElement(f.raw, i, func(start int) (int, error) { return f.value(start, level+1) })
	}
	if end = jsontext.SkipValue(f.raw, i); end == i {
		return 0, errPayload
	}
	return end, nil
}

func (f *finder) object(start, level int) (end int, err error) {
	marked, num, before := false, -1, len(f.found)
	end, err = eachMember(f.raw, start, func(key []byte, at int) (int, error) {
		end, err := f.value(at, level+1)
		if err != nil {
			return 0, err
		}
		switch value := f.raw[at:end]; {
		case isKey(key, placeholderKey):
			marked = string(value) == "true"
		case isKey(key, "num"):
			num = attachmentNumber(value)
		}
		return end, nil
	})
	if err != nil || !marked {
		return end, err
	}
	if num < 0 || num >= f.attachments {
		return 0, errNoAttachment
	}
	f.found = append(f.found[:before], Placeholder{start, end, num})
	return end, nil
}

// isKey tells whether the quoted key is name, which is short, escapes or not.
func isKey(key []byte, name string) bool {
	text := key[1 : len(key)-1]
	if bytes.IndexByte(text, '\\') < 0 {
		return string(text) == name
	}
	var short [len(placeholderKey) + utf8.UTFMax]byte
	return string(short[:jsontext.UnescapePrefix(short[:], text)]) == name
}

// attachmentNumber reads a number as JavaScript would: 1.0 and 1e0 are 1. It returns -1
// for whatever is no index.
func attachmentNumber(raw []byte) int {
	if raw[0] != '-' && raw[0]-'0' > 9 {
		return -1
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || f < 0 || f > math.MaxInt32 || f != math.Trunc(f) {
		return -1
	}
	return int(f)
}

// eachMember goes through the object whose brace is at i. visit gets a key with its
// quotes and where the value starts, and returns where that ends. Returned is the
// position after the object.
func eachMember(raw []byte, i int, visit func(key []byte, at int) (end int, err error)) (int, error) {
	if i = jsontext.SkipSpace(raw, i+1); i < len(raw) && raw[i] == '}' {
		return i + 1, nil
	}
	for i < len(raw) && raw[i] == '"' {
		keyEnd := jsontext.SkipString(raw, i)
		at := jsontext.SkipSpace(raw, keyEnd)
		if keyEnd-i < 2 || at >= len(raw) || raw[at] != ':' {
			break
		}
		end, err := visit(raw[i:keyEnd], jsontext.SkipSpace(raw, at+1))
		if err != nil {
			return 0, err
		}
		if i = jsontext.SkipSpace(raw, end); i >= len(raw) {
			break
		}
		switch raw[i] {
		case '}':
			return i + 1, nil
		case ',':
			i = jsontext.SkipSpace(raw, i+1)
		default:
			return 0, errPayload
		}
	}
	return 0, errPayload
}

// eachElement goes through the array whose bracket is at i, as eachMember does.
func eachElement(raw []byte, i int, visit func(at int) (end int, err error)) (int, error) {
	if i = jsontext.SkipSpace(raw, i+1); i < len(raw) && raw[i] == ']' {
		return i + 1, nil
	}
	for i < len(raw) {
		end, err := visit(i)
		if err != nil {
			return 0, err
		}
		if i = jsontext.SkipSpace(raw, end); i >= len(raw) {
			break
		}
		switch raw[i] {
		case ']':
			return i + 1, nil
		case ',':
			i = jsontext.SkipSpace(raw, i+1)
		default:
			return 0, errPayload
		}
	}
	return 0, errPayload
}
