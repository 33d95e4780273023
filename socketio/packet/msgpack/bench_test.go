package msgpack_test

import (
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/packet"
	"github.com/kachi-io/kachi/socketio/packet/msgpack"
)

// The payloads of socketio/packet's own benchmarks.
var payloads = []struct{ name, data string }{
	{"small", `["message",{"id":12345,"room":"general","text":"hello there, how are you today?","sender":"magpie-1234567","seen":false},"extra"]`},
	{"korean", `["message","` + strings.Repeat("까치가 울면 반가운 손님이 온다. ", 20) + `"]`},
	{"escapes", `["message","` + strings.Repeat(`one \"quoted\" line\n`, 50) + `"]`},
	{"floats", `["track",[` + strings.Repeat("[37.56653,126.97796],", 200) + `null]]`},
	{"big", `["rows",[` + strings.Repeat(`{"id":12345,"name":"a row of the table","values":[1.5,2.25,-3e5,null,true],"nested":{"a":"b"}},`, 5000) + `null]]`},
	{"binary", `["upload",{"name":"picture.png","size":1024,"body":{"_placeholder":true,"num":0}}]`},
}

func event(t testing.TB, data string) *packet.Packet {
	t.Helper()
	p := &packet.Packet{Type: packet.Event, Namespace: "/chat", ID: 17, Data: []byte(data)}
	if strings.Contains(data, "_placeholder") {
		p.Attachments = [][]byte{make([]byte, 1024)}
	}
	return p
}

func BenchmarkAppend(b *testing.B) {
	for _, payload := range payloads {
		p := event(b, payload.data)
		for _, e := range []packet.Encoding{packet.JSON, msgpack.Encoding} {
			b.Run(payload.name+"/"+e.Name(), func(b *testing.B) {
				b.ReportAllocs()
				size := 0
				for b.Loop() {
					text, binary, err := e.Append(nil, p)
					if err != nil {
						b.Fatal(err)
					}
					size = len(text)
					for _, m := range binary {
						size += len(m)
					}
				}
				b.SetBytes(int64(len(p.Data)))
				b.ReportMetric(float64(size), "wire-B")
			})
		}
	}
}

func BenchmarkRead(b *testing.B) {
	for _, payload := range payloads {
		p := event(b, payload.data)
		for _, e := range []packet.Encoding{packet.JSON, msgpack.Encoding} {
			text, binary, err := e.Append(nil, p)
			assert.NoError(b, err)
			b.Run(payload.name+"/"+e.Name(), func(b *testing.B) {
				r := e.NewReader(packet.Limits{})
				b.ReportAllocs()
				for b.Loop() {
					if text != nil {
						_, _, err = r.Text(text)
					}
					for _, m := range binary {
						_, _, err = r.Binary(m)
					}
					if err != nil {
						b.Fatal(err)
					}
				}
				b.SetBytes(int64(len(p.Data)))
			})
		}
	}
}
