package packet_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kachi-io/kachi/engineio/packet"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/nodetest"
)

func text(t packet.Type, data string) packet.Packet {
	return packet.Packet{Type: t, Data: []byte(data)}
}
func binary(data ...byte) packet.Packet {
	return packet.Packet{Type: packet.Message, Data: append([]byte{}, data...), Binary: true}
}

// collect returns the packets up to the error, in a form easy to read.
func collect(packets iter.Seq2[packet.Packet, error]) (forms []string, reason string) {
	for p, err := range packets {
		if err != nil {
			return forms, err.(*packet.ParseError).Reason
		}
		form := "%d%s"
		if p.Binary {
			form = "%dx%x"
		}
		forms = append(forms, fmt.Sprintf(form, p.Type, p.Data))
	}
	return forms, ""
}

func TestPayloadsV3(t *testing.T) {
	for _, c := range []struct {
		packets      []packet.Packet
		text, binary string
	}{
		{[]packet.Packet{text(packet.Message, "hello world")}, "12:4hello world", "\x00\x01\x02\xff4hello world"},
		{[]packet.Packet{text(packet.Pong, ""), text(packet.Noop, ""), text(packet.Close, "")}, "1:31:61:1", "\x00\x01\xff3\x00\x01\xff6\x00\x01\xff1"},
		{[]packet.Packet{text(packet.Message, "€")}, "2:4€", "\x00\x04\xff4€"},
		{[]packet.Packet{text(packet.Message, "😀é"), text(packet.Message, "한글")}, "4:4😀é3:4한글", "\x00\x07\xff4😀é\x00\x07\xff4한글"},
		{[]packet.Packet{binary(1, 2, 3, 4)}, "10:b4AQIDBA==", "\x01\x05\xff\x04\x01\x02\x03\x04"},
		{[]packet.Packet{text(packet.Message, "a"), binary(), binary(0xff, 0)}, "2:4a2:b46:b4/wA=", "\x00\x02\xff4a\x01\x01\xff\x04\x01\x03\xff\x04\xff\x00"},
		{[]packet.Packet{text(packet.Message, strings.Repeat("x", 122))}, "123:4" + strings.Repeat("x", 122), "\x00\x01\x02\x03\xff4" + strings.Repeat("x", 122)},
		{nil, "", ""},
	} {
		assert.Equal(t, string(packet.AppendPayloadV3(nil, c.packets...)), c.text)
		assert.Equal(t, string(packet.AppendBinaryPayloadV3([]byte("x"), c.packets...)), "x"+c.binary)
		if c.packets == nil {
			continue
		}
		for body, parse := range map[string]func([]byte, int) iter.Seq2[packet.Packet, error]{
			c.text: packet.ParsePayloadV3, c.binary: packet.ParseBinaryPayloadV3,
		} {
			n := 0
			for p, err := range parse([]byte(body), len(c.packets)) {
				assert.NoError(t, err, "%q", body)
				assert.Equal(t, p, c.packets[n], "%q", body)
				n++
			}
			assert.Equal(t, n, len(c.packets), "%q", body)
		}
	}
}

func TestParsePayloadV3(t *testing.T) {
	for _, c := range []struct {
		body   string
		max    int
		want   []string
		reason string
	}{
		{"2:4a1:2", 0, []string{"4a", "2"}, ""},
		{"1:4", 0, []string{"4"}, ""},
		{"0:", 0, nil, ""},
		{"0:2:4a0:", 1, []string{"4a"}, ""},
		{"2:4a2:4b", 1, []string{"4a"}, packet.ReasonTooMany},
		{"2:4a2:4b", -1, []string{"4a", "4b"}, ""},
		{"002:4a", 0, []string{"4a"}, ""},
		{"4:b4AQ", 0, []string{"4x01"}, ""},
		{"", 0, nil, packet.ReasonEmpty},
		{":4a", 0, nil, packet.ReasonLength},
		{"2", 0, nil, packet.ReasonLength},
		{"x:4a", 0, nil, packet.ReasonLength},
		{"-2:4a", 0, nil, packet.ReasonLength},
		{"1e1:4aaaaaaaaa", 0, nil, packet.ReasonLength},
		{"2:4a3:4a", 0, []string{"4a"}, packet.ReasonLength},
		{"2:4a3", 0, []string{"4a"}, packet.ReasonLength},
		{"999999999:4a", 0, nil, packet.ReasonLength},
		{"9999999999999999999999999:4a", 0, nil, packet.ReasonLength},
		{"0000000002:4a", 0, nil, packet.ReasonLength},
		{"2:4😀", 0, nil, packet.ReasonLength}, // ends within a pair
		{"3:4😀", 0, []string{"4😀"}, ""},
		{"2:4\xff", 0, nil, packet.ReasonUTF8},
		{"2:4\xed\xa0\x80", 0, nil, packet.ReasonUTF8},
		{"2:7a", 0, nil, packet.ReasonUnknownType},
		{"1:b", 0, nil, packet.ReasonBinaryType},
		{"6:b2AQID", 0, nil, packet.ReasonBinaryType},
		{"6:bAQID=", 0, nil, packet.ReasonBinaryType},
		{"3:b4!", 0, nil, packet.ReasonBase64},
		{"4a\x1e4b", 0, nil, packet.ReasonLength}, // protocol 4
		{strings.Repeat("0:", 100_000), 1, nil, ""},
	} {
		got, reason := collect(packet.ParsePayloadV3([]byte(c.body), c.max))
		assert.Equal(t, got, c.want, "%.40q", c.body)
		assert.Equal(t, reason, c.reason, "%.40q", c.body)
	}
}

func TestParseBinaryPayloadV3(t *testing.T) {
	for _, c := range []struct {
		body   string
		max    int
		want   []string
		reason string
	}{
		{"", 0, nil, ""},
		{"\x00\x02\xff4a\x01\x02\xff\x04\x07", 0, []string{"4a", "4x07"}, ""},
		{"\x00\x02\xff4a\x01\x02\xff\x04\x07", 1, []string{"4a"}, packet.ReasonTooMany},
		{"\x00\x04\xffb4AQ", 0, []string{"4x01"}, ""},
		{"\x02\x02\xff4a", 0, nil, packet.ReasonLength},
		{"\x00", 0, nil, packet.ReasonLength},
		{"\x00\xff4", 0, nil, packet.ReasonLength},
		{"\x00\x02", 0, nil, packet.ReasonLength},
		{"\x00\x0a\xff4aaaaaaaaa", 0, nil, packet.ReasonLength},
		{"\x00\x03\xff4a", 0, nil, packet.ReasonLength},
		{"\x00\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\xff4a", 0, nil, packet.ReasonLength},
		{"\x00" + strings.Repeat("\x00", 100_000) + "\xff4a", 0, nil, packet.ReasonLength},
		{"\x00\x00\xff", 0, nil, packet.ReasonEmpty},
		{"\x01\x00\xff", 0, nil, packet.ReasonEmpty},
		{"\x01\x02\xff\x02a", 0, nil, packet.ReasonBinaryType},
		{"\x01\x02\xff4a", 0, nil, packet.ReasonBinaryType},
		{"\x00\x02\xff4\xff", 0, nil, packet.ReasonUTF8},
		{"\x00\x02\xff9a", 0, nil, packet.ReasonUnknownType},
	} {
		got, reason := collect(packet.ParseBinaryPayloadV3([]byte(c.body), c.max))
		assert.Equal(t, got, c.want, "%.40q", c.body)
		assert.Equal(t, reason, c.reason, "%.40q", c.body)
	}
}

func TestFramesV3(t *testing.T) {
	assert.Equal(t, packet.AppendBinaryV3(nil, []byte{1}), []byte{4, 1})
	assert.Equal(t, string(packet.AppendBase64V3(nil, []byte{1})), "b4AQ==")
	p, err := packet.ParseBinaryV3([]byte{4, 1, 2})
	assert.NoError(t, err)
	assert.Equal(t, p, binary(1, 2))
	assert.Equal(t, cap(p.Data), len(p.Data), "appending must not reach what follows")
	_, err = packet.ParseBinaryV3(nil)
	assert.Equal(t, assert.ErrorAs[*packet.ParseError](t, err).Reason, packet.ReasonEmpty)
	_, err = packet.ParseTextV3(nil)
	assert.Equal(t, assert.ErrorAs[*packet.ParseError](t, err).Reason, packet.ReasonEmpty)
	p, err = packet.ParseTextV3([]byte("2probe"))
	assert.NoError(t, err)
	assert.Equal(t, p, text(packet.Ping, "probe"))
}

func TestParsingV3StopsWhenToldTo(t *testing.T) {
	packets := packet.ParsePayloadV3([]byte("2:4a2:4b2:9c"), 0)
	for range 2 { // from the beginning each time
		for p, err := range packets {
			assert.NoError(t, err)
			assert.Equal(t, string(p.Data), "a")
			break
		}
	}
}

// One table, both ways, through engine.io-parser 2 under Node.
func TestNodeAgreesOnV3(t *testing.T) {
	type node struct {
		Type string `json:"type"`
		Data any    `json:"data,omitempty"`
	}
	type message struct {
		Text   *string `json:"text,omitempty"`
		Binary []byte  `json:"binary,omitempty"`
	}
	type encoding struct {
		Packets        []node `json:"packets"`
		SupportsBinary bool   `json:"supportsBinary"`
	}
	type request struct {
		Decode *message  `json:"decodePayloadV3,omitempty"`
		Encode *encoding `json:"encodePayloadV3,omitempty"`
	}
	payloads := [][]packet.Packet{
		{text(packet.Open, `{"sid":"x","upgrades":[]}`)},
		{text(packet.Close, ""), text(packet.Ping, ""), text(packet.Pong, "probe"), text(packet.Upgrade, ""), text(packet.Noop, "")},
		{text(packet.Message, "한글 😀 \u2028 \x00 b4:"), text(packet.Message, "2:4a")},
		{binary(), binary(0xfb, 0xff, 0), text(packet.Message, "é😀")},
		{binary(bytes.Repeat([]byte{0x1e, 0xff}, 40_000)...), text(packet.Message, strings.Repeat("😀", 1000))},
	}
	var requests []request
	var wants [][]node
	for _, packets := range payloads {
		var want []node
		hasBinary := false
		for _, p := range packets {
			n := node{Type: p.Type.String()}
			switch {
			case p.Binary:
				hasBinary = true
				n.Data = map[string]any{"$binary": base64.StdEncoding.EncodeToString(p.Data)}
			case len(p.Data) > 0:
				n.Data = string(p.Data)
			}
			want = append(want, n)
		}
		wants = append(wants, want)
		asText := string(packet.AppendPayloadV3(nil, packets...))
		requests = append(requests,
			request{Decode: &message{Text: &asText}},
			request{Decode: &message{Binary: packet.AppendBinaryPayloadV3(nil, packets...)}},
			request{Encode: &encoding{want, false}},
			request{Encode: &encoding{want, hasBinary}})
	}
	in, err := json.Marshal(requests)
	assert.NoError(t, err)
	var answers []struct {
		Packets []node
		message
	}
	assert.NoError(t, json.Unmarshal(nodetest.RunInput(t, in, "parsers.mjs"), &answers))
	assert.Equal(t, len(answers), len(requests))
	for i := range payloads {
		of := answers[4*i:]
		assert.Equal(t, of[0].Packets, wants[i], "Node reads text payload %d", i)
		assert.Equal(t, of[1].Packets, wants[i], "Node reads binary payload %d", i)
		assert.Equal(t, *of[2].Text, *requests[4*i].Decode.Text, "Node writes text payload %d", i)
		if of[3].Text != nil { // without anything binary it stays text
			assert.Equal(t, *of[3].Text, *of[2].Text, "%d", i)
		} else {
			assert.True(t, bytes.Equal(of[3].Binary, requests[4*i+1].Decode.Binary), "Node writes binary payload %d", i)
		}
	}
}

// again checks that what a parser made of a body comes back, encoded and parsed, as it was.
func again(t *testing.T, body []byte, parse func([]byte, int) iter.Seq2[packet.Packet, error]) {
	var packets []packet.Packet
	size := 0
	for p, err := range parse(body, 100) {
		if err != nil {
			assert.ErrorAs[*packet.ParseError](t, err)
			break
		}
		assert.True(t, p.Binary || utf8.Valid(p.Data))
		size += 1 + len(p.Data)
		packets = append(packets, p)
	}
	assert.True(t, len(packets) <= 100)
	assert.True(t, size <= len(body), "more came out than went in")
	if len(packets) == 0 {
		return
	}
	for _, way := range []struct {
		payload []byte
		parse   func([]byte, int) iter.Seq2[packet.Packet, error]
	}{
		{packet.AppendPayloadV3(nil, packets...), packet.ParsePayloadV3},
		{packet.AppendBinaryPayloadV3(nil, packets...), packet.ParseBinaryPayloadV3},
	} {
		n := 0
		for p, err := range way.parse(way.payload, 0) {
			assert.NoError(t, err)
			same := p.Type == packets[n].Type && p.Binary == packets[n].Binary && bytes.Equal(p.Data, packets[n].Data)
			assert.True(t, same, "%+v came back as %+v", packets[n], p)
			n++
		}
		assert.Equal(t, n, len(packets))
	}
}

func FuzzParsePayloadV3(f *testing.F) {
	for _, body := range []string{
		"12:4hello world", "1:26:2probe0:", "4:4😀é", "10:b4AQIDBA==", "2:4😀", "999999999:4", ":", "", "3:b4!", "2:4\xff", "1:b",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) { again(t, body, packet.ParsePayloadV3) })
}

func FuzzParseBinaryPayloadV3(f *testing.F) {
	for _, body := range []string{
		"\x00\x01\x02\xff4hello world", "\x01\x05\xff\x04\x01\x02\x03\x04\x00\x01\xff2", "\x00\x07\xff4😀é", "\x00\x04\xffb4AQ",
		"\x00\xff", "\x02", "\x01\x09\x09\x09\x09\x09\x09\x09\x09\x09\xff", "", "\x01\x01\xff\x02",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) { again(t, body, packet.ParseBinaryPayloadV3) })
}
