package packet_test

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"unicode/utf8"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/packet"
)

// FuzzDecoder feeds one text and attachments to a decoder and everything behind it. What
// is accepted must be JSON for encoding/json too, and must come back after encoding.
func FuzzDecoder(f *testing.F) {
	for _, text := range []string{
		`0`, `0/admin,{"token":"x"}`, `1/x`, `2["a",1,"b",{"c":[null,true,false,-1.5e-3]}]`, `2/chat,12["한글","\ud83d\ude00\u0000"]`, `3/x,5[]`,
		`4{"message":"no"}`, `51-["a",{"_placeholder":true,"num":0}]`, `52-/x,7["a",[{"num":1,"_placeholder":true},{"_pl\u0061ceholder":true,"num":0}]]`,
		`61-[{"a":{"_placeholder":true,"num":-0}}]`, `2["a",{"_placeholder":true,"num":9}]`, `2["disc\u006fnnect"]`, `2[1e999]`, `2[ -0 ,1]`,
		`51-["a",{"_placeholder":true,"num":1.5}]`, `29007199254740992["a"]`, `2["\`, `2[{`, "2[\"\xff\"]", `59-`, `5`,
	} {
		f.Add([]byte(text), []byte("attachment"))
	}
	f.Fuzz(func(t *testing.T, text, attachment []byte) {
		var d packet.Decoder
		p, complete, err := d.Text(bytes.Clone(text))
		for err == nil && !complete {
			p, complete, err = d.Binary(attachment)
		}
		if err != nil {
			assert.ErrorAs[*packet.DecodeError](t, err)
			return
		}
		assert.True(t, p.Data == nil || json.Valid(p.Data) && utf8.Valid(p.Data), "%q", p.Data)
		assert.True(t, p.ID >= packet.NoID && p.Namespace[0] == '/')

		again, complete, err := d.Text(packet.Append(nil, &p))
		for err == nil && !complete {
			again, complete, err = d.Binary(attachment)
		}
		assert.NoError(t, err, "%q", packet.Append(nil, &p))
		assert.True(t, reflect.DeepEqual(again, p), "%+v came back as %+v", p, again)

		var args packet.Args
		switch p.Type {
		case packet.Event:
			name, eventArgs, err := packet.ParseEvent(&p)
			assert.NoError(t, err)
			assert.True(t, !packet.IsReserved(name), "%q", name)
			args = eventArgs
		case packet.Ack:
			args, err = packet.ParseAck(&p)
			assert.NoError(t, err)
		}
		decodeAll(t, args)
	})
}

// FuzzArgs decodes what no decoder has seen.
func FuzzArgs(f *testing.F) {
	for _, raw := range []string{
		`{"_placeholder":true,"num":0}`, `{"name":"x","body":{"_placeholder":true,"num":0},"any":[{"_placeholder":true,"num":0}]}`,
		`[1,"a",{"b":null}]`, `{"_placeholder":true,"num":`, `{"\`, `"text"`, `-1e5`, `{"map":{"k":{"_placeholder":true,"num":0}},"raw":[{"_placeholder":true,"num":0}]}`,
		`{"pair":[{"_placeholder":true,"num":0}],"nested":[{"list":[{"_placeholder":true,"num":0}]}],"custom":{"_placeholder":true,"num":0}}`,
	} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		decodeAll(t, packet.Args{Raw: [][]byte{raw}, Attachments: [][]byte{[]byte("a")}})
		_, _, _ = packet.ParseEvent(&packet.Packet{Data: raw})
		_, _ = packet.ParseAck(&packet.Packet{Data: raw})
	})
}

func decodeAll(t *testing.T, args packet.Args) {
	for i := range args.Len() {
		for _, target := range []any{
			new(any), new([]byte), new(string), new(deep), new(map[string]any), new([]any), new(json.RawMessage), new(map[int][]byte), new(int),
		} {
			if err := args.DecodeAt(i, target); err != nil {
				assert.ErrorAs[*packet.ArgumentError](t, err)
			}
		}
	}
}

// FuzzEncode sends a value with bytes in it through both ends.
func FuzzEncode(f *testing.F) {
	f.Add("message", "text", []byte("bytes"), 1.5, "key")
	f.Add("\xff\u2028\"", "\\\x00", []byte{}, math.Copysign(0, -1), "_placeholder")
	f.Fuzz(func(t *testing.T, name, text string, data []byte, number float64, key string) {
		value := map[string]any{key: []any{text, data, number}}
		raw, attachments, err := packet.EncodeEvent(name, []any{value, text, data})
		if err != nil { // NaN, infinity
			assert.True(t, number-number != 0, "%v", err)
			return
		}
		assert.True(t, json.Valid(raw) && utf8.Valid(raw), "%q", raw)
		if packet.IsReserved(name) {
			return
		}
		p := packet.Packet{Type: packet.Event, Namespace: "/", ID: packet.NoID, Data: raw, Attachments: attachments}
		var d packet.Decoder
		got, _, err := d.Text(packet.Append(nil, &p))
		assert.NoError(t, err)
		for _, a := range attachments {
			got, _, err = d.Binary(a)
			assert.NoError(t, err)
		}
		gotName, args, err := packet.ParseEvent(&got)
		assert.NoError(t, err)
		assert.Equal(t, gotName, replaced(name))
		var gotValue map[string]any
		var gotText string
		var gotData []byte
		assert.NoError(t, args.Decode(&gotValue, &gotText, &gotData))
		assert.True(t, reflect.DeepEqual(gotData, data), "%q", gotData)
		assert.Equal(t, gotText, replaced(text))
		list := gotValue[replaced(key)].([]any)
		assert.Equal(t, list[0], any(replaced(text)))
		assert.Equal(t, list[2], any(number))
	})
}

// replaced is s as it arrives: bytes that are no UTF-8 become the replacement character.
func replaced(s string) string {
	return string([]rune(s))
}
