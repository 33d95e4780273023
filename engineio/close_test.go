package engineio

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

func TestCloseOverPolling(t *testing.T) {
	for _, c := range []struct {
		name    string
		backlog int
		pending bool
		bodies  []string
	}{
		{"a poll is pending", 0, true, []string{"1"}},
		{"no poll is pending", 0, false, []string{"6\x1e1"}},
		// Not in one answer: the close packet would overtake what is in front of it.
		{"backlog", 2, false, []string{"40\x1e41", "6\x1e1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := serve(t, nil).poller()
			var pending <-chan answer
			if c.pending {
				pending = p.pending()
			}
			for i := range c.backlog {
				assert.NoError(t, p.session.Send(TextMessage(fmt.Sprint(i))))
			}
			p.session.Close()
			p.session.Close()
			assert.ErrorIs(t, p.session.Send(TextMessage("too late")), ErrClosed)
			if pending == nil {
				assert.Equal(t, p.post("4too late").body, "ok")
				p.expectOpen(t)
				for _, body := range c.bodies {
					p.expectPoll(t, body)
				}
			} else {
				assert.Equal(t, assert.Receive(t, pending).body, c.bodies[0])
			}
			p.expectClosed(t, ForcedClose)
			p.expectUnknown(t)
			assert.Equal(t, len(p.messages), 0)
		})
	}
}

// A client that takes its last messages for a good-bye says the same, and polls no more.
func TestCloseThatTheClientAnswers(t *testing.T) {
	p := serve(t, nil).poller()
	assert.NoError(t, p.session.Send(TextMessage("0")))
	p.session.Close()
	p.expectPoll(t, "40")
	assert.Equal(t, p.post("4too late\x1e1").body, "ok")
	p.expectClosed(t, ForcedClose)
	p.expectUnknown(t)
	assert.Equal(t, len(p.messages), 0)
}

// A backlog larger than one answer is handed out before the close packet.
func TestCloseAfterSeveralPolls(t *testing.T) {
	p := serve(t, &Options{MaxPayload: 100}).poller()
	for range 3 {
		assert.NoError(t, p.session.Send(TextMessage(strings.Repeat("x", 90))))
	}
	p.session.Close()
	for range 3 {
		assert.Equal(t, len(p.get().body), 91)
	}
	p.expectPoll(t, "6\x1e1")
	p.expectClosed(t, ForcedClose)
}

func TestCloseThatNoPollComesFor(t *testing.T) {
	faked(t, nil, func(t *testing.T, h *host) {
		p := h.poller()
		p.session.Close()
		time.Sleep(lingerTimeout - time.Second)
		p.expectOpen(t)
		time.Sleep(2 * time.Second)
		p.expectClosed(t, ForcedClose)
		p.expectUnknown(t)
	})
}

// A close packet waits a moment for the poll that was sent with it, but not when its
// session ends meanwhile: the receiver's turn is not held up.
func TestCloseWhileAClosePacketWaitsForItsPoll(t *testing.T) {
	faked(t, nil, func(t *testing.T, h *host) {
		p := h.poller()
		posted := make(chan answer, 1)
		go func() { posted <- p.post("1") }()
		synctest.Wait()
		began := time.Now()
		p.session.Abort(TransportError, nil)
		p.expectClosed(t, TransportError)
		assert.Equal(t, (<-posted).body, "ok")
		assert.Equal(t, time.Since(began), 0*time.Second)
	})
}

func TestCloseOverWebSocket(t *testing.T) {
	for _, backlog := range []int{0, 100} {
		t.Run(fmt.Sprint("backlog ", backlog), func(t *testing.T) {
			c, p := serve(t, nil).websocket(t)
			for range backlog {
				assert.NoError(t, p.session.Queue(TextMessage(strings.Repeat("x", 1000))))
			}
			p.session.Close()
			for range backlog {
				assert.Equal(t, len(c.Next(t)), 1001)
			}
			payload, orderly := c.ExpectClose(t)
			assert.True(t, orderly)
			assert.Equal(t, len(payload), 0, "without a code")
			p.expectClosed(t, ForcedClose)
			assert.ErrorIs(t, p.session.Send(TextMessage("too late")), ErrClosed)
		})
	}
}

func TestAbort(t *testing.T) {
	reason, cause := Reason("the house burns"), errors.New("fire")
	t.Run("polling", func(t *testing.T) {
		p := serve(t, nil).poller()
		pending := p.pending()
		p.session.Abort(reason, cause)
		p.session.Abort(TransportError, nil)
		p.session.Close()
		assert.Equal(t, assert.Receive(t, pending).body, "1")
		assert.ErrorIs(t, p.expectClosed(t, reason), cause)
		p.expectUnknown(t)
	})
	t.Run("websocket", func(t *testing.T) {
		c, p := serve(t, nil).websocket(t)
		p.session.Abort(reason, cause)
		c.ExpectClose(t)
		assert.ErrorIs(t, p.expectClosed(t, reason), cause)
	})
}

// Close and Abort may be called by the receiver while it is being told something, and
// while it is being made.
func TestEndFromWithinTheReceiver(t *testing.T) {
	ends := map[string]struct {
		end    func(*Session)
		reason Reason
	}{
		"Close": {(*Session).Close, ForcedClose},
		"Abort": {func(s *Session) { s.Abort(TransportError, nil) }, TransportError},
	}
	for name, e := range ends {
		t.Run(name+" from Message", func(t *testing.T) {
			h := serve(t, nil)
			c, p := h.websocket(t)
			p.onMessage = func([]byte, bool) { e.end(p.session) }
			assert.NoError(t, c.SendText("4a"))
			assert.NoError(t, c.SendText("4b"))
			p.expectClosed(t, e.reason)
			q := h.poller()
			q.onMessage = func([]byte, bool) { e.end(q.session) }
			pending := q.pending()
			assert.Equal(t, q.post("4a\x1e4b").body, "ok")
			assert.Equal(t, assert.Receive(t, pending).body, "1")
			q.expectClosed(t, e.reason)
			assert.Equal(t, len(q.messages), 1)
		})
		t.Run(name+" from accept", func(t *testing.T) {
			h := serve(t, nil)
			accept := h.engine.accept
			h.engine.accept = func(s *Session) Receiver { e.end(s); return accept(s) }
			c := wstest.Dial(t, h.url+"&transport=websocket")
			c.ExpectClose(t)
			assert.Receive(t, h.peers).expectClosed(t, e.reason)
			assert.Equal(t, h.request("GET", h.url+"&transport=polling", "").status, 200)
			p := assert.Receive(t, h.peers)
			a := h.request("GET", h.url+"&transport=polling&sid="+p.session.ID(), "")
			if name == "Close" {
				assert.Equal(t, a.body, "6\x1e1")
			} else {
				assert.Equal(t, a.status, 400)
			}
			p.expectClosed(t, e.reason)
		})
	}
}

func TestClosedHook(t *testing.T) {
	type closed struct {
		s      *Session
		reason Reason
	}
	hooked := make(chan closed, 2)
	opened := make(chan *Session, 2)
	h := serve(t, &Options{Hooks: Hooks{
		Opened: func(s *Session) { opened <- s },
		Closed: func(s *Session, r Reason, _ error) { hooked <- closed{s, r} },
	}})
	p := h.poller()
	assert.True(t, assert.Receive(t, opened) == p.session)
	p.session.Abort(PingTimeout, nil)
	c := assert.Receive(t, hooked)
	assert.True(t, c.s == p.session)
	assert.Equal(t, c.reason, PingTimeout)
}

// Whoever ends a session, and however many do at once: Closed is called once, after the
// last Message.
func TestClosedOnceAndLast(t *testing.T) {
	h := serve(t, nil)
	for round := range 30 {
		var c *wstest.Conn
		var p *peer
		if round%2 == 0 {
			c, p = h.websocket(t)
		} else {
			q := h.poller()
			p, c = q.peer, q.upgrade(t)
		}
		var busy, ended bool // guarded by the turn that is under test
		p.onMessage = func([]byte, bool) {
			if busy || ended {
				t.Error("messages overlap, or come after Closed")
			}
			busy = true
			time.Sleep(10 * time.Microsecond) // room for an overlap
			busy = false
		}
		var enders sync.WaitGroup
		enders.Go(func() {
			for range 20 {
				if c.SendText("4x") != nil {
					return
				}
			}
			_ = c.SendText("1")
		})
		enders.Go(func() { p.session.Close() })
		enders.Go(func() { p.session.Abort(ServerShuttingDown, nil) })
		enders.Go(func() { _ = c.Close() })
		assert.Receive(t, p.closed)
		p.session.receive.Lock()
		ended = true
		p.session.receive.Unlock()
		enders.Wait()
	}
	assert.Eventually(t, func() bool { return h.engine.Sessions() == 0 })
}

func TestSlowConsumer(t *testing.T) {
	t.Run("polling, messages", func(t *testing.T) {
		p := serve(t, &Options{MaxQueuedMessages: 3}).poller()
		for range 3 {
			assert.NoError(t, p.session.Send(TextMessage("x")))
		}
		assert.ErrorIs(t, p.session.Send(TextMessage("x")), ErrSlowConsumer)
		assert.ErrorIs(t, p.session.Send(TextMessage("x")), ErrClosed)
		assert.ErrorIs(t, p.expectClosed(t, SlowConsumer), ErrSlowConsumer)
		p.expectUnknown(t)
	})
	t.Run("polling, bytes", func(t *testing.T) {
		p := serve(t, &Options{MaxQueuedBytes: 1000}).poller()
		assert.NoError(t, p.session.Send(TextMessage(strings.Repeat("x", 900))))
		assert.ErrorIs(t, p.session.Queue(TextMessage(strings.Repeat("x", 200))), ErrSlowConsumer)
		p.expectClosed(t, SlowConsumer)
	})
	t.Run("websocket", func(t *testing.T) {
		h := serve(t, &Options{MaxQueuedBytes: 1 << 20})
		_, p := h.websocket(t) // does not read
		m := TextMessage(strings.Repeat("x", 100_000))
		var err error
		for range 1000 { // the kernel's buffers take some
			if err = p.session.Send(m); err != nil {
				break
			}
		}
		assert.ErrorIs(t, err, ErrSlowConsumer)
		p.expectClosed(t, SlowConsumer)
	})
}

func TestVolatileMessagesGoFirst(t *testing.T) {
	dropped := &log[*Message]{}
	p := serve(t, &Options{MaxQueuedMessages: 2, Hooks: Hooks{
		Dropped: func(_ *Session, m *Message) { dropped.add(m) },
	}}).poller()
	loose := func(text string) *Message {
		m := TextMessage(text)
		m.Volatile = true
		return m
	}
	assert.NoError(t, p.session.Send(loose("a")))
	assert.NoError(t, p.session.Send(TextMessage("b")))
	assert.NoError(t, p.session.Send(TextMessage("c"))) // a makes room
	m := loose("d")
	assert.ErrorIs(t, p.session.Send(m), ErrDropped)
	assert.ErrorIs(t, p.session.Queue(loose("e")), ErrDropped)
	assert.Equal(t, len(dropped.all()), 1, "told by Send alone")
	assert.True(t, dropped.all()[0] == m)
	p.expectPoll(t, "4b\x1e4c")
	p.expectOpen(t)
}

func TestShutdown(t *testing.T) {
	h := serve(t, nil)
	p, q := h.poller(), h.poller()
	c, w := h.websocket(t)
	u := h.poller()
	candidate := u.candidate(t)
	pending := p.pending()
	assert.NoError(t, q.session.Send(TextMessage("discarded")))
	assert.NoError(t, h.engine.Shutdown(t.Context()))
	for _, peer := range []*peer{p.peer, q.peer, w, u.peer} {
		peer.expectClosed(t, ServerShuttingDown)
	}
	assert.Equal(t, assert.Receive(t, pending).body, "1")
	c.ExpectClose(t)
	candidate.ExpectClose(t)
	assert.Equal(t, h.engine.Sessions(), 0)
	q.expectUnknown(t)

	a := h.request("GET", h.url+"&transport=polling", "")
	assert.Equal(t, a.status, 503)
	assert.Equal(t, a.body, `{"code":4,"message":"Server shutting down"}`)
	assert.True(t, a.header.Get("Retry-After") != "")
	resp := dialResponse(t, h.url+"&transport=websocket")
	assert.Equal(t, resp.StatusCode, 503)
}

func TestShutdownIsBoundedByItsContext(t *testing.T) {
	h := serve(t, nil) // not faked: the finisher waits for the turn, which is a lock
	p := h.poller()
	hold := make(chan struct{})
	p.onMessage = func([]byte, bool) { <-hold } // a receiver that breaks its promise
	posted := make(chan struct{})
	go func() { defer close(posted); _, _ = h.do("POST", p.url, "4a") }()
	assert.Eventually(t, func() bool { return !p.session.receive.TryLock() || unlock(p.session) })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	assert.ErrorIs(t, h.engine.Shutdown(ctx), context.DeadlineExceeded)
	close(hold)
	<-posted
	assert.NoError(t, h.engine.Shutdown(t.Context()), "again")
}

func unlock(s *Session) bool { s.receive.Unlock(); return false }

// Handshakes that race with Shutdown are refused, or closed by it.
func TestShutdownDuringHandshakes(t *testing.T) {
	h := serve(t, nil)
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for {
				a, err := h.do("GET", h.url+"&transport=polling", "")
				if err != nil || a.status == http.StatusServiceUnavailable {
					return
				}
			}
		})
	}
	assert.Eventually(t, func() bool { return h.engine.Sessions() > 20 })
	assert.NoError(t, h.engine.Shutdown(t.Context()))
	clients.Wait()
	assert.Equal(t, h.engine.Sessions(), 0)
	close(h.peers)
	for p := range h.peers {
		p.expectClosed(t, ServerShuttingDown)
	}
}

func TestPanicOfAReceiver(t *testing.T) {
	h := serve(t, nil)
	c, p := h.websocket(t)
	p.onMessage = func([]byte, bool) { panic("oops") }
	assert.NoError(t, c.SendText("4a"))
	assert.ErrorIs(t, p.expectClosed(t, TransportError), errPanic)
	c.ExpectClose(t)
	q := h.poller()
	q.onMessage = func([]byte, bool) { panic("oops") }
	q.post("4a")
	q.expectClosed(t, TransportError)
	_, other := h.websocket(t)
	other.expectOpen(t)
}

func TestPanicOfAccept(t *testing.T) {
	h := serve(t, nil)
	accept := h.engine.accept
	h.engine.accept = func(*Session) Receiver { panic(http.ErrAbortHandler) }
	_, err := h.do("GET", h.url+"&transport=polling", "")
	assert.True(t, err != nil)
	c := wstest.Dial(t, h.url+"&transport=websocket")
	c.ExpectClose(t)
	assert.Eventually(t, func() bool { return h.engine.Sessions() == 0 })
	h.engine.accept = accept
	h.poller().expectOpen(t)
}
