package adapter_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/adapter"
)

// kinds are messages of all kinds with the JSON that a Node server writes and reads for
// them. The field names and their order were compared with what socket.io-adapter 2.5
// sends, and these texts were read by it.
var kinds = []struct {
	json string
	adapter.Message
}{
	{`{"type":1,"uid":"n","nsp":"/"}`, adapter.Message{Kind: adapter.KindInitialHeartbeat}},
	{`{"type":2,"uid":"n","nsp":"/"}`, adapter.Message{Kind: adapter.KindHeartbeat}},
	{
		`{"type":3,"data":{"packet":{"type":2,"data":["news",1,{"a":"b"}]},"opts":{"rooms":["r"],"except":["x"],"flags":{"volatile":true,"compress":false}}},"uid":"n","nsp":"/"}`,
		adapter.Message{
			Kind: adapter.KindBroadcast, Data: []byte(`["news",1,{"a":"b"}]`),
			Target: adapter.Target{Rooms: []string{"r"}, Except: []string{"x"}},
			Flags:  adapter.Flags{Volatile: true, NoCompress: true},
		},
	},
	{
		`{"type":3,"data":{"packet":{"type":2,"data":["ask"]},"requestId":"id","opts":{"rooms":[],"except":[],"flags":{"timeout":400}}},"uid":"n","nsp":"/"}`,
		adapter.Message{
			Kind: adapter.KindBroadcast, Data: []byte(`["ask"]`), RequestID: "id",
			Flags: adapter.Flags{Timeout: 400 * time.Millisecond},
		},
	},
	{
		`{"type":3,"data":{"packet":{"type":2,"data":["ask"]},"requestId":"id","named":true,"opts":{"rooms":[],"except":[],"flags":{}}},"uid":"n","nsp":"/"}`,
		adapter.Message{Kind: adapter.KindBroadcast, Data: []byte(`["ask"]`), RequestID: "id", Named: true},
	},
	{
		`{"type":4,"data":{"opts":{"rooms":["a \"b\" 방"],"except":[],"flags":{}},"rooms":["x","y"]},"uid":"n","nsp":"/"}`,
		adapter.Message{
			Kind: adapter.KindJoin, Target: adapter.Target{Rooms: []string{`a "b" 방`}}, Rooms: []string{"x", "y"},
		},
	},
	{
		`{"type":5,"data":{"opts":{"rooms":[],"except":["a"],"flags":{}},"rooms":["x"]},"uid":"n","nsp":"/"}`,
		adapter.Message{Kind: adapter.KindLeave, Target: adapter.Target{Except: []string{"a"}}, Rooms: []string{"x"}},
	},
	{
		`{"type":6,"data":{"opts":{"rooms":[],"except":[],"flags":{}},"close":true},"uid":"n","nsp":"/"}`,
		adapter.Message{Kind: adapter.KindDisconnect, Close: true},
	},
	{
		`{"type":7,"data":{"opts":{"rooms":["r"],"except":[],"flags":{}},"requestId":"id"},"uid":"n","nsp":"/"}`,
		adapter.Message{Kind: adapter.KindFetch, Target: adapter.Target{Rooms: []string{"r"}}, RequestID: "id"},
	},
	{
		`{"type":7,"data":{"opts":{"rooms":[],"except":[],"flags":{}},"requestId":"id","want":"count"},"uid":"n","nsp":"/"}`,
		adapter.Message{Kind: adapter.KindFetch, RequestID: "id", Want: adapter.WantCount},
	},
	{
		`{"type":8,"data":{"requestId":"id","sockets":[{"id":"s","handshake":{"headers":{},"time":"Thu Jan 01 1970 00:00:00 GMT+0000 (Coordinated Universal Time)","address":"::1","xdomain":false,"secure":false,"issued":0,"url":"/x","query":{},"auth":{}},"rooms":["s","r"],"data":null}]},"uid":"n","nsp":"/"}`,
		adapter.Message{Kind: adapter.KindFetchResponse, RequestID: "id", Count: 1, Sockets: []adapter.SocketInfo{{
			ID: "s", Rooms: []string{"s", "r"}, Data: json.RawMessage("null"),
			Handshake: adapter.Handshake{Time: time.UnixMilli(0), Address: "::1", URL: "/x", Auth: json.RawMessage("{}")},
		}}},
	},
	{
		`{"type":8,"data":{"requestId":"id","sockets":[],"want":"count","count":7},"uid":"n","nsp":"/"}`,
		adapter.Message{Kind: adapter.KindFetchResponse, RequestID: "id", Want: adapter.WantCount, Count: 7},
	},
	{
		`{"type":8,"data":{"requestId":"id","sockets":[],"want":"rooms","rooms":["a"]},"uid":"n","nsp":"/"}`,
		adapter.Message{Kind: adapter.KindFetchResponse, RequestID: "id", Want: adapter.WantRooms, Rooms: []string{"a"}},
	},
	{
		`{"type":9,"data":{"packet":["hi",1]},"uid":"n","nsp":"/"}`,
		adapter.Message{Kind: adapter.KindServerSideEmit, Data: []byte(`["hi",1]`)},
	},
	{
		`{"type":9,"data":{"requestId":"id","packet":["hi",1]},"uid":"n","nsp":"/"}`,
		adapter.Message{Kind: adapter.KindServerSideEmit, RequestID: "id", Data: []byte(`["hi",1]`)},
	},
	{
		`{"type":10,"data":{"requestId":"id","packet":{"a":1}},"uid":"n","nsp":"/"}`,
		adapter.Message{Kind: adapter.KindServerSideResponse, RequestID: "id", Data: []byte(`[{"a":1}]`)},
	},
	{
		`{"type":10,"data":{"requestId":"id"},"uid":"n","nsp":"/"}`,
		adapter.Message{Kind: adapter.KindServerSideResponse, RequestID: "id", Data: []byte(`[]`)},
	},
	{
		`{"type":11,"data":{"requestId":"id","clientCount":2},"uid":"n","nsp":"/"}`,
		adapter.Message{Kind: adapter.KindBroadcastCount, RequestID: "id", Count: 2},
	},
	{
		`{"type":11,"data":{"requestId":"id","clientCount":1,"ids":["s"]},"uid":"n","nsp":"/"}`,
		adapter.Message{Kind: adapter.KindBroadcastCount, RequestID: "id", Count: 1, IDs: []string{"s"}},
	},
	{
		`{"type":12,"data":{"requestId":"id","packet":"yes","rest":[1,[2]],"id":"s"},"uid":"n","nsp":"/"}`,
		adapter.Message{Kind: adapter.KindBroadcastAck, RequestID: "id", Data: []byte(`["yes",1,[2]]`), Socket: "s"},
	},
	{
		`{"type":12,"data":{"requestId":"id","gone":true,"id":"s"},"uid":"n","nsp":"/"}`,
		adapter.Message{Kind: adapter.KindBroadcastAck, RequestID: "id", Socket: "s"},
	},
	{`{"type":13,"uid":"n","nsp":"/"}`, adapter.Message{Kind: adapter.KindClose}},
}

func TestMessageIsWhatNodeServersExchange(t *testing.T) {
	for _, k := range kinds {
		m := k.Message
		m.Node, m.Namespace = "n", "/"
		b, err := m.AppendJSON(nil)
		assert.NoError(t, err)
		assert.Equal(t, string(b), k.json)
		back, err := adapter.ParseMessage(b)
		assert.NoError(t, err)
		if diff := cmp.Diff(m, *back, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s came back changed:\n%s", k.json, diff)
		}
	}
}

func TestMessageKeepsAttachments(t *testing.T) {
	for _, attachments := range [][][]byte{nil, {{}}, {[]byte("a"), {}, make([]byte, 300)}} {
		m := adapter.Message{
			Kind: adapter.KindBroadcast, Node: "n", Namespace: "/",
			Data: []byte(`["e",{"_placeholder":true,"num":0}]`), Attachments: attachments,
		}
		b, err := m.Append(nil)
		assert.NoError(t, err)
		back, err := adapter.ParseMessage(b)
		assert.NoError(t, err)
		assert.Equal(t, back.Data, m.Data)
		assert.Equal(t, back.Attachments, attachments)
		for cut := range min(len(b), 400) { // nothing shorter is a message
			if _, err := adapter.ParseMessage(b[:cut]); err == nil {
				t.Fatalf("the first %d of %d bytes were taken for a message", cut, len(b))
			}
		}
	}
}

func TestMessageTakesWhatOthersWrite(t *testing.T) {
	// Rooms that are numbers in JavaScript, flags of Node's own, an emitter's packet.
	m, err := adapter.ParseMessage([]byte(`{"uid":"emitter","nsp":"/","type":3,"data":{"packet":{"type":2,"data":[7,null],"nsp":"/"},` +
		`"opts":{"rooms":[42,"a",1.5,null,true],"except":null,"flags":{"local":false,"broadcast":true,"compress":true,"timeout":1e300}}}}`))
	assert.NoError(t, err)
	assert.Equal(t, m.Target, adapter.Target{Rooms: []string{"42", "a", "1.5", "true"}})
	assert.Equal(t, m.Flags, adapter.Flags{Timeout: time.Hour})
	assert.Equal(t, string(m.Data), `[7,null]`)
}

func TestMessageRefuses(t *testing.T) {
	for _, s := range []string{
		``, `[]`, `null`, `{}`, `{"type":0}`, `{"type":14,"uid":"n","nsp":"/"}`, `{"type":300}`, `{"type":"3"}`,
		`{"type":3}`, `{"type":3,"data":{"packet":{"data":{}}}}`, `{"type":3,"data":{"packet":{"data":[]}}}`,
		`{"type":3,"data":{"packet":{"data":[{}]}}}`, `{"type":3,"data":{"packet":[]}}`,
		`{"type":9,"data":{"packet":"x"}}`, `{"type":9}`, `{"type":11,"data":{"clientCount":-1}}`,
		"\x01", "\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "\x01\x01\x05ab", "\x01\x00",
	} {
		if m, err := adapter.ParseMessage([]byte(s)); err == nil {
			t.Errorf("%q was taken for %+v", s, m)
		}
	}
	for _, m := range []adapter.Message{{}, {Kind: 14}, {Kind: adapter.KindBroadcastAck, Data: []byte("x")}} {
		if b, err := m.AppendJSON(nil); err == nil {
			t.Errorf("%+v became %s", m, b)
		}
	}
}

func FuzzParseMessage(f *testing.F) {
	for _, k := range kinds {
		f.Add([]byte(k.json))
		f.Add(append([]byte("\x01\x01\x02ab"), k.json...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := adapter.ParseMessage(b)
		if err != nil {
			return
		}
		again, err := m.Append(nil)
		assert.NoError(t, err)
		_, err = adapter.ParseMessage(again)
		assert.NoError(t, err)
	})
}

func TestHandshakeIsThatOfNode(t *testing.T) {
	h := adapter.Handshake{
		Header: http.Header{
			"X-Two": {"a", "b"}, "Cookie": {"a=1", "b=2"}, "Host": {"example.com"},
		},
		Time:    time.Date(2026, 3, 4, 5, 6, 7, 8e6, time.FixedZone("", 3600)),
		Address: "192.0.2.1", XDomain: true, URL: "/socket.io/?a=1&b=2&b=3",
		Query: url.Values{"a": {"1"}, "b": {"2", "3"}},
	}
	b, err := json.Marshal(h)
	assert.NoError(t, err)
	var got any
	assert.NoError(t, json.Unmarshal(b, &got))
	assert.Equal(t, got, any(map[string]any{
		"headers": map[string]any{"x-two": "a, b", "cookie": "a=1; b=2", "host": "example.com"},
		"time":    "Wed Mar 04 2026 04:06:07 GMT+0000 (Coordinated Universal Time)",
		"issued":  float64(h.Time.UnixMilli()), "address": "192.0.2.1", "xdomain": true, "secure": false,
		"url": "/socket.io/?a=1&b=2&b=3", "query": map[string]any{"a": "1", "b": []any{"2", "3"}}, "auth": map[string]any{},
	}))

	var back adapter.Handshake
	assert.NoError(t, json.Unmarshal(b, &back))
	assert.True(t, back.Time.Equal(h.Time))
	assert.Equal(t, back.Header.Get("x-two"), "a, b")
	assert.Equal(t, back.Query, h.Query)

	// What an application of a Node server may have put there does no harm.
	assert.NoError(t, json.Unmarshal([]byte(`{"headers":{"a":1,"b":{}},"time":0,"issued":1.5}`), &back))
}

func TestTargetAndFlagsInJSON(t *testing.T) {
	b, err := json.Marshal(struct {
		T adapter.Target
		F []adapter.Flags
	}{F: []adapter.Flags{{}, {Volatile: true, NoCompress: true, Timeout: time.Second, Offset: "secret"}}})
	assert.NoError(t, err)
	assert.Equal(t, string(b), `{"T":{"rooms":[],"except":[]},"F":[{},{"volatile":true,"compress":false,"timeout":1000}]}`)
}

func TestAcks(t *testing.T) {
	var acks adapter.Acks
	acks.Expect("here", 2, []string{"a", "b"})
	acks.Answer(adapter.Answer{Socket: "a", Data: []byte("[]")})
	acks.Answer(adapter.Answer{Socket: "d", Data: []byte("[]")}) // before its node was heard of
	acks.Answer(adapter.Answer{Socket: "b"})                     // gone
	acks.Expect("there", 2, []string{"c", "d"})
	acks.Expect("", 3, nil)
	acks.Answer(adapter.Answer{Data: []byte("[1]")})
	ids, count := acks.Missing()
	slices.Sort(ids)
	assert.Equal(t, ids, []string{"b", "c"})
	assert.Equal(t, count, 4)
	assert.Equal(t, acks.Expected, 7)
	assert.Equal(t, len(acks.Answers), 3)
}
