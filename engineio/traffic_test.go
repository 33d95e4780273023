package engineio

import (
	"strings"
	"testing"

	"github.com/kachi-io/kachi/engineio/websocket"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

// expectTraffic waits until so much was moved since before.
func (h *host) expectTraffic(t *testing.T, before, want Traffic) {
	t.Helper()
	moved := func() Traffic {
		now := h.engine.Stats().Traffic
		return Traffic{
			now.MessagesReceived - before.MessagesReceived, now.MessagesSent - before.MessagesSent,
			now.BytesReceived - before.BytesReceived, now.BytesSent - before.BytesSent,
		}
	}
	assert.Eventually(t, func() bool { return moved() == want }, "moved: %+v, wanted: %+v", moved(), want)
}

func TestTraffic(t *testing.T) {
	withAttachment := func() *Message { return NewMessage([]byte(strings.Repeat(" ", Room)+"51-"), []byte("abc")) }
	large := strings.Repeat("x", 100_000)

	t.Run("websocket", func(t *testing.T) {
		h := serve(t, nil)
		c, p := h.websocket(t)
		assert.Eventually(t, func() bool { return h.engine.Stats().Traffic.BytesSent > 0 })
		opened := h.engine.Stats().Traffic
		assert.Equal(t, opened.MessagesSent, uint64(0), "OPEN is nobody's message")
		for range 3 {
			assert.NoError(t, c.SendText("4abc"))
		}
		assert.NoError(t, c.SendText("3"))
		assert.NoError(t, c.SendBinary([]byte("12")))
		h.expectTraffic(t, opened, Traffic{MessagesReceived: 4, BytesReceived: 3*10 + 7 + 8})
		assert.NoError(t, c.SendText("4"+large))
		h.expectTraffic(t, opened, Traffic{MessagesReceived: 5, BytesReceived: 3*10 + 7 + 8 + 14 + 100_001})

		before := h.engine.Stats().Traffic
		assert.NoError(t, p.session.Send(TextMessage("hello")))
		assert.NoError(t, p.session.Queue(withAttachment()))
		assert.NoError(t, p.session.Queue(TextMessage(large)))
		for range 4 {
			_, err := c.Read()
			assert.NoError(t, err)
		}
		h.expectTraffic(t, before, Traffic{MessagesSent: 4, BytesSent: 8 + 6 + 5 + 10 + 100_001})
	})

	t.Run("deflated", func(t *testing.T) {
		h := serve(t, &Options{Deflate: &websocket.Deflate{}})
		header := wstest.Handshake()
		header.Set("Sec-Websocket-Extensions", "permessage-deflate")
		c, _, err := wstest.Try(h.url+"&transport=websocket", header)
		assert.NoError(t, err)
		defer c.Close()
		p := assert.Receive(t, h.peers)
		assert.Eventually(t, func() bool { return h.engine.Stats().Traffic.BytesSent > 0 })
		before := h.engine.Stats().Traffic
		assert.NoError(t, p.session.Send(TextMessage(large)))
		assert.Eventually(t, func() bool { return h.engine.Stats().Traffic.MessagesSent == 1 })
		sent := h.engine.Stats().Traffic.BytesSent - before.BytesSent
		assert.True(t, sent < 1000, "%d bytes", sent)
	})

	t.Run("polling", func(t *testing.T) {
		h := serve(t, nil)
		p := h.poller()
		before := h.engine.Stats().Traffic
		assert.Equal(t, p.post("4abc\x1e4d\x1e3\x1ebAQ==").status, 200)
		h.expectTraffic(t, before, Traffic{MessagesReceived: 3, BytesReceived: 15})
		before = h.engine.Stats().Traffic
		assert.NoError(t, p.session.Send(TextMessage("hello")))
		assert.NoError(t, p.session.Send(withAttachment()))
		body := p.get().body
		h.expectTraffic(t, before, Traffic{MessagesSent: 3, BytesSent: uint64(len(body))})
	})
}
