package packet_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/packet"
)

type chatMessage struct {
	ID     int    `json:"id"`
	Room   string `json:"room"`
	Text   string `json:"text"`
	Sender string `json:"sender"`
	Seen   bool   `json:"seen"`
}

type upload struct {
	Name string `json:"name"`
	Size int    `json:"size"`
	Body []byte `json:"body"`
}

var (
	smallEvent = []byte(`2["message",{"id":12345,"room":"general","text":"hello there, how are you today?","sender":"magpie-1234567","seen":false},"extra"]`)
	koreanText = strings.Repeat("까치가 울면 반가운 손님이 온다. ", 20)
	bigEvent   = []byte(`2["rows",[` + strings.Repeat(`{"id":12345,"name":"a row of the table","values":[1.5,2.25,-3e5,null,true],"nested":{"a":"b"}},`, 5000) + `null]]`)
)

func BenchmarkDecodeEvent(b *testing.B) {
	for name, text := range map[string][]byte{
		"small":  smallEvent,
		"korean": []byte(`2["message","` + koreanText + `"]`),
		"big":    bigEvent,
	} {
		b.Run(name, func(b *testing.B) {
			var d packet.Decoder
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, _, err := d.Text(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecodeAck(b *testing.B) {
	var d packet.Decoder
	text := []byte(`3/chat,17[{"status":"ok"}]`)
	b.ReportAllocs()
	for b.Loop() {
		p, _, _ := d.Text(text)
		if args, err := packet.ParseAck(&p); err != nil || args.Len() != 1 {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseEvent(b *testing.B) {
	var d packet.Decoder
	p, _, err := d.Text(smallEvent)
	assert.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := packet.ParseEvent(&p); err != nil {
			b.Fatal(err)
		}
	}
}

// From the text to the handler's own type.
func BenchmarkDecodeEventIntoStruct(b *testing.B) {
	var d packet.Decoder
	b.ReportAllocs()
	for b.Loop() {
		p, _, _ := d.Text(smallEvent)
		_, args, _ := packet.ParseEvent(&p)
		var m chatMessage
		var extra string
		if err := args.Decode(&m, &extra); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeBinary(b *testing.B) {
	var d packet.Decoder
	text := []byte(`51-["upload",{"name":"picture.png","size":1024,"body":{"_placeholder":true,"num":0}}]`)
	data := make([]byte, 1024)
	run := func(b *testing.B, target func() any) {
		b.ReportAllocs()
		for b.Loop() {
			_, _, _ = d.Text(text)
			p, _, _ := d.Binary(data)
			_, args, _ := packet.ParseEvent(&p)
			if target == nil {
				continue
			}
			if err := args.DecodeAt(0, target()); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("raw", func(b *testing.B) { run(b, nil) })
	b.Run("struct", func(b *testing.B) { run(b, func() any { return new(upload) }) })
	b.Run("any", func(b *testing.B) { run(b, func() any { return new(any) }) })
}

func BenchmarkEncodeEvent(b *testing.B) {
	var rows any
	assert.NoError(b, json.Unmarshal(bigEvent[1:], &rows))
	message := chatMessage{ID: 12345, Room: "general", Text: "hello there, how are you today?", Sender: "magpie-1234567"}
	for name, args := range map[string][]any{
		"struct": {message, "extra"},
		"map":    {map[string]any{"id": 12345, "room": "general", "text": message.Text, "sender": message.Sender, "seen": false}, "extra"},
		"raw":    {json.RawMessage(`{"id":12345,"room":"general","text":"hello there, how are you today?","sender":"magpie-1234567","seen":false}`), "extra"},
		"binary": {upload{Name: "picture.png", Size: 1024, Body: make([]byte, 1024)}},
		"big":    {rows},
	} {
		b.Run(name, func(b *testing.B) {
			dst := make([]byte, 0, 1<<20)
			b.ReportAllocs()
			for b.Loop() {
				out, _, err := packet.AppendEvent(dst, "message", args)
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(len(out)))
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	p := packet.Packet{Type: packet.Event, Namespace: "/chat", ID: 17, Data: smallEvent[1:]}
	dst := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		dst = packet.Append(dst[:0], &p)
	}
}
