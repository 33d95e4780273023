//go:build !race

package msgpack_test

// Not under -race: there a sync.Pool forgets at random.

import (
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/packet"
	"github.com/kachi-io/kachi/socketio/packet/msgpack"
)

func TestAllocatesOnlyWhatIsHandedOut(t *testing.T) {
	r := msgpack.Encoding.NewReader(packet.Limits{})
	count := func(f func()) float64 { return testing.AllocsPerRun(100, f) }
	for _, test := range []struct {
		message string
		want    float64
	}{
		{string(written(t, event(t, payloads[0].data))), 1}, // the JSON
		{string(written(t, event(t, payloads[5].data))), 2}, // and the slice of the attachments
		{packed(pair("type", "\x01"), pair("nsp", "\xa5/chat")), 0},
		// What is refused: a length that lies, too deep, no text.
		{withValue("\xdd\xff\xff\xff\xff"), 0}, {withValue("\xdf\x7f\xff\xff\xff"), 0}, {withValue("\xc6\xff\xff\xff\xff"), 0}, {withValue("\xa1\xff"), 0},
		{packed(isEvent, inRoot, pair("x", "\xdd\xff\xff\xff\xff")), 0}, {"\xdf\xff\xff\xff\xff", 0},
	} {
		message := []byte(test.message)
		assert.Equal(t, count(func() { _, _, _ = r.Binary(message) }), test.want, "%.60q", message)
	}
	// The message, and the slice that holds it.
	p := event(t, payloads[0].data)
	assert.Equal(t, count(func() { _, _, _ = msgpack.Encoding.Append(nil, p) }), 2.0)
}
