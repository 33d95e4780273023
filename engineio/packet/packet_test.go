package packet_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kachi-io/kachi/engineio/packet"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/nodetest"
)

func TestAppendText(t *testing.T) {
	assert.Equal(t, string(packet.AppendText([]byte("x"), packet.Message, []byte("hello"))), "x4hello")
	assert.Equal(t, string(packet.AppendText(nil, packet.Noop, nil)), "6")
	assert.Equal(t, packet.Pong.String()+" "+packet.Type(7).String(), "pong unknown")
}

func TestParseText(t *testing.T) {
	for text, want := range map[string]packet.Packet{
		`0{"sid":"x"}`: {Type: packet.Open, Data: []byte(`{"sid":"x"}`)},
		"1":            {Type: packet.Close, Data: []byte{}},
		"2probe":       {Type: packet.Ping, Data: []byte("probe")},
		"3probe":       {Type: packet.Pong, Data: []byte("probe")},
		"4":            {Type: packet.Message, Data: []byte{}},
		"4\x1e한":       {Type: packet.Message, Data: []byte("\x1e한")},
		"5":            {Type: packet.Upgrade, Data: []byte{}},
		"6":            {Type: packet.Noop, Data: []byte{}},
		"bAQID":        {Type: packet.Message, Data: []byte{1, 2, 3}, Binary: true},
		"bAQ==":        {Type: packet.Message, Data: []byte{1}, Binary: true},
		"bAQ":          {Type: packet.Message, Data: []byte{1}, Binary: true},
		"b+/8=":        {Type: packet.Message, Data: []byte{0xfb, 0xff}, Binary: true},
		"b-_8":         {Type: packet.Message, Data: []byte{0xfb, 0xff}, Binary: true},
		"b":            {Type: packet.Message, Data: []byte{}, Binary: true},
	} {
		p, err := packet.ParseText([]byte(text))
		assert.NoError(t, err, "%q", text)
		assert.Equal(t, p, want, "%q", text)
	}
	for text, reason := range map[string]string{
		"": packet.ReasonEmpty, "7": packet.ReasonUnknownType, "/": packet.ReasonUnknownType, "a": packet.ReasonUnknownType,
		"B": packet.ReasonUnknownType, "\x00": packet.ReasonUnknownType, "\xff4": packet.ReasonUnknownType, "٤": packet.ReasonUnknownType,
		"\x1e": packet.ReasonUnknownType, " 4": packet.ReasonUnknownType, "abc": packet.ReasonUnknownType,
		"bA": packet.ReasonBase64, "b!!!!": packet.ReasonBase64, "bA=Q=": packet.ReasonBase64, "b-/8=": packet.ReasonBase64, "b\xff": packet.ReasonBase64,
	} {
		_, err := packet.ParseText([]byte(text))
		if assert.True(t, err != nil, "%q", text) {
			assert.Equal(t, assert.ErrorAs[*packet.ParseError](t, err).Reason, reason, "%q", text)
		}
	}
}

// parse returns the packets of body up to the error, in a form easy to read.
func parse(body string, maxPackets int) (packets []string, reason string) {
	for p, err := range packet.ParsePayload([]byte(body), maxPackets) {
		if err != nil {
			return packets, err.(*packet.ParseError).Reason
		}
		form := "%d%s"
		if p.Binary {
			form = "%d%x"
		}
		packets = append(packets, fmt.Sprintf(form, p.Type, p.Data))
	}
	return packets, ""
}

func TestParsePayload(t *testing.T) {
	for _, c := range []struct {
		body   string
		max    int
		want   []string
		reason string
	}{
		{"4hello", 0, []string{"4hello"}, ""},
		{"4hello\x1e2\x1ebAQIDBA==\x1e4\x1e3probe", 0, []string{"4hello", "2", "401020304", "4", "3probe"}, ""},
		{"4a\x1e4b", 2, []string{"4a", "4b"}, ""},
		{"4a\x1e4b\x1e4c", 2, []string{"4a", "4b"}, packet.ReasonTooMany},
		{"4a\x1e4b\x1e", 2, []string{"4a", "4b"}, packet.ReasonTooMany},
		{"4a\x1e4b", -1, []string{"4a", "4b"}, ""},
		{"", 0, nil, packet.ReasonEmpty},
		{"4a\x1e", 0, []string{"4a"}, packet.ReasonEmpty},
		{"\x1e4a", 0, nil, packet.ReasonEmpty},
		{"4a\x1e\x1e4b", 0, []string{"4a"}, packet.ReasonEmpty},
		{"4a\x1eabc\x1e4b", 0, []string{"4a"}, packet.ReasonUnknownType},
		{"4a\x1eb!\x1e4b", 0, []string{"4a"}, packet.ReasonBase64},
		{"4한글\x1e4\xed\xa0\x80\x1e4b", 0, []string{"4한글"}, packet.ReasonUTF8},
		{"4\xff", 0, nil, packet.ReasonUTF8},
		{strings.Repeat("\x1e", 100_000), 0, nil, packet.ReasonEmpty},
	} {
		packets, reason := parse(c.body, c.max)
		assert.Equal(t, packets, c.want, "%.40q", c.body)
		assert.Equal(t, reason, c.reason, "%.40q", c.body)
	}
}

func TestParsePayloadStopsWhenToldTo(t *testing.T) {
	for p, err := range packet.ParsePayload([]byte("4a\x1e4b\x1e9"), 0) {
		assert.NoError(t, err)
		assert.Equal(t, string(p.Data), "a")
		break
	}
}

func TestAppendPayload(t *testing.T) {
	packets := []packet.Packet{
		{Type: packet.Message, Data: []byte("hello")}, {Type: packet.Message, Data: []byte{1, 2, 3, 4}, Binary: true}, {Type: packet.Noop},
	}
	const want = "4hello\x1ebAQIDBA==\x1e6"
	payload := packet.AppendPayload(nil, packets...)
	assert.Equal(t, string(payload), want)
	var one []byte
	size := 0
	for _, p := range packets {
		one = packet.AppendPayload(one, p)
		size += packet.PayloadSize(p)
	}
	assert.Equal(t, string(one), want)
	assert.Equal(t, size+len(packets)-1, len(want))
	assert.Equal(t, string(packet.AppendBase64([]byte("x"), []byte{1})), "xbAQ==")
}

func TestParsingDoesNotCopyText(t *testing.T) {
	body := []byte("4hello\x1e4b\x1e2probe")
	allocs := testing.AllocsPerRun(100, func() {
		for p, err := range packet.ParsePayload(body, 10) {
			if err != nil || p.Binary {
				t.Fatal(err)
			}
		}
	})
	assert.Equal(t, allocs, 0.0)
	p, err := packet.ParseText(body)
	assert.NoError(t, err)
	assert.True(t, &p.Data[0] == &body[1], "Data aliases the text")
	assert.Equal(t, cap(p.Data), len(p.Data), "appending must not reach what follows")
}

// One table, both ways, through engine.io-parser under Node.
func TestNodeAgrees(t *testing.T) {
	type nodePacket struct {
		Type string `json:"type"`
		Data any    `json:"data,omitempty"`
	}
	node := func(p packet.Packet) nodePacket {
		n := nodePacket{Type: p.Type.String()}
		switch {
		case p.Binary:
			n.Data = map[string]any{"$binary": base64.StdEncoding.EncodeToString(p.Data)}
		case len(p.Data) > 0:
			n.Data = string(p.Data)
		}
		return n
	}
	payloads := [][]packet.Packet{
		{{Type: packet.Open, Data: []byte(`{"sid":"x","upgrades":[]}`)}},
		{{Type: packet.Close}, {Type: packet.Ping}, {Type: packet.Pong, Data: []byte("probe")}, {Type: packet.Upgrade}, {Type: packet.Noop}},
		{{Type: packet.Message, Data: []byte("한글 😀 \u2028 \x00")}, {Type: packet.Message}},
		{{Type: packet.Message, Data: []byte{}, Binary: true}, {Type: packet.Message, Data: []byte{0xfb, 0xff, 0}, Binary: true}},
		{{Type: packet.Message, Data: bytes.Repeat([]byte{0x1e, 0xff}, 40_000), Binary: true}, {Type: packet.Message, Data: []byte("after")}},
	}
	// Bodies that a client may send: what Node makes of them, packet by packet.
	bodies := []string{
		"", "4a\x1e", "\x1e4a", "4a\x1e\x1e4b", "9", "abc", "4a\x1eabc\x1e4b", "b", "bAQ", "bAQ==", "b-_8=", "4b4", "2probe\x1e3probe",
	}
	type request struct {
		Encode []nodePacket `json:"encodePayload,omitempty"`
		Decode *string      `json:"decodePayload,omitempty"`
	}
	var requests []request
	for _, packets := range payloads {
		text := string(packet.AppendPayload(nil, packets...))
		var asked []nodePacket
		for _, p := range packets {
			asked = append(asked, node(p))
		}
		requests = append(requests, request{Decode: &text}, request{Encode: asked})
	}
	for i := range bodies {
		requests = append(requests, request{Decode: &bodies[i]})
	}
	in, err := json.Marshal(requests)
	assert.NoError(t, err)
	var answers []struct {
		Packets []nodePacket `json:"packets"`
		Text    string       `json:"text"`
	}
	assert.NoError(t, json.Unmarshal(nodetest.RunInput(t, in, "parsers.mjs"), &answers))
	assert.Equal(t, len(answers), len(requests))

	for i, packets := range payloads {
		assert.Equal(t, answers[2*i].Packets, requests[2*i+1].Encode, "Node reads payload %d", i)
		assert.Equal(t, answers[2*i+1].Text, *requests[2*i].Decode, "Node writes payload %d", i)
		at := 0
		for p, err := range packet.ParsePayload([]byte(answers[2*i+1].Text), 0) {
			assert.NoError(t, err)
			assert.Equal(t, node(p), node(packets[at]), "payload %d, packet %d", i, at)
			at++
		}
		assert.Equal(t, at, len(packets))
	}
	for i, body := range bodies {
		var got []nodePacket
		for p, err := range packet.ParsePayload([]byte(body), 0) {
			if err != nil {
				got = append(got, nodePacket{Type: "error", Data: "parser error"})
				break
			}
			got = append(got, node(p))
		}
		assert.Equal(t, got, answers[2*len(payloads)+i].Packets, "%q", body)
	}
}

func FuzzParsePayload(f *testing.F) {
	for _, body := range []string{"4hello\x1e2\x1ebAQIDBA==\x1e4", "", "\x1e", "b-_8", "4\xff", "7", "2probe\x1e\x1e", "bA"} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var packets []packet.Packet
		for p, err := range packet.ParsePayload(body, 100) {
			if err != nil {
				assert.ErrorAs[*packet.ParseError](t, err)
				break
			}
			assert.True(t, p.Binary || utf8.Valid(p.Data))
			packets = append(packets, p)
		}
		assert.True(t, len(packets) <= 100)
		if len(packets) == 0 {
			return
		}
		n := 0
		for p, err := range packet.ParsePayload(packet.AppendPayload(nil, packets...), 0) {
			assert.NoError(t, err)
			same := p.Type == packets[n].Type && p.Binary == packets[n].Binary && bytes.Equal(p.Data, packets[n].Data)
			assert.True(t, same, "%+v came back as %+v", packets[n], p)
			n++
		}
		assert.Equal(t, n, len(packets))
	})
}

func BenchmarkParsePayload(b *testing.B) {
	body := packet.AppendPayload(nil,
		packet.Packet{Type: packet.Message, Data: bytes.Repeat([]byte("x"), 130)},
		packet.Packet{Type: packet.Message, Data: make([]byte, 100), Binary: true},
		packet.Packet{Type: packet.Ping, Data: []byte("probe")})
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		for _, err := range packet.ParsePayload(body, 0) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkAppendPayload(b *testing.B) {
	packets := []packet.Packet{{Type: packet.Message, Data: bytes.Repeat([]byte("x"), 130)}, {Type: packet.Message, Data: make([]byte, 100), Binary: true}}
	dst := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		dst = packet.AppendPayload(dst[:0], packets...)
	}
}
