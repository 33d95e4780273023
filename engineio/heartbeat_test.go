package engineio

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
)

var lively = Options{PingInterval: 5 * time.Second, PingTimeout: 4 * time.Second}

// beat is how late a ping or a time-out of lively may be.
const beat = 4 * time.Second / 64

// expectAfter checks how long something took. On the fake clock nothing else takes time;
// a ping's time-out counts from when it was due, which may be a beat ago.
func expectAfter(t *testing.T, began time.Time, d time.Duration) {
	t.Helper()
	took := time.Since(began)
	assert.True(t, took >= d-beat && took <= d+beat, "took %s, want %s", took, d)
}

func TestHeartbeatOverPolling(t *testing.T) {
	faked(t, &lively, func(t *testing.T, h *host) {
		p := h.poller()
		assert.Equal(t, p.open.PingInterval, 5000)
		assert.Equal(t, p.open.PingTimeout, 4000)
		for range 3 {
			began := time.Now()
			p.expectPoll(t, "2")
			expectAfter(t, began, lively.PingInterval)
			assert.Equal(t, p.post("3").status, 200)
		}
		p.expectOpen(t)
	})
}

func TestHeartbeatOverWebSocket(t *testing.T) {
	faked(t, &lively, func(t *testing.T, h *host) {
		c, p := h.websocket(t)
		for range 3 {
			began := time.Now()
			c.Expect(t, "2")
			expectAfter(t, began, lively.PingInterval)
			assert.NoError(t, c.SendText("3"))
		}
		p.expectOpen(t)
	})
}

func TestNoSecondPingBeforeThePong(t *testing.T) {
	faked(t, &Options{PingInterval: time.Second, PingTimeout: time.Hour}, func(t *testing.T, h *host) {
		c, p := h.websocket(t)
		c.Expect(t, "2")
		time.Sleep(time.Minute)
		assert.NoError(t, p.session.Send(TextMessage("next")))
		c.Expect(t, "4next")
	})
}

// A ping goes ahead of messages that wait for a poll.
func TestPingBeforeBacklog(t *testing.T) {
	faked(t, &lively, func(t *testing.T, h *host) {
		p := h.poller()
		assert.NoError(t, p.session.Send(TextMessage("a")))
		time.Sleep(lively.PingInterval + beat)
		p.expectPoll(t, "2\x1e4a")
	})
}

func TestPingTimeoutOverPolling(t *testing.T) {
	faked(t, &lively, func(t *testing.T, h *host) {
		p := h.poller()
		p.expectPoll(t, "2")
		began := time.Now()
		p.expectPoll(t, "1") // pending when the time is up
		expectAfter(t, began, lively.PingTimeout)
		p.expectClosed(t, PingTimeout)
		p.expectUnknown(t)
	})
}

func TestPingTimeoutOverWebSocket(t *testing.T) {
	faked(t, &lively, func(t *testing.T, h *host) {
		c, p := h.websocket(t)
		c.Expect(t, "2")
		began := time.Now()
		c.ExpectClose(t)
		expectAfter(t, began, lively.PingTimeout)
		p.expectClosed(t, PingTimeout)
	})
}

// A request that comes after the time-out does not find the session, even when the wheel
// has not come round yet.
func TestOverdueSessionIsNotFound(t *testing.T) {
	p := serve(t, &Options{PingInterval: time.Hour, PingTimeout: time.Hour}).poller()
	p.session.mu.Lock()
	p.session.beat, p.session.due = beatPong, p.session.server.now()-1
	p.session.mu.Unlock()
	p.expectUnknown(t)
	p.expectClosed(t, PingTimeout)
}

// Nothing moves on a half-open connection; only the missing pong tells.
func TestHalfOpenConnections(t *testing.T) {
	faked(t, &lively, func(t *testing.T, h *host) {
		var peers []*peer
		for range 20 {
			_, p := h.websocket(t) // never reads again, never answers
			peers = append(peers, p, h.poller().peer)
		}
		time.Sleep(lively.PingInterval + lively.PingTimeout + 2*beat)
		for _, p := range peers {
			p.expectClosed(t, PingTimeout)
		}
		synctest.Wait()
		assert.Equal(t, h.engine.Sessions(), 0)
	})
}

// The reference drops the time-out at the upgrade, and never pings again when the pong
// got lost on the way.
func TestPongThatIsOutstandingAtTheUpgrade(t *testing.T) {
	faked(t, &lively, func(t *testing.T, h *host) {
		p := h.poller()
		p.expectPoll(t, "2")
		time.Sleep(time.Second)
		c := p.upgrade(t)
		began := time.Now()
		c.ExpectClose(t)
		expectAfter(t, began, lively.PingTimeout)
		p.expectClosed(t, PingTimeout)
	})
}

// A ping that came due while no poll was there is sent over the new transport.
func TestPingThatIsDueAtTheUpgrade(t *testing.T) {
	faked(t, &lively, func(t *testing.T, h *host) {
		p := h.poller()
		c := p.candidate(t)
		assert.NoError(t, c.SendText("2probe"))
		c.Expect(t, "3probe")
		time.Sleep(lively.PingInterval + beat)
		assert.NoError(t, c.SendText("5"))
		c.Expect(t, "2")
		assert.NoError(t, c.SendText("3"))
		c.Expect(t, "2")
	})
}
