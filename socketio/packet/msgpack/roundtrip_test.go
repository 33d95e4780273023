package msgpack_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/packet"
	"github.com/kachi-io/kachi/socketio/packet/msgpack"
)

// meaning is what p says, whatever its spelling: as JSON with {"$binary":base64} where
// attachments stand. ok is false where a number is beyond float64.
func meaning(t testing.TB, p *packet.Packet) (text string, ok bool) {
	t.Helper()
	content := map[string]any{"type": p.Type, "nsp": p.Namespace}
	if p.ID != packet.NoID {
		content["id"] = p.ID
	}
	if p.Data != nil {
		data := p.Data
		if len(p.Attachments) > 0 {
			data = nil
			found, err := packet.Placeholders(p.Data, len(p.Attachments))
			assert.NoError(t, err)
			from := 0
			for _, at := range found {
				data = append(data, p.Data[from:at.Start]...)
				data = fmt.Appendf(data, `{"$binary":%q}`, base64.StdEncoding.EncodeToString(p.Attachments[at.Num]))
				from = at.End
			}
			data = append(data, p.Data[from:]...)
		}
		var value any
		if json.Unmarshal(data, &value) != nil {
			return "", false
		}
		content["data"] = value
	}
	return canonical(t, content), true
}

func canonical(t testing.TB, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	assert.NoError(t, err)
	return string(raw)
}

// sample writes random JSON, in spellings that no encoder would choose.
type sample struct {
	*rand.Rand
	out         strings.Builder
	attachments [][]byte
}

func (s *sample) pick(words ...string) string { return words[s.IntN(len(words))] }

func (s *sample) space() {
	if s.IntN(8) == 0 {
		s.out.WriteString(s.pick(" ", "\n", "\t", "\r", "  "))
	}
}

func (s *sample) text() {
	s.out.WriteByte('"')
	for range s.IntN(1 << s.IntN(7)) {
		switch s.IntN(12) {
		case 0:
			s.out.WriteString(s.pick(`\"`, `\\`, `\/`, `\b`, `\f`, `\n`, `\r`, `\t`, `\u0000`, `\u00E9`, `\ud83d\ude00`, `\ud800`, `\udc00`, `\uD83Dx`, `\u0041`))
		case 1:
			s.out.WriteString(s.pick("é", "한", "\u2028", "😀", "\x7f", "\uffff"))
		default:
			s.out.WriteByte("abcXYZ 012"[s.IntN(10)])
		}
	}
	s.out.WriteByte('"')
}

func (s *sample) number() {
	switch s.IntN(5) {
	case 0:
		s.out.WriteString(s.pick("0", "-0", "-0.0", "1.0", "1e3", "-1E+2", "12.5e-1", "1e21", "1e-7", "5e-324", "1e-999", "18446744073709551615", "18446744073709551616",
			"-9223372036854775808", "-9223372036854775809", "9007199254740993", "123456789012345678901234567890"))
	case 1:
		s.out.WriteString(strconv.FormatFloat(s.NormFloat64()*1000, 'g', -1, 64))
	default:
		n := int64(s.Uint64() >> s.IntN(64))
		if s.IntN(2) == 0 {
			n = -n
		}
		s.out.WriteString(strconv.FormatInt(n, 10))
	}
}

func (s *sample) value(depth int) {
	s.space()
	switch kind := s.IntN(10); {
	case kind < 2 && depth > 0:
		s.out.WriteByte('[')
		for i := range s.count() {
			if i > 0 {
				s.out.WriteByte(',')
			}
			s.value(depth - 1)
		}
		s.out.WriteByte(']')
	case kind < 4 && depth > 0:
		s.out.WriteByte('{')
		for i := range s.count() {
			if i > 0 {
				s.out.WriteByte(',')
			}
			s.space()
			s.text()
			s.space()
			s.out.WriteByte(':')
			s.value(depth - 1)
		}
		s.out.WriteByte('}')
	case kind == 4 && len(s.attachments) < 10:
		b := make([]byte, s.IntN(1<<s.IntN(10)))
		for i := range b {
			b[i] = byte(s.Uint32())
		}
		fmt.Fprintf(&s.out, s.pick(`{"_placeholder":true,"num":%d}`, `{ "num" : %d , "_pl\u0061ceholder" : true }`), len(s.attachments))
		s.attachments = append(s.attachments, b)
	case kind < 7:
		s.number()
	case kind < 9:
		s.text()
	default:
		s.out.WriteString(s.pick("true", "false", "null"))
	}
	s.space()
}

// count is how many elements something has: mostly few, sometimes more than a head of one
// byte states.
func (s *sample) count() int {
	if s.IntN(20) == 0 {
		return s.IntN(40)
	}
	return s.IntN(5)
}

// packet is what a Decoder makes of the text and its attachments.
func (s *sample) packet(t testing.TB) packet.Packet {
	t.Helper()
	s.out.Reset()
	s.attachments = nil
	event := s.IntN(3) > 0
	s.out.WriteString(`[`)
	if event {
		s.out.WriteString(`"ev`) // no reserved name begins so
		s.out.WriteString(s.pick(`"`, `\u0041"`, `한글"`))
	}
	for i := range s.IntN(4) {
		if event || i > 0 {
			s.out.WriteByte(',')
		}
		s.value(6)
	}
	s.out.WriteString(`]`)
	head := map[bool]string{true: "2", false: "3"}[event]
	if n := len(s.attachments); n > 0 {
		head = map[bool]string{true: "5", false: "6"}[event] + strconv.Itoa(n) + "-"
	}
	head += s.pick("", "/chat,", "/한,") + s.pick("", "0", "9007199254740991")

	var d packet.Decoder
	p, complete, err := d.Text([]byte(head + s.out.String()))
	for _, b := range s.attachments {
		assert.NoError(t, err, "%s", s.out.String())
		p, complete, err = d.Binary(b)
	}
	assert.True(t, complete && err == nil, "%s%s: %v", head, s.out.String(), err)
	return p
}

// What a Decoder accepts comes back as it was.
func TestRoundTripOfRandomPackets(t *testing.T) {
	seed := rand.Uint64()
	s := &sample{Rand: rand.New(rand.NewPCG(seed, 0))}
	for range 3000 {
		p := s.packet(t)
		back, err := read(string(written(t, &p)), packet.Limits{})
		if !assert.True(t, err == nil, "seed %d: %s: %v", seed, p.Data, err) {
			return
		}
		want, ok := meaning(t, &p)
		assert.True(t, ok, "%s", p.Data)
		got, _ := meaning(t, &back)
		if !assert.True(t, got == want, "seed %d: %s came back as %s", seed, p.Data, back.Data) {
			return
		}
	}
}

// A packet without payload, which the JSON form allows, is none in this form, and a second
// placeholder for one attachment neither.
func TestWhatOnlyJSONHolds(t *testing.T) {
	for _, messages := range [][]string{{`2`}, {`3/chat,5`}, {`4`}, {`51-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]`, "b"}} {
		var d packet.Decoder
		p, complete, err := d.Text([]byte(messages[0]))
		for _, m := range messages[1:] {
			p, complete, err = d.Binary([]byte(m))
		}
		assert.True(t, complete && err == nil, "%s", messages[0])
		_, _, err = msgpack.Encoding.Append(nil, &p)
		assert.True(t, err != nil, "%s", messages[0])
	}
}
