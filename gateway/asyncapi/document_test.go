package asyncapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/asyncapi"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/nodetest"
)

func TestDocumentDoesNotDependOnOrder(t *testing.T) {
	all := gateways()
	want := document(t, all...).JSON()
	slices.Reverse(all)
	assert.Equal(t, string(document(t, all...).JSON()), string(want))
}

func TestParseGivesBackTheDocument(t *testing.T) {
	text := document(t).JSON()
	doc, err := asyncapi.Parse(text)
	assert.NoError(t, err)
	assert.Equal(t, string(doc.JSON()), string(text))
	for wrong, why := range map[string]string{
		`{`:                                  "unexpected end",
		`{"openapi":"3.1.0"}`:                "no AsyncAPI document",
		`{"asyncapi":"2.6.0","channels":{}}`: `version "2.6.0"`,
	} {
		_, err := asyncapi.Parse([]byte(wrong))
		assert.True(t, err != nil && strings.Contains(err.Error(), why), wrong, err)
	}
}

func TestOperations(t *testing.T) {
	doc := document(t)
	keys := []string{}
	for k := range doc.Operations {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	assert.Equal(t, keys, []string{
		"chat.receive.add", "chat.receive.anything", "chat.receive.history", "chat.receive.leave",
		"chat.receive.list", "chat.receive.message", "chat.receive.order", "chat.receive.post", "chat.receive.slow",
		"chat.receive.sum", "chat.receive.swap", "chat.receive.typing", "chat.send.emptied", "chat.send.exception", "chat.send.history-item",
		"chat.send.joined", "chat.send.message", "map-id.receive.move", "map-id.send.exception",
		"map-id.send.moved", "private.receive.name", "private.receive.order", "private.receive.refreshToken", "private.send.exception",
		"private.send.tokenExpiring",
	})
	chat := func(name string) asyncapi.Reference { return asyncapi.Reference{Ref: "#/channels/chat" + name} }
	assert.Equal(t, doc.Operations["chat.receive.message"], &asyncapi.Operation{
		Action: "receive", Channel: chat(""), Title: "message", Description: "Writes a message into a room.",
		Messages: []asyncapi.Reference{chat("/messages/receive.message")},
		Reply: &asyncapi.Reply{Channel: chat(""), Messages: []asyncapi.Reference{
			chat("/messages/receive.message.reply"), chat("/messages/error"),
		}},
		Idempotent: &asyncapi.Idempotent{Key: "clientId", Window: 600},
	})
	assert.Equal(t, doc.Operations["chat.receive.post"].Deprecated, "send message")
	assert.Equal(t, doc.Operations["chat.receive.history"].Stream, "history:item")
	assert.Equal(t, doc.Operations["chat.send.message"].Description, "Somebody wrote something.")
	assert.Equal(t, doc.Channels["map-id"].Address, "/map-{id}")
	assert.Equal(t, doc.Channels["map-id"].Parameters, map[string]asyncapi.Parameter{"id": {}})
	for name, want := range map[string]string{
		"receive.add":         `{"name":"add","title":"add","payload":{"type":"array","prefixItems":[{"type":"integer"},{"type":"integer"}],"minItems":2,"maxItems":2},"x-arguments":"list"}`,
		"receive.sum":         `{"name":"sum","title":"sum","payload":{"type":"array","items":{"type":"integer"}},"x-arguments":"list"}`,
		"receive.anything":    `{"name":"anything","title":"anything","payload":{"type":"array","items":{}},"x-arguments":"list"}`,
		"receive.leave":       `{"name":"leave","title":"leave","x-arguments":"none"}`,
		"receive.leave.reply": `{"name":"leave","title":"Acknowledgement of leave","x-arguments":"none"}`,
		"receive.post.reply":  `{"name":"post","title":"Acknowledgement of post","payload":{"anyOf":[{"$ref":"#/components/schemas/Receipt"},{"type":"null"}]}}`,
		"receive.list.reply":  `{"name":"list","title":"Acknowledgement of list","payload":{"$ref":"#/components/schemas/PageMessage"}}`,
		"send.joined":         `{"name":"joined","title":"joined","payload":{"type":"array","prefixItems":[{"type":"string"},{"type":"integer"}],"minItems":2,"maxItems":2},"x-arguments":"list"}`,
		"error":               `{"$ref":"#/components/messages/ErrorAnswer"}`,
	} {
		text, err := json.Marshal(doc.Channels["chat"].Messages[name])
		assert.NoError(t, err)
		assert.Equal(t, string(text), want, name)
	}
}

func TestInternals(t *testing.T) {
	app := newApp(t, gateways()...)
	open, err := asyncapi.Document(app, asyncapi.Info{})
	assert.NoError(t, err)
	assert.True(t, !bytes.Contains(open.JSON(), []byte("app_test.go")), "the source is hidden")
	inside, err := asyncapi.Document(app, asyncapi.Info{Internals: true})
	assert.NoError(t, err)
	assert.True(t, strings.Contains(inside.Operations["chat.receive.add"].Source, "app_test.go:"))
	assert.True(t, strings.Contains(inside.Operations["chat.send.message"].Source, "app_test.go:"))
}

func TestVersions(t *testing.T) {
	type none = gateway.None
	newer := gateway.NewEvent[string]("newer").Since(2)
	app, err := gateway.NewApp(&gateway.Options{Versions: gateway.Versions{Current: 3}}, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		g.Emits(newer)
		gateway.On(g, "which", func(nobody, none) (string, error) { return "", nil })
		gateway.On(g, "which", func(nobody, none) (int, error) { return 0, nil }).Since(3)
	}))
	assert.NoError(t, err)
	defer func() { assert.NoError(t, app.Stop(t.Context())) }()
	for version, want := range map[int]struct {
		kind string
		sent bool
	}{1: {"string", false}, 2: {"string", true}, 3: {"integer", true}, 0: {"integer", true}} {
		doc, err := asyncapi.Document(app, asyncapi.Info{ClientVersion: version})
		assert.NoError(t, err)
		assert.Equal(t, doc.Channels["c"].Messages["receive.which.reply"].Payload.Type, asyncapi.Types{want.kind})
		assert.Equal(t, doc.Operations["c.send.newer"] != nil, want.sent)
		if version == 0 {
			version = 3
		}
		assert.True(t, bytes.Contains(asyncapi.TypeScript(doc), fmt.Appendf(nil, `super(server, "/c", options, %d)`, version)))
	}
}

func TestWhatCannotBeSent(t *testing.T) {
	_, err := asyncapi.Document(newApp(t, gateway.New("/x", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.Handle(g, "fine", func(*gateway.Context[gateway.Nobody], int) error { return nil })
		gateway.Handle(g, "bad", func(*gateway.Context[gateway.Nobody], struct{ C chan int }) error { return nil })
	})), asyncapi.Info{})
	assert.True(t, err != nil && strings.Contains(err.Error(), "document_test.go:") &&
		strings.HasSuffix(err.Error(), `namespace "/x": event "bad": a chan int is nothing that can be sent`), err)
}

// verdict is what conformance/js/asyncapi.mjs says.
type verdict struct {
	Problems []string
	Taken    []bool
}

type sample struct {
	Schema string `json:"schema"`
	Value  any    `json:"value"`
}

func judge(t *testing.T, document json.RawMessage, values ...sample) (v verdict) {
	t.Helper()
	in, err := json.Marshal(map[string]any{"document": document, "values": values})
	assert.NoError(t, err)
	assert.NoError(t, json.Unmarshal(nodetest.RunInput(t, in, "asyncapi.mjs"), &v))
	return v
}

func TestOfficialParser(t *testing.T) {
	type object = map[string]any
	text := document(t).JSON()
	message := object{"id": 1, "room": "a", "text": "b", "kind": "text", "sentAt": "2026-01-02T03:04:05Z", "seen": nil}
	cases := []struct {
		sample
		taken bool
	}{
		{sample{"Message", message}, true},
		{sample{"Message", Message{ID: 1, Kind: "image", Answer: &Message{Kind: "text"}}}, true},
		{sample{"Message", object{"id": 1}}, false},
		{sample{"Message", Message{Kind: "film"}}, false},
		{sample{"PageMessage", Page[Message]{Items: []Message{}}}, true},
		{sample{"PageMessage", Page[Message]{Items: []Message{{Kind: "film"}}}}, false},
		{sample{"PostMessage", object{"room": "a", "text": "b"}}, true},
		{sample{"PostMessage", object{"room": "a", "text": "b", "clientId": "0190a6f2-7c1e-7f3a-9b1e-0123456789ab"}}, true},
		{sample{"PostMessage", object{"room": "a", "text": "b", "clientId": "x"}}, false},
		{sample{"PostMessage", object{"room": "", "text": "b"}}, false},
		{sample{"PostMessage", object{"room": strings.Repeat("é", 64), "text": "b"}}, true},
		{sample{"PostMessage", object{"room": strings.Repeat("é", 65), "text": "b"}}, false},
		{sample{"PostMessage", object{"room": "a", "text": "b", "more": 1}}, false},
		{sample{"Query", object{"room": "a", "limit": 100}}, true},
		{sample{"Query", object{"room": "a", "limit": 101}}, false},
		{sample{"ErrorAnswer", object{"status": "error", "code": "x", "message": "y", "cause": object{"pattern": "z"}}}, true},
		{sample{"ErrorAnswer", object{"status": "ok", "code": "x", "message": "y"}}, false},
	}
	var values []sample
	var want []bool
	for _, c := range cases {
		values, want = append(values, c.sample), append(want, c.taken)
	}
	got := judge(t, text, values...)
	assert.Equal(t, got.Problems, []string{})
	assert.Equal(t, got.Taken, want)

	broken := bytes.Replace(text, []byte(`"action": "receive"`), []byte(`"action": "accept"`), 1)
	assert.True(t, len(judge(t, broken).Problems) > 0, "the parser has an eye on it")
}

func TestWhatIsCommitted(t *testing.T) {
	asyncapi.Committed(t, newApp(t, gateways()...), info, "testdata/asyncapi.json")
}
