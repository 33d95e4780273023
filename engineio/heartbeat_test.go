package engineio

import (
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
)

// The intervals are short; what is asserted is what happens, not when.
var lively = Options{PingInterval: 20 * time.Millisecond, PingTimeout: 5 * time.Second}

// hasty gives clients no time at all.
var hasty = Options{PingInterval: 20 * time.Millisecond, PingTimeout: 20 * time.Millisecond}

func TestHeartbeatOverPolling(t *testing.T) {
	p := serve(t, &lively).poller()
	assert.Equal(t, p.open.PingInterval, 20)
	assert.Equal(t, p.open.PingTimeout, 5000)
	for range 3 {
		p.expectPoll(t, "2")
		assert.Equal(t, p.post("3").status, 200)
	}
	p.expectOpen(t)
}

func TestHeartbeatOverWebSocket(t *testing.T) {
	c, p := serve(t, &lively).websocket(t)
	for range 3 {
		c.Expect(t, "2")
		assert.NoError(t, c.SendText("3"))
	}
	p.expectOpen(t)
}

func TestNoSecondPingBeforeThePong(t *testing.T) {
	c, p := serve(t, &lively).websocket(t)
	c.Expect(t, "2")
	assert.Eventually(t, func() bool { // well past the time of another ping
		return p.session.server.now() > 200*time.Millisecond
	})
	assert.NoError(t, p.session.Send(TextMessage("next")))
	c.Expect(t, "4next")
}

// A ping goes ahead of messages that wait for a poll.
func TestPingBeforeBacklog(t *testing.T) {
	p := serve(t, &lively).poller()
	assert.NoError(t, p.session.Send(TextMessage("a")))
	assert.Eventually(t, func() bool {
		p.session.mu.Lock()
		defer p.session.mu.Unlock()
		return p.session.polling.ping
	})
	p.expectPoll(t, "2\x1e4a")
}

func TestPingTimeoutOverPolling(t *testing.T) {
	p := serve(t, &hasty).poller()
	p.expectPoll(t, "2")
	a := p.get() // pending when the time is up, or too late
	if a.status == 200 {
		assert.Equal(t, a.body, "1")
	} else {
		assert.Equal(t, a.body, `{"code":1,"message":"Session ID unknown"}`)
	}
	p.expectClosed(t, PingTimeout)
	p.expectUnknown(t)
}

func TestPingTimeoutAnswersThePendingPoll(t *testing.T) {
	p := serve(t, &Options{PingInterval: time.Millisecond, PingTimeout: 300 * time.Millisecond}).poller()
	p.expectPoll(t, "2")
	p.expectPoll(t, "1")
	p.expectClosed(t, PingTimeout)
}

func TestPingTimeoutOverWebSocket(t *testing.T) {
	c, p := serve(t, &hasty).websocket(t)
	c.Expect(t, "2")
	c.ExpectClose(t)
	p.expectClosed(t, PingTimeout)
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
	h := serve(t, &hasty)
	var peers []*peer
	for range 20 {
		_, p := h.websocket(t) // never reads again, never answers
		peers = append(peers, p, h.poller().peer)
	}
	for _, p := range peers {
		p.expectClosed(t, PingTimeout)
	}
	assert.Eventually(t, func() bool { return h.engine.Sessions() == 0 })
}

// The reference drops the time-out at the upgrade, and never pings again when the pong
// got lost on the way.
func TestPongThatIsOutstandingAtTheUpgrade(t *testing.T) {
	p := serve(t, &Options{PingInterval: 10 * time.Millisecond, PingTimeout: 200 * time.Millisecond}).poller()
	p.expectPoll(t, "2")
	c := p.upgrade(t)
	c.ExpectClose(t)
	p.expectClosed(t, PingTimeout)
}

// A ping that came due while no poll was there is sent over the new transport.
func TestPingThatIsDueAtTheUpgrade(t *testing.T) {
	p := serve(t, &lively).poller()
	c := p.candidate(t)
	assert.NoError(t, c.SendText("2probe"))
	c.Expect(t, "3probe")
	assert.Eventually(t, func() bool {
		p.session.mu.Lock()
		defer p.session.mu.Unlock()
		return p.session.polling.ping
	})
	assert.NoError(t, c.SendText("5"))
	c.Expect(t, "2")
	assert.NoError(t, c.SendText("3"))
	c.Expect(t, "2")
}
