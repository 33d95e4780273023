package connect

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/kachi-io/kachi/socketio/packet"
)

// binaryForm writes an attachment into JSON.
type binaryForm func(data []byte) string

// shownBytes is how many bytes of an attachment people get to see.
const shownBytes = 32

func forPeople(data []byte) string {
	shown, more := data, ""
	if len(shown) > shownBytes {
		shown, more = shown[:shownBytes], "…"
	}
	noun := "bytes"
	if len(data) == 1 {
		noun = "byte"
	}
	if len(data) == 0 {
		return "<0 bytes>"
	}
	return fmt.Sprintf("<%d %s: %s%s>", len(data), noun, hex.EncodeToString(shown), more)
}

func forPrograms(data []byte) string {
	return `{"base64":"` + base64.StdEncoding.EncodeToString(data) + `"}`
}

// render returns arguments as compact JSON, one string each, their numbers and the order of
// their fields as they came, and attachments where their placeholders stood.
func render(args packet.Args, form binaryForm) []string {
	all := make([]string, args.Len())
	for i, raw := range args.Raw {
		r := renderer{attachments: args.Attachments, form: form, d: json.NewDecoder(bytes.NewReader(raw))}
		r.d.UseNumber()
		if len(args.Attachments) == 0 || r.value() != nil {
			r.out.Reset()
			_ = json.Compact(&r.out, raw) // a packet's reader has checked it
		}
		all[i] = escape(r.out.String())
	}
	return all
}

type renderer struct {
	attachments [][]byte
	form        binaryForm
	d           *json.Decoder
	out         bytes.Buffer
}

func (r *renderer) value() error {
	token, err := r.d.Token()
	if err != nil {
		return err
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return r.object()
		}
		return r.array()
	case json.Number:
		r.out.WriteString(t.String())
	case string:
		r.string(t)
	default:
		return json.NewEncoder(noBreak{&r.out}).Encode(t)
	}
	return nil
}

func (r *renderer) string(s string) {
	e := json.NewEncoder(noBreak{&r.out})
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string and a buffer do not fail
}

func (r *renderer) array() error {
	r.out.WriteByte('[')
	for n := 0; r.d.More(); n++ {
		if n > 0 {
			r.out.WriteByte(',')
		}
		if err := r.value(); err != nil {
			return err
		}
	}
	r.out.WriteByte(']')
	_, err := r.d.Token()
	return err
}

// object writes an object, or the attachment whose placeholder it is.
func (r *renderer) object() error {
	begin := r.out.Len()
	r.out.WriteByte('{')
	n := 0
	for ; r.d.More(); n++ {
		name, err := r.d.Token()
		if err != nil {
			return err
		}
		if n > 0 {
			r.out.WriteByte(',')
		}
		r.string(name.(string))
		r.out.WriteByte(':')
		if err := r.value(); err != nil {
			return err
		}
	}
	r.out.WriteByte('}')
	if _, err := r.d.Token(); err != nil {
		return err
	}
	if n != 2 {
		return nil
	}
	var p struct {
		Placeholder bool `json:"_placeholder"`
		Num         *int `json:"num"`
	}
	written := r.out.Bytes()[begin:]
	if json.Unmarshal(written, &p) == nil && p.Placeholder && p.Num != nil && *p.Num >= 0 && *p.Num < len(r.attachments) {
		r.out.Truncate(begin)
		r.out.WriteString(r.form(r.attachments[*p.Num]))
	}
	return nil
}

// noBreak leaves out the line break that an encoder writes behind each value.
type noBreak struct{ out *bytes.Buffer }

func (w noBreak) Write(p []byte) (int, error) {
	w.out.Write(bytes.TrimSuffix(p, []byte("\n")))
	return len(p), nil
}

// escape makes visible what would do something to a terminal, or to the order in which
// text is read: a server's words are not to be trusted that far.
func escape(s string) string {
	if plain(s) {
		return s
	}
	out := make([]byte, 0, len(s)+16)
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			out = append(out, "�"...)
		case harmless(r):
			out = append(out, s[i:i+n]...)
		case r > 0xffff:
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		i += n
	}
	return string(out)
}

func plain(s string) bool {
	for _, r := range s {
		if !harmless(r) {
			return false
		}
	}
	return utf8.ValidString(s)
}

const zeroWidthJoiner = 0x200d // holds emoji together

func harmless(r rune) bool {
	return r == zeroWidthJoiner || !unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// eventName is an event's name for people: in quotes unless it is one word.
func eventName(name string) string {
	if name == "" {
		return `""`
	}
	for _, r := range name {
		if unicode.IsSpace(r) || r == '"' || r == '\'' || !harmless(r) {
			var q renderer
			q.string(name)
			return escape(q.out.String())
		}
	}
	return name
}
