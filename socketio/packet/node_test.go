package packet_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/nodetest"
	"github.com/kachi-io/kachi/socketio/packet"
)

// The tests in this file hold the package to socket.io-parser itself.

// message is one message on the wire, as parsers.mjs has it.
type message struct {
	Text   string  `json:"text,omitempty"`
	Binary *string `json:"binary,omitempty"`
}

type request struct {
	Decode []message       `json:"decode,omitempty"`
	Encode json.RawMessage `json:"encode,omitempty"`
}

type answer struct {
	Packet   *nodePacket `json:"packet"`
	Messages []message   `json:"messages"`
	Error    string      `json:"error"`
}

// nodePacket is a packet as the reference parser has it; bytes are {"$binary":base64}.
type nodePacket struct {
	Type      packet.Type `json:"type"`
	Namespace string      `json:"nsp"`
	ID        *int64      `json:"id,omitempty"`
	Data      any         `json:"data,omitempty"`
}

func ask(t *testing.T, requests []request) (answers []answer) {
	t.Helper()
	in, err := json.Marshal(requests)
	assert.NoError(t, err)
	assert.NoError(t, json.Unmarshal(nodetest.RunInput(t, in, "parsers.mjs"), &answers))
	assert.Equal(t, len(answers), len(requests))
	return answers
}

// wire returns the messages that p is sent as.
func wire(p *packet.Packet) []message {
	messages := []message{{Text: string(packet.Append(nil, p))}}
	for _, a := range p.Attachments {
		text := base64.StdEncoding.EncodeToString(a)
		messages = append(messages, message{Binary: &text})
	}
	return messages
}

// decode feeds messages to a Decoder and returns the packet that the last one completes.
func decode(messages []message) (p packet.Packet, err error) {
	var d packet.Decoder
	for _, m := range messages {
		if m.Binary == nil {
			p, _, err = d.Text([]byte(m.Text))
		} else {
			data, _ := base64.StdEncoding.DecodeString(*m.Binary)
			p, _, err = d.Binary(data)
		}
		if err != nil {
			break
		}
	}
	return p, err
}

// asNode returns p as the reference parser would, its arguments decoded.
func asNode(t *testing.T, p *packet.Packet) *nodePacket {
	t.Helper()
	n := &nodePacket{Type: p.Type, Namespace: p.Namespace}
	if p.ID != packet.NoID {
		n.ID = &p.ID
	}
	if p.Data == nil {
		return n
	}
	if p.Type == packet.Event || p.Type == packet.Ack {
		elements, err := packet.ParseAck(p) // of an event too, its name among them
		assert.NoError(t, err)
		values := make([]any, elements.Len())
		for i := range values {
			assert.NoError(t, elements.DecodeAt(i, &values[i]))
		}
		n.Data = tagged(values)
		return n
	}
	assert.NoError(t, json.Unmarshal(p.Data, &n.Data))
	return n
}

// text makes packets comparable: go-cmp takes exponential time for deep nesting.
func text(t *testing.T, n *nodePacket) string {
	t.Helper()
	raw, err := json.Marshal(n)
	assert.NoError(t, err)
	return string(raw)
}

func tagged(v any) any {
	switch v := v.(type) {
	case []byte:
		return map[string]any{"$binary": base64.StdEncoding.EncodeToString(v)}
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = tagged(v[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for key := range v {
			out[key] = tagged(v[key])
		}
		return out
	}
	return v
}

func TestNodeReadsWhatIsEncoded(t *testing.T) {
	type file struct {
		Name  string         `json:"name"`
		Bytes []byte         `json:"bytes,omitempty"`
		Extra map[string]any `json:"extra"`
	}
	big := make([]byte, 70_000)
	cases := []struct {
		t         packet.Type
		namespace string
		id        int64
		args      []any
		want      string // what Node must have as data
	}{
		{packet.Event, "/", packet.NoID, []any{}, `["ev"]`},
		{packet.Event, "/", 0, []any{nil, true, 1, -2.5, 1e21, 1e-7, "x"}, `["ev",null,true,1,-2.5,1e21,1e-7,"x"]`},
		{packet.Event, "/admin", packet.NoID, []any{"한글 \u2028 \x00 \" \\ </script> 😀 \x7f"},
			`["ev","한글 \u2028 \u0000 \" \\ </script> 😀 \u007f"]`},
		{packet.Event, "/한", 1<<53 - 1, []any{map[string]any{"b": []int{1, 2}, "a": nil}}, `["ev",{"a":null,"b":[1,2]}]`},
		{packet.Ack, "/", 12, []any{}, `[]`},
		{packet.Ack, "/admin", 12, []any{"a", json.RawMessage(` {"raw": [1] } `)}, `["a",{"raw":[1]}]`},
		{packet.Event, "/", packet.NoID, []any{[]byte{1, 2, 3}}, `["ev",{"$binary":"AQID"}]`},
		{packet.Event, "/", packet.NoID, []any{[]byte{}}, `["ev",{"$binary":""}]`},
		{packet.Event, "/bin", 3, []any{file{Name: "f", Bytes: []byte("x"), Extra: map[string]any{"deep": []any{1, []byte("y")}}}, []byte("z")},
			`["ev",{"name":"f","bytes":{"$binary":"eA=="},"extra":{"deep":[1,{"$binary":"eQ=="}]}},{"$binary":"eg=="}]`},
		{packet.Ack, "/bin", 3, []any{file{}, []byte("z")}, `[{"name":"","extra":null},{"$binary":"eg=="}]`},
		{packet.Event, "/", packet.NoID, []any{big}, `["ev",{"$binary":"` + base64.StdEncoding.EncodeToString(big) + `"}]`},
	}
	var requests []request
	for _, c := range cases {
		p := packet.Packet{Type: c.t, Namespace: c.namespace, ID: c.id}
		var err error
		if c.t == packet.Event {
			p.Data, p.Attachments, err = packet.EncodeEvent("ev", c.args)
		} else {
			p.Data, p.Attachments, err = packet.EncodeAck(c.args)
		}
		assert.NoError(t, err)
		requests = append(requests, request{Decode: wire(&p)})

		// And what Node makes of the same value must come back as it.
		n := &nodePacket{Type: c.t, Namespace: c.namespace, Data: json.RawMessage(c.want)}
		if c.id != packet.NoID {
			n.ID = &c.id
		}
		raw, err := json.Marshal(n)
		assert.NoError(t, err)
		requests = append(requests, request{Encode: raw})
	}
	answers := ask(t, requests)
	for i, c := range cases {
		want := &nodePacket{Type: c.t, Namespace: c.namespace}
		if c.id != packet.NoID {
			want.ID = &c.id
		}
		assert.NoError(t, json.Unmarshal([]byte(c.want), &want.Data))

		assert.Equal(t, answers[2*i].Error, "", "Node on case %d", i)
		assert.Equal(t, text(t, answers[2*i].Packet), text(t, want), "Node on case %d", i)

		p, err := decode(answers[2*i+1].Messages)
		assert.NoError(t, err, "from Node, case %d", i)
		assert.Equal(t, text(t, asNode(t, &p)), text(t, want), "from Node, case %d", i)
	}
}

// What one side accepts, the other accepts as the same packet, and what one refuses, the
// other refuses with the same words, but for the differences listed here.
func TestNodeAgreesOnTexts(t *testing.T) {
	texts := []string{
		`0`, `0{"token":"x"}`, `0/admin,`, `0/admin`, `0/admin,{}`, `0/a?b=c,{}`, `0/,{}`, `1`, `1/admin,`, `2`, `2["a"]`, `20["a"]`,
		`2/chat,12["a",{}]`, `29007199254740991["a"]`, `2007["a"]`, `2[7,"x"]`, `2["connection"]`, `2["a","\ud83d\ude00"]`,
		`2["a",` + strings.Repeat("[", 120) + strings.Repeat("]", 120) + `]`,
		`3`, `3/admin,5[]`, `35[null,"disconnect"]`, `4"no"`, `4/x,{"message":"no"}`, `41`, `50-["a"]`, `60-/x,3["a"]`,
		`7`, `a`, `5`, `51`, `51["a"]`, `5x-["a"]`, `511-["a"]`, `69999999-[]`, `0[]`, `0"x"`, `0null`, `1{}`, `1[]`, `2{}`, `2"a"`,
		`2null`, `2[]`, `2[null]`, `2[true]`, `2[{}]`, `2[["a"]]`, `3{}`, `4[]`, `4null`, `2["connect"]`, `2["connect_error"]`,
		`2["disconnect"]`, `2["disconnecting"]`, `2["newListener"]`, `2["removeListener"]`, `2["disc\u006fnnect"]`,
		`2["a`, `2["a",]`, `2["a"]]`, `2["a",01]`, `2["a",1.]`, `2["a",NaN]`, `2["a",tru]`, `2["\x"]`, `2["\u12g4"]`, "2[\"a\nb\"]",
		`2abc`, `2,["a"]`, `2-1["a"]`, `0{"a":1,}`, `0{a:1}`, `2["a",1e999]`,
	}
	differ := map[string]string{
		// An id that JavaScript cannot count to comes back as another one: refused here.
		`29007199254740993["a"]`: packet.ReasonID,
		// What JavaScript takes for a number counts as one there.
		`5-["a"]`: packet.ReasonCount, `51e0-["a"]`: packet.ReasonCount, `50x1-["a"]`: packet.ReasonCount,
		// White space there is the number 0, an id. JSON has only four kinds of it.
		"2\ufeff[\"a\"]": packet.ReasonPayload, "2\u00a0[\"a\"]": packet.ReasonPayload,
		// An empty text is a CONNECT there, for Number("") is 0.
		` `: packet.ReasonUnknownType,
		// Bounded here; there by the stack.
		`2["a",` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `]`: packet.ReasonDepth,
	}
	var requests []request
	for _, text := range texts {
		requests = append(requests, request{Decode: []message{{Text: text}}})
	}
	var different []string
	for text := range differ {
		different = append(different, text)
		requests = append(requests, request{Decode: []message{{Text: text}}})
	}
	answers := ask(t, requests)
	for i, sent := range texts {
		p, err := decode([]message{{Text: sent}})
		if node := answers[i].Error; node != "" {
			node, _, _ = strings.Cut(node, " NaN")
			node = strings.TrimSuffix(node, " 7")
			if assert.True(t, err != nil, "%.60q: Node says %q", sent, node) {
				assert.Equal(t, assert.ErrorAs[*packet.DecodeError](t, err).Reason, node, "%.60q", sent)
			}
			continue
		}
		if !assert.True(t, err == nil, "%.60q: Node accepts, error %v", sent, err) || sent == `2["a",1e999]` {
			continue
		}
		assert.Equal(t, text(t, asNode(t, &p)), text(t, answers[i].Packet), "%.60q", sent)
	}
	for i, text := range different {
		_, err := decode([]message{{Text: text}})
		assert.Equal(t, assert.ErrorAs[*packet.DecodeError](t, err).Reason, differ[text], "%.60q", text)
		assert.Equal(t, answers[len(texts)+i].Error, "", "%.60q: no difference any more", text)
	}
}

func TestNodeAgreesOnPlaceholders(t *testing.T) {
	binary := "AQID"
	attachment := message{Binary: &binary}
	cases := [][]message{
		{{Text: `51-["a",{"_placeholder":true,"num":0}]`}, attachment},
		{{Text: `51-["a",{"_placeholder":true,"num":0},[{"_placeholder":true,"num":0,"more":[1]}]]`}, attachment},
		{{Text: `51-["a",{"_placeholder":true,"num":0e0}]`}, attachment},
		{{Text: `51-["a",{"_pl\u0061ceholder":true,"num":-0}]`}, attachment},
		{{Text: `51-["a",{"_placeholder":false,"num":9},{"_placeholder":"true"},{"_placeholder":1,"num":7}]`}, attachment},
		{{Text: `51-["a",{"num":3,"_placeholder":false,"_placeholder":true,"num":0}]`}, attachment},
		{{Text: `51-["a",{"_placeholder":true,"num":0,"in":{"_placeholder":true,"num":0}}]`}, attachment},
		{{Text: `51-["a"]`}, attachment},
		{{Text: `51-`}, attachment},
		{{Text: `61-/x,1[{"a":[{"_placeholder":true,"num":0}]}]`}, attachment},
		{{Text: `51-["a",{"_placeholder":true,"num":1}]`}, attachment},
		{{Text: `51-["a",{"_placeholder":true,"num":-1}]`}, attachment},
		{{Text: `51-["a",{"_placeholder":true,"num":"0"}]`}, attachment},
		{{Text: `51-["a",{"_placeholder":true}]`}, attachment},
		{{Text: `51-["a",{"_placeholder":true,"num":1e999}]`}, attachment},
		{attachment},
		{{Text: `51-["a"]`}, {Text: `2["a"]`}},
		{{Text: `2["a"]`}, attachment},
		{{Text: `51-["a"]`}, attachment, attachment},
		{{Text: `52-["a",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]`}, attachment, attachment, {Text: `2["b"]`}},
	}
	var requests []request
	for _, c := range cases {
		requests = append(requests, request{Decode: c})
	}
	for i, a := range ask(t, requests) {
		p, err := decode(cases[i])
		if a.Error != "" {
			if assert.True(t, err != nil, "%s: Node says %q", cases[i][0].Text, a.Error) {
				assert.Equal(t, assert.ErrorAs[*packet.DecodeError](t, err).Reason, a.Error, "%s", cases[i][0].Text)
			}
			continue
		}
		assert.NoError(t, err, "%s", cases[i][0].Text)
		assert.Equal(t, text(t, asNode(t, &p)), text(t, a.Packet), "%s", cases[i][0].Text)
	}
}
