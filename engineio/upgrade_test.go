package engineio

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

// Table 1.5.
func TestUpgrade(t *testing.T) {
	upgraded := &log[*Session]{}
	p := serve(t, &Options{Hooks: Hooks{Upgraded: upgraded.add}}).poller()
	assert.Equal(t, p.open.Upgrades, []string{"websocket"})
	c := p.candidate(t)
	assert.NoError(t, c.SendText("2probe"))
	c.Expect(t, "3probe")
	assert.Equal(t, p.session.Transport(), Polling)
	p.expectPoll(t, "6") // released by a noop, so that the client can stop
	p.expectPoll(t, "6") // and again: every 100 ms
	assert.NoError(t, c.SendText("5"))
	assert.NoError(t, c.SendText("4hello"))
	p.expect(t, "hello")
	assert.Equal(t, p.session.Transport(), WebSocket)
	assert.Equal(t, p.session.Upgraded(), true)
	assert.Equal(t, upgraded.all()[0] == p.session, true)
	assert.NoError(t, p.session.Send(TextMessage("hi")))
	c.Expect(t, "4hi")

	for _, method := range []string{"GET", "POST", "PUT"} {
		a := p.request(method, p.url, "")
		assert.Equal(t, a.status, 400, method)
		assert.Equal(t, a.body, `{"code":3,"message":"Bad request"}`, method)
	}
	p.expectOpen(t)
}

func TestUpgradeWithoutProbe(t *testing.T) {
	p := serve(t, nil).poller()
	c := p.candidate(t)
	assert.NoError(t, c.SendText("5"))
	assert.Eventually(t, p.session.Upgraded)
}

// The noop does not come with the answer to the probe: the client would take it for its
// last poll.
func TestNoopWaitsForItsInterval(t *testing.T) {
	faked(t, nil, func(t *testing.T, h *host) {
		p := h.poller()
		c := p.candidate(t)
		assert.NoError(t, c.SendText("2probe"))
		c.Expect(t, "3probe")
		for range 3 {
			before := time.Now()
			p.expectPoll(t, "6")
			took := time.Since(before)
			assert.True(t, took >= noopInterval-upgradeTick && took <= noopInterval+upgradeTick, "after %s", took)
		}
	})
}

func TestBacklogMovesWithTheUpgrade(t *testing.T) {
	p := serve(t, nil).poller()
	for _, text := range []string{"a", "b"} {
		assert.NoError(t, p.session.Send(TextMessage(text)))
	}
	assert.NoError(t, p.session.Send(BinaryMessage([]byte{1})))
	messages, bytes := p.session.Buffered()
	assert.Equal(t, messages, 3)
	assert.Equal(t, bytes, 4+4+3)
	c := p.upgrade(t)
	c.Expect(t, "4a")
	c.Expect(t, "4b")
	f, err := c.Read()
	assert.NoError(t, err)
	assert.Equal(t, f.Payload, []byte{1})
	assert.Eventually(t, func() bool { n, _ := p.session.Buffered(); return n == 0 })
}

// A full backlog is still within the bounds after the move.
func TestFullBacklogMovesWithTheUpgrade(t *testing.T) {
	p := serve(t, &Options{MaxQueuedMessages: 100, MaxQueuedBytes: 1 << 20}).poller()
	for i := range 100 {
		assert.NoError(t, p.session.Send(TextMessage(fmt.Sprint(i))))
	}
	c := p.upgrade(t)
	for i := range 100 {
		c.Expect(t, fmt.Sprint("4", i))
	}
	p.expectOpen(t)
}

// A poll that is pending when the client moves is refused like one that comes later: two
// connections have no order, and the client has said that it does not poll any more.
func TestPollPendingAtTheUpgrade(t *testing.T) {
	p := serve(t, nil).poller()
	pending := p.pending()
	c := p.candidate(t)
	assert.NoError(t, c.SendText("5"))
	a := assert.Receive(t, pending)
	assert.Equal(t, a.status, 400)
	assert.Equal(t, a.body, `{"code":3,"message":"Bad request"}`)
	p.expectOpen(t)
	assert.NoError(t, p.session.Send(TextMessage("x")))
	c.Expect(t, "4x")
}

// What was posted before the upgrade counts, although it is complete only after it.
func TestPostInFlightAtTheUpgrade(t *testing.T) {
	p := serve(t, nil).poller()
	c := dial(t, p.host)
	c.write("POST /?EIO=4&transport=polling&sid=" + p.sid + " HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n4a")
	assert.Eventually(t, func() bool {
		p.session.mu.Lock()
		defer p.session.mu.Unlock()
		return p.session.polling.post != nil
	})
	p.upgrade(t)
	c.write("\x1e4bc")
	p.expect(t, "a")
	p.expect(t, "bc")
	a, err := c.read()
	assert.NoError(t, err)
	assert.Equal(t, a.body, "ok")
}

// One that dribbles on is not bounded by the heartbeat any more, but it is bounded.
func TestPostThatDribblesThroughTheUpgrade(t *testing.T) {
	faked(t, &Options{UpgradeTimeout: 5 * time.Second}, func(t *testing.T, h *host) {
		p := h.poller()
		c := dial(t, h)
		c.write("POST /?EIO=4&transport=polling&sid=" + p.sid + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n4a")
		synctest.Wait()
		ws := p.upgrade(t)
		began := time.Now()
		c.expectHangup()
		assert.Equal(t, time.Since(began).Round(time.Second/10), 5*time.Second)
		assert.NoError(t, ws.SendText("4x"))
		p.expect(t, "x")
		p.expectOpen(t)
	})
}

func TestCandidateThatSaysSomethingElse(t *testing.T) {
	for _, text := range []string{"4hello", "2", "3probe", "2other", "abc", "", "0", "1"} {
		t.Run(text, func(t *testing.T) {
			p := serve(t, nil).poller()
			c := p.candidate(t)
			assert.NoError(t, c.SendText(text))
			c.ExpectClose(t)
			p.expectOpen(t)
			assert.NoError(t, p.session.Send(TextMessage("x")))
			p.expectPoll(t, "4x")
			assert.Equal(t, len(p.messages), 0)
			p.upgrade(t) // it may try again
		})
	}
}

func TestCandidateThatSendsBinary(t *testing.T) {
	p := serve(t, nil).poller()
	c := p.candidate(t)
	assert.NoError(t, c.SendBinary([]byte("5")))
	c.ExpectClose(t)
	p.expectOpen(t)
}

func TestCandidateThatHangsUp(t *testing.T) {
	for _, stage := range []string{"at once", "after the probe"} {
		t.Run(stage, func(t *testing.T) {
			p := serve(t, nil).poller()
			c := p.candidate(t)
			if stage != "at once" {
				assert.NoError(t, c.SendText("2probe"))
				c.Expect(t, "3probe")
			}
			c.Close()
			assert.Eventually(t, func() bool { return p.session.holds.Load() == 1 })
			p.expectOpen(t)
			p.upgrade(t)
		})
	}
}

func TestUpgradeTimeout(t *testing.T) {
	for _, stage := range []string{"nothing was sent", "after the probe"} {
		t.Run(stage, func(t *testing.T) {
			faked(t, &Options{UpgradeTimeout: 5 * time.Second}, func(t *testing.T, h *host) {
				p := h.poller()
				began := time.Now()
				c := p.candidate(t)
				if stage != "nothing was sent" {
					assert.NoError(t, c.SendText("2probe"))
					c.Expect(t, "3probe")
				}
				c.ExpectClose(t)
				took := time.Since(began)
				assert.True(t, took >= 5*time.Second && took <= 5*time.Second+upgradeTick, "after %s", took)
				p.expectOpen(t)
				assert.NoError(t, p.session.Send(TextMessage("x")))
				p.expectPoll(t, "4x")
			})
		})
	}
}

// A client that does not answer the close frame of a candidate that was given up.
func TestCandidateThatStaysOpen(t *testing.T) {
	faked(t, nil, func(t *testing.T, h *host) {
		p := h.poller()
		p.candidate(t) // and nothing more
		time.Sleep(h.engine.opts.UpgradeTimeout + closeTimeout - time.Second)
		assert.Equal(t, p.session.holds.Load(), int32(2), "the server waits for the good-bye")
		time.Sleep(2 * time.Second)
		assert.Equal(t, p.session.holds.Load(), int32(1), "the server hangs up")
		p.expectOpen(t)
	})
}

func TestSecondCandidateIsRefused(t *testing.T) {
	p := serve(t, nil).poller()
	first := p.candidate(t)
	second := p.candidate(t) // is answered 101
	_, orderly := second.ExpectClose(t)
	assert.True(t, orderly)
	assert.NoError(t, first.SendText("2probe"))
	first.Expect(t, "3probe")
	assert.NoError(t, first.SendText("5"))
	assert.Eventually(t, p.session.Upgraded)
	_, orderly = p.candidate(t).ExpectClose(t)
	assert.True(t, orderly, "after the upgrade, too")
	assert.NoError(t, p.session.Send(TextMessage("x")))
	first.Expect(t, "4x")
}

// Node takes it for an upgrade.
func TestSecondWebSocketOfASessionThatBeganOnWebSocket(t *testing.T) {
	h := serve(t, nil)
	c, p := h.websocket(t)
	second := h.dialWebSocket(t, "&transport=websocket&sid="+p.session.ID())
	_, orderly := second.ExpectClose(t)
	assert.True(t, orderly)
	assert.NoError(t, c.SendText("4still"))
	p.expect(t, "still")
}

func TestRefusedCandidatesAreBounded(t *testing.T) {
	h := serve(t, nil)
	p := h.poller()
	p.candidate(t)
	refused := 0
	for range maxStrays + 20 {
		c, resp, err := wstest.Try(h.url+"&transport=websocket&sid="+p.sid, nil)
		assert.NoError(t, err)
		if c != nil {
			t.Cleanup(func() { c.Close() }) // without answering the close frame
			continue
		}
		refused++
		assert.Equal(t, resp.StatusCode, 400)
	}
	assert.True(t, refused > 0)
}

func TestSessionThatEndsDuringTheUpgrade(t *testing.T) {
	p := serve(t, nil).poller()
	c := p.candidate(t)
	assert.NoError(t, c.SendText("2probe"))
	c.Expect(t, "3probe")
	p.session.Abort(TransportError, nil)
	c.ExpectClose(t)
	p.expectClosed(t, TransportError)
}

// The server said good-bye while the client was moving: the rest, and the close, come
// over WebSocket.
func TestCloseDuringTheUpgrade(t *testing.T) {
	p := serve(t, nil).poller()
	c := p.candidate(t)
	assert.NoError(t, p.session.Send(TextMessage("last")))
	p.session.Close()
	assert.NoError(t, c.SendText("5"))
	c.Expect(t, "4last")
	_, orderly := c.ExpectClose(t)
	assert.True(t, orderly)
	p.expectClosed(t, ForcedClose)
}

func TestDisableUpgrades(t *testing.T) {
	p := serve(t, &Options{DisableUpgrades: true}).poller()
	assert.Equal(t, p.open.Upgrades, []string{})
	p.upgrade(t) // not refused otherwise, as in the reference
}

func TestPollingAlone(t *testing.T) {
	h := serve(t, &Options{Transports: []Transport{Polling}})
	p := h.poller()
	assert.Equal(t, p.open.Upgrades, []string{})
	c, resp, err := wstest.Try(h.url+"&transport=websocket&sid="+p.sid, nil)
	assert.NoError(t, err)
	assert.True(t, c == nil && resp.StatusCode == 400)
}

func TestWebSocketAlone(t *testing.T) {
	h := serve(t, &Options{Transports: []Transport{WebSocket}})
	h.websocket(t)
	a := h.request("GET", h.url+"&transport=polling", "")
	assert.Equal(t, a.body, `{"code":0,"message":"Transport unknown"}`)
}

// Both sides send numbered messages while the client moves as the official one does:
// probe, wait for the poll in flight, move. Nothing is lost, doubled or out of order.
func TestOrderAcrossTheUpgrade(t *testing.T) {
	const count = 300
	for round := range 5 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			p := serve(t, nil).poller()
			var sending sync.WaitGroup
			sending.Go(func() { // server to client
				for i := range count {
					if err := p.session.Send(TextMessage(fmt.Sprint(i))); err != nil {
						t.Error(err)
						return
					}
					if i%20 == 0 {
						time.Sleep(time.Millisecond) // spreads the messages over polls and the move
					}
				}
			})
			var got []string
			take := func(payload string) {
				for packet := range strings.SplitSeq(payload, "\x1e") {
					if strings.HasPrefix(packet, "4") {
						got = append(got, packet[1:])
					}
				}
			}
			sent := 0
			post := func() {
				assert.Equal(t, p.post(fmt.Sprintf("4%d\x1e4%d", sent, sent+1)).body, "ok")
				sent += 2
			}
			for range 3 {
				take(p.get().body)
				post()
			}
			c := p.candidate(t)
			assert.NoError(t, c.SendText("2probe"))
			last := make(chan string, 1)
			go func() { a, _ := p.do("GET", p.url, ""); last <- a.body }()
			c.Expect(t, "3probe")
			post()
			take(assert.Receive(t, last)) // a message, or a noop
			assert.NoError(t, c.SendText("5"))
			for ; sent < count; sent++ {
				assert.NoError(t, c.SendText(fmt.Sprint("4", sent)))
			}
			for len(got) < count {
				take(c.Next(t))
			}
			sending.Wait()
			for i := range count {
				assert.Equal(t, got[i], fmt.Sprint(i))
				p.expect(t, fmt.Sprint(i))
			}
			p.expectOpen(t)
		})
	}
}
