//go:build !race

package packet_test

// Not under -race: there a sync.Pool forgets at random.

import (
	"encoding/json"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/packet"
)

func TestAllocatesOnlyWhatIsHandedOut(t *testing.T) {
	var d packet.Decoder
	count := func(f func()) float64 { return testing.AllocsPerRun(100, f) }
	for _, text := range []string{
		string(smallEvent), `2/chat,17["message",{"a":"\u00e9한글"}]`, `3/chat,17[{"status":"ok"}]`, `1/chat,`, `0/chat,{"token":"x"}`,
		`2["disc\u006fnnecting?"]`, `2["disc\u006fnnect"]`, `7`, `2[`, `5x-`, `29007199254740992["a"]`,
	} {
		data := []byte(text)
		assert.Equal(t, count(func() { _, _, _ = d.Text(data) }), 0.0, "%s", text)
	}
	p, _, err := d.Text(smallEvent)
	assert.NoError(t, err)
	// the name, and the slice of the arguments
	assert.Equal(t, count(func() { _, _, _ = packet.ParseEvent(&p) }), 2.0)
	ack := packet.Packet{Data: []byte(`[1,2]`)}
	assert.Equal(t, count(func() { _, _ = packet.ParseAck(&ack) }), 1.0)

	dst := make([]byte, 0, 1024)
	for _, args := range [][]any{
		{"x", 1, 2.5, true, nil, []any{"a"}, map[string]any{"a": 1, "b": "c"}}, {chatMessage{ID: 1}}, {json.RawMessage(`[1]`)},
	} {
		assert.Equal(t, count(func() { _, _, _ = packet.AppendEvent(dst, "message", args) }), 0.0, "%v", args)
	}
}
