package connect

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/packet"
)

func args(t *testing.T, values ...any) packet.Args {
	t.Helper()
	data, attachments, err := packet.EncodeEvent("x", values)
	assert.NoError(t, err)
	_, got, err := packet.ParseEvent(&packet.Packet{Data: data, Attachments: attachments})
	assert.NoError(t, err)
	return got
}

// moment is when everything here happens.
var moment = time.Date(2026, 1, 2, 3, 4, 5, 6_700_000, time.UTC)

func TestRecords(t *testing.T) {
	bytes := []byte("hello")
	for _, test := range []struct {
		name   string
		record record
		text   string
		json   string
	}{
		{
			"an event", record{kind: kindEvent, namespace: "/chat", event: "news", args: args(t, json.RawMessage(`{"b": 1.50, "a": "<é>"}`), 5)},
			`← news {"b":1.50,"a":"<é>"} 5`,
			`{"type":"event","namespace":"/chat","event":"news","args":[{"b":1.50,"a":"<é>"},5],"time":"2026-01-02T03:04:05.006Z"}`,
		},
		{
			"without arguments", record{kind: kindEvent, namespace: "/", event: "two words"},
			`← "two words"`,
			`{"type":"event","namespace":"/","event":"two words","args":[],"time":"2026-01-02T03:04:05.006Z"}`,
		},
		{
			"bytes", record{kind: kindEvent, namespace: "/", event: "egg", args: args(t, bytes, map[string]any{"at": []any{bytes[:1]}, "n": 1e21}, []byte{})},
			`← egg <5 bytes: 68656c6c6f> {"at":[<1 byte: 68>],"n":1e+21} <0 bytes>`,
			`{"type":"event","namespace":"/","event":"egg","args":[{"base64":"aGVsbG8="},{"at":[{"base64":"aA=="}],"n":1e+21},{"base64":""}],"time":"2026-01-02T03:04:05.006Z"}`,
		},
		{
			"many bytes", record{kind: kindEvent, namespace: "/", event: "egg", args: args(t, make([]byte, 40))},
			`← egg <40 bytes: ` + strings.Repeat("00", 32) + `…>`,
			`{"type":"event","namespace":"/","event":"egg","args":[{"base64":"` + strings.Repeat("A", 54) + `=="}],"time":"2026-01-02T03:04:05.006Z"}`,
		},
		{
			"a question", record{kind: kindEvent, namespace: "/", event: "ready", id: 3, args: args(t, "?")},
			`← ready "?"   (a question: answer 3 …)`,
			`{"type":"event","namespace":"/","event":"ready","args":["?"],"id":3,"time":"2026-01-02T03:04:05.006Z"}`,
		},
		{
			"what would confuse a terminal",
			record{kind: kindEvent, namespace: "/", event: "a\x1b[2J", args: args(t, json.RawMessage("\"\u009b2J \u202e \U000e0041 👩‍👧 \x7f\""))},
			`← "a\u001b[2J" "\u009b2J \u202e \udb40\udc41 👩‍👧 \u007f"`,
			`{"type":"event","namespace":"/","event":"a\u001b[2J","args":["\u009b2J \u202e \udb40\udc41 👩‍👧 \u007f"],"time":"2026-01-02T03:04:05.006Z"}`,
		},
		{
			"an answer", record{kind: kindAnswer, namespace: "/", event: "join", args: args(t, "ok"), lasted: 1234567 * time.Nanosecond},
			`← answer to join after 1.2 ms: "ok"`,
			`{"type":"answer","namespace":"/","event":"join","args":["ok"],"ms":1.234,"time":"2026-01-02T03:04:05.006Z"}`,
		},
		{
			"an error as answer",
			record{kind: kindAnswer, namespace: "/", event: "join", args: args(t, map[string]string{"status": "error"}), lasted: 1500 * time.Millisecond, code: "full", message: "No room"},
			`✗ answer to join after 1.5 s: {"status":"error"}`,
			`{"type":"answer","namespace":"/","event":"join","args":[{"status":"error"}],"code":"full","message":"No room","ms":1500,"time":"2026-01-02T03:04:05.006Z"}`,
		},
		{
			"connected", record{kind: kindConnect, namespace: "/chat", url: "http://h:1", transport: "polling", sid: "abc"},
			`Connected to http://h:1, namespace /chat (polling, id abc).`,
			`{"type":"connect","namespace":"/chat","sid":"abc","transport":"polling","url":"http://h:1","time":"2026-01-02T03:04:05.006Z"}`,
		},
		{
			"recovered", record{kind: kindConnect, namespace: "/", url: "http://h:1", transport: "polling", sid: "abc", recovered: true},
			`Connected to http://h:1 (polling, id abc), and the server has gone on where it was.`,
			`{"type":"connect","namespace":"/","sid":"abc","transport":"polling","recovered":true,"url":"http://h:1","time":"2026-01-02T03:04:05.006Z"}`,
		},
		{
			"upgraded", record{kind: kindUpgrade, transport: "websocket"}, `Moved to WebSocket.`,
			`{"type":"upgrade","transport":"websocket","time":"2026-01-02T03:04:05.006Z"}`,
		},
		{
			"not upgraded", record{kind: kindUpgradeError, message: "No."}, `It stays on polling, WebSocket did not work: No.`,
			`{"type":"upgrade_error","message":"No.","time":"2026-01-02T03:04:05.006Z"}`,
		},
		{
			"lost", record{kind: kindDisconnect, namespace: "/", reason: "transport error", code: "broken", message: "It broke."},
			`Lost the connection to /: it broke (It broke.).`,
			`{"type":"disconnect","namespace":"/","reason":"transport error","code":"broken","message":"It broke.","time":"2026-01-02T03:04:05.006Z"}`,
		},
		{
			"put out", record{kind: kindDisconnect, namespace: "/chat", reason: "io server disconnect"},
			"The server put this client out of /chat. `connect` goes in again.",
			`{"type":"disconnect","namespace":"/chat","reason":"io server disconnect","time":"2026-01-02T03:04:05.006Z"}`,
		},
		{
			"a reason that is not known", record{kind: kindDisconnect, namespace: "/", reason: "tired"},
			`Lost the connection to / (tired).`,
			`{"type":"disconnect","namespace":"/","reason":"tired","time":"2026-01-02T03:04:05.006Z"}`,
		},
		{
			"again", record{kind: kindReconnecting, attempt: 2, lasted: 1800 * time.Millisecond}, `Trying again in 1.8 s (attempt 2)…`,
			`{"type":"reconnecting","attempt":2,"ms":1800,"time":"2026-01-02T03:04:05.006Z"}`,
		},
		{
			"refused", record{kind: kindConnectError, namespace: "/chat", code: "forbidden", message: "/chat refused this client: no\nway", data: raw(`{"code":"forbidden"}`)},
			"/chat refused this client: no\\u000away\n  {\"code\":\"forbidden\"}",
			`{"type":"connect_error","namespace":"/chat","code":"forbidden","message":"/chat refused this client: no\nway","data":{"code":"forbidden"},"time":"2026-01-02T03:04:05.006Z"}`,
		},
		{
			"a mistake", record{kind: kindError, code: "syntax", message: "no", line: &lineError{line: "emit 까 {a", at: 10}},
			"  emit 까 {a\n           ^ no",
			`{"type":"error","code":"syntax","message":"no","column":11,"time":"2026-01-02T03:04:05.006Z"}`,
		},
		{
			"a mistake in a long line", record{kind: kindError, code: "syntax", message: "no", line: &lineError{line: strings.Repeat("é", 100) + "!" + strings.Repeat("é", 100), at: 200}},
			"  " + strings.Repeat("é", 30) + "!" + strings.Repeat("é", 29) + "\n  " + strings.Repeat(" ", 30) + "^ no",
			`{"type":"error","code":"syntax","message":"no","column":201,"time":"2026-01-02T03:04:05.006Z"}`,
		},
		{
			"a failure", record{kind: kindError, code: "timeout", message: "no", line: &lineError{at: -1}}, "no",
			`{"type":"error","code":"timeout","message":"no","time":"2026-01-02T03:04:05.006Z"}`,
		},
		{
			"the status", record{kind: kindStatus, url: "http://h:1", transport: "websocket", sid: "abc", sockets: []socketStatus{{"/", "connected", "def", true}, {"/a", "idle", "", false}}},
			"http://h:1: connected by websocket, session abc\n* /: connected, id def\n  /a: idle",
			`{"type":"status","sid":"abc","transport":"websocket","url":"http://h:1","sockets":[{"namespace":"/","state":"connected","sid":"def","current":true},{"namespace":"/a","state":"idle"}],"time":"2026-01-02T03:04:05.006Z"}`,
		},
		{
			"the status, without a connection", record{kind: kindStatus, url: "http://h:1", sockets: []socketStatus{}}, "http://h:1: no connection",
			`{"type":"status","url":"http://h:1","sockets":[],"time":"2026-01-02T03:04:05.006Z"}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, style{}.text(&test.record), test.text)
			coloured := style{colour: true}.text(&test.record)
			assert.Equal(t, uncoloured(coloured), test.text)
			test.record.time = moment
			assert.Equal(t, string(test.record.jsonLine()), test.json+"\n")
			assert.True(t, json.Valid(test.record.jsonLine()))
		})
	}
}

func uncoloured(s string) string {
	for _, code := range []string{"0", dim, bold, red, green, yellow, cyan} {
		s = strings.ReplaceAll(s, "\x1b["+code+"m", "")
	}
	return s
}

func TestNamespacesAreNamedWhereThereAreSeveral(t *testing.T) {
	r := record{kind: kindEvent, namespace: "/chat", event: "news"}
	assert.Equal(t, style{several: true}.text(&r), "← [/chat] news")
	assert.Equal(t, style{several: true, colour: true}.text(&r), "\x1b[32m←\x1b[0m \x1b[2m[/chat]\x1b[0m \x1b[36mnews\x1b[0m")
}

func TestLongEventsAreCutOnATerminal(t *testing.T) {
	long := record{kind: kindEvent, namespace: "/", event: "news", args: args(t, strings.Repeat("가", 100))}
	assert.Equal(t, style{columns: 10}.text(&long), `← news "`+strings.Repeat("가", 19)+"… (302 bytes in all)")
	assert.Equal(t, style{}.text(&long), `← news "`+strings.Repeat("가", 100)+`"`)
	short := record{kind: kindEvent, namespace: "/", event: "news", args: args(t, strings.Repeat("가", 19))}
	assert.Equal(t, style{columns: 10}.text(&short), `← news "`+strings.Repeat("가", 19)+`"`)
}

// Placeholders that stand for nothing are shown as they came.
func TestPlaceholders(t *testing.T) {
	for _, test := range []struct{ raw, want string }{
		{`{"_placeholder":true,"num":0}`, "<1 byte: 01>"},
		{`{"num":0,"_placeholder":true}`, "<1 byte: 01>"},
		{`{"_placeholder":true,"num":1}`, `{"_placeholder":true,"num":1}`},
		{`{"_placeholder":true,"num":-1}`, `{"_placeholder":true,"num":-1}`},
		{`{"_placeholder":true,"num":0.5}`, `{"_placeholder":true,"num":0.5}`},
		{`{"_placeholder":false,"num":0}`, `{"_placeholder":false,"num":0}`},
		{`{"_placeholder":true,"num":0,"x":1}`, `{"_placeholder":true,"num":0,"x":1}`},
		{`[{"a":{"_placeholder":true,"num":0}},null,"x",12345678901234567890]`, `[{"a":<1 byte: 01>},null,"x",12345678901234567890]`},
	} {
		got := render(packet.Args{Raw: [][]byte{[]byte(test.raw)}, Attachments: [][]byte{{1}}}, forPeople)
		assert.Equal(t, got, []string{test.want})
	}
}

func TestPrinter(t *testing.T) {
	var out, errs bytes.Buffer
	p := &printer{out: &out, err: &errs, now: func() time.Time { return moment }}
	p.print(record{kind: kindEvent, event: "news"})
	p.print(record{kind: kindUpgrade})
	p.name(true)
	p.print(record{kind: kindEvent, namespace: "/a", event: "news"})
	p.close()
	p.print(record{kind: kindEvent, event: "late"})
	assert.Equal(t, out.String(), "← news\n← [/a] news\n")
	assert.Equal(t, errs.String(), "Moved to WebSocket.\n")
}

func TestErrorAnswers(t *testing.T) {
	for _, test := range []struct {
		answer []any
		code   string
	}{
		{answer: []any{map[string]any{"status": "error", "code": "full", "message": "no"}}, code: "full"},
		{answer: []any{map[string]any{"status": "error", "message": "Forbidden resource"}}, code: "error"},
		{answer: []any{map[string]any{"status": "ok"}}},
		{answer: []any{"error"}},
		{answer: []any{nil}},
		{answer: nil},
	} {
		got := errorAnswer(args(t, test.answer...))
		assert.Equal(t, got != nil, test.code != "")
		if got != nil {
			assert.Equal(t, got.Code, test.code)
		}
	}
}
