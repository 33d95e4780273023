package engineio

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kachi-io/kachi/engineio/packet"
	"github.com/kachi-io/kachi/internal/assert"
)

const batchDelay = 20 * time.Millisecond

func (p *peer) send(t testing.TB, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		assert.NoError(t, p.session.Send(TextMessage(fmt.Sprint(i))))
	}
}

// pollOf is the answer to a poll with messages that were sent so.
func pollOf(from, to int) string {
	var b []byte
	for i := from; i < to; i++ {
		b = packet.AppendPayload(b, packet.Packet{Type: packet.Message, Data: fmt.Append(nil, i)})
	}
	return string(b)
}

func TestBatchOverPolling(t *testing.T) {
	o := &Options{BatchDelay: batchDelay, MaxQueuedMessages: 30}
	t.Run("a poll that waits", func(t *testing.T) {
		faked(t, o, func(t *testing.T, h *host) {
			p := h.poller()
			for range 3 {
				answer := p.pending()
				began := time.Now()
				p.send(t, 0, 5)
				time.Sleep(batchDelay / 2)
				p.send(t, 5, 10)
				assert.Equal(t, assert.Receive(t, answer).body, pollOf(0, 10))
				assert.Equal(t, time.Since(began), batchDelay)
			}
		})
	})
	t.Run("a poll that comes later", func(t *testing.T) {
		faked(t, o, func(t *testing.T, h *host) {
			p := h.poller()
			began := time.Now()
			p.send(t, 0, 5)
			time.Sleep(batchDelay / 4)
			p.expectPoll(t, pollOf(0, 5))
			assert.Equal(t, time.Since(began), batchDelay)
			p.send(t, 0, 5)
			time.Sleep(2 * batchDelay)
			p.expectPoll(t, pollOf(0, 5))
			assert.Equal(t, time.Since(began), 3*batchDelay)
		})
	})
	t.Run("what does not wait", func(t *testing.T) {
		faked(t, o, func(t *testing.T, h *host) {
			p := h.poller()
			answer := p.pending()
			p.send(t, 0, 16) // more than half of what may wait
			assert.Equal(t, assert.Receive(t, answer).body, pollOf(0, 16))
			answer = p.pending()
			began := time.Now()
			p.send(t, 0, 3)
			p.session.Close()
			assert.Equal(t, assert.Receive(t, answer).body, pollOf(0, 3))
			assert.Equal(t, p.get().body, "6\x1e1")
			assert.Equal(t, time.Since(began), time.Duration(0))
		})
	})
	t.Run("an upgrade", func(t *testing.T) {
		faked(t, o, func(t *testing.T, h *host) {
			p := h.poller()
			began := time.Now()
			p.send(t, 0, 3)
			c := p.upgrade(t)
			for i := range 3 {
				c.Expect(t, "4"+fmt.Sprint(i))
			}
			assert.True(t, time.Since(began) < batchDelay, "%s", time.Since(began))
		})
	})
}

func TestBatchOverWebSocket(t *testing.T) {
	o := &Options{BatchDelay: batchDelay}
	t.Run("messages", func(t *testing.T) {
		faked(t, o, func(t *testing.T, h *host) {
			began := time.Now()
			c, p := h.websocket(t)
			assert.Equal(t, time.Since(began), time.Duration(0), "the handshake does not wait")
			for range 3 {
				began = time.Now()
				p.send(t, 0, 5)
				time.Sleep(batchDelay / 2)
				p.send(t, 5, 10)
				messages, _ := p.session.Buffered()
				assert.Equal(t, messages, 10)
				for i := range 10 {
					c.Expect(t, "4"+fmt.Sprint(i))
				}
				assert.Equal(t, time.Since(began), batchDelay)
			}
		})
	})
	t.Run("Close", func(t *testing.T) {
		faked(t, o, func(t *testing.T, h *host) {
			c, p := h.websocket(t)
			began := time.Now()
			p.send(t, 0, 5)
			p.session.Close()
			for i := range 5 {
				c.Expect(t, "4"+fmt.Sprint(i))
			}
			assert.Equal(t, time.Since(began), time.Duration(0))
		})
	})
}

func TestShutdownSendsWhatWaitsForMore(t *testing.T) {
	faked(t, &Options{BatchDelay: time.Second}, func(t *testing.T, h *host) {
		c, w := h.websocket(t)
		stuck, s := h.websocket(t)
		_ = stuck
		p, away := h.poller(), h.poller()
		answer := p.pending()
		assert.NoError(t, s.session.Send(TextMessage(strings.Repeat("x", 200_000)))) // more than the network holds
		for _, peer := range []*peer{w, p.peer, away.peer} {
			peer.send(t, 0, 3)
		}
		synctest.Wait()
		began := time.Now()
		assert.NoError(t, h.engine.Shutdown(context.Background()))
		assert.True(t, time.Since(began) < 2*flushGrace, "%s", time.Since(began))
		for i := range 3 {
			c.Expect(t, "4"+fmt.Sprint(i))
		}
		assert.Equal(t, assert.Receive(t, answer).body, pollOf(0, 3))
		w.expectClosed(t, ServerShuttingDown)
	})
}
