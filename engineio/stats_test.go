package engineio

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

// told counts the calls of all hooks, in the shape of Stats.
type told struct {
	mu    sync.Mutex
	stats Stats
}

func (n *told) hooks() Hooks {
	note := func(count func(*Stats)) {
		n.mu.Lock()
		defer n.mu.Unlock()
		count(&n.stats)
	}
	return Hooks{
		Opened:        func(*Session) { note(func(s *Stats) { s.Opened++ }) },
		Upgraded:      func(*Session) { note(func(s *Stats) { s.Upgraded++ }) },
		UpgradeFailed: func(*Session, error) { note(func(s *Stats) { s.UpgradesFailed++ }) },
		Closed: func(_ *Session, reason Reason, _ error) {
			note(func(s *Stats) { s.Closed = plus(s.Closed, reason) })
		},
		Refused:   func(f Refusal) { note(func(s *Stats) { s.Refused = plus(s.Refused, f.Kind()) }) },
		Oversized: func(*Session, int64, int64) { note(func(s *Stats) { s.Oversized++ }) },
		Dropped:   func(*Session, *Message) { note(func(s *Stats) { s.Dropped++ }) },
	}
}

func (n *told) all() Stats {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stats
}

func plus[K comparable](m map[K]uint64, k K) map[K]uint64 {
	grown := map[K]uint64{k: m[k] + 1}
	for other, count := range m {
		if other != k {
			grown[other] = count
		}
	}
	return grown
}

// expectStats waits until the server has counted what is wanted, and its hooks have been
// called as often. What hooks are not told of is added to their calls: the sessions there
// are, drops by Queue, and evictions.
// Traffic is counted for itself, see TestTraffic.
func (h *host) expectStats(t testing.TB, hooks *told, want Stats, droppedByQueue uint64) {
	t.Helper()
	called := func() Stats {
		s := hooks.all()
		s.Polling, s.WebSocket, s.Evicted = want.Polling, want.WebSocket, want.Evicted
		s.Dropped += droppedByQueue
		return s
	}
	defer func() {
		assert.Equal(t, h.life(), want, "counted")
		assert.Equal(t, called(), want, "told to hooks")
	}()
	assert.Eventually(t, func() bool {
		return cmp.Equal(h.life(), want) && cmp.Equal(called(), want)
	}, "counted: %+v, told to hooks: %+v, wanted: %+v", h.life(), called(), want)
}

// life is what is counted but for traffic.
func (h *host) life() Stats {
	s := h.engine.Stats()
	s.Traffic = Traffic{}
	return s
}

// cut is a ResponseWriter whose connection breaks when it is taken over.
type cut struct{ http.ResponseWriter }

func (w cut) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	nc, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		_ = nc.Close()
	}
	return nc, rw, err
}

// Each way in which something is refused, closed or dropped, once, and all that is counted
// then.
func TestStats(t *testing.T) {
	type counts = map[string]uint64
	type reasons = map[Reason]uint64
	const timeouts = 2 * time.Second
	refused := func(kind string) Stats { return Stats{Refused: counts{kind: 1}} }
	// ofSession adds a polling session that goes on.
	ofSession := func(s Stats) Stats { s.Polling, s.Opened = 1, 1; return s }
	// ended adds a session that has ended.
	ended := func(reason Reason, s Stats) Stats {
		s.Opened, s.Closed = 1, reasons{reason: 1}
		return s
	}
	mallory := &Options{AllowRequest: func(*http.Request) error { return errors.New("not you") }}
	loose := func(m *Message) *Message { m.Volatile = true; return m }

	for _, c := range []struct {
		name  string
		o     *Options
		cause func(t *testing.T, h *host)
		want  Stats
	}{
		// Life
		{"polling", nil, func(_ *testing.T, h *host) { h.poller() }, Stats{Polling: 1, Opened: 1}},
		{"websocket", nil, func(t *testing.T, h *host) { h.websocket(t) }, Stats{WebSocket: 1, Opened: 1}},
		{"upgrade", nil, func(t *testing.T, h *host) { h.poller().upgrade(t) }, Stats{WebSocket: 1, Opened: 1, Upgraded: 1}},

		// Ends
		{"close packet", nil, func(_ *testing.T, h *host) { h.poller().post("1") }, ended(TransportClose, Stats{})},
		{"hang-up", nil, func(t *testing.T, h *host) { c, _ := h.websocket(t); _ = c.Close() }, ended(TransportClose, Stats{})},
		{"poll given up", nil, func(t *testing.T, h *host) {
			p := h.poller()
			c := dial(t, h)
			c.write("GET /?EIO=4&transport=polling&sid=" + p.sid + " HTTP/1.1\r\nHost: x\r\n\r\n")
			p.awaitPending(t)
			c.close()
		}, ended(TransportError, Stats{})},
		{"close", nil, func(t *testing.T, h *host) {
			c, p := h.websocket(t)
			p.session.Close()
			c.ExpectClose(t)
			_ = c.Close()
		}, ended(ForcedClose, Stats{})},
		{"parse error", nil, func(t *testing.T, h *host) {
			c, _ := h.websocket(t)
			assert.NoError(t, c.SendText("abc"))
			c.ExpectClose(t)
			_ = c.Close()
		}, ended(ParseError, Stats{})},
		{"ping from the client", nil, func(t *testing.T, h *host) {
			c, _ := h.websocket(t)
			assert.NoError(t, c.SendText("2"))
			c.ExpectClose(t)
			_ = c.Close()
		}, ended(TransportError, Stats{})},
		{"broken frame", nil, func(t *testing.T, h *host) {
			c, _ := h.websocket(t)
			assert.NoError(t, c.SendFrame(3, nil))
		}, ended(TransportError, Stats{})},
		{"oversized message", &Options{MaxPayload: 100}, func(t *testing.T, h *host) {
			c, _ := h.websocket(t)
			assert.NoError(t, c.SendText(strings.Repeat("4", 101)))
		}, ended(TransportError, Stats{Oversized: 1})},
		{"ping time-out", &lively, func(t *testing.T, h *host) {
			h.websocket(t)
			time.Sleep(lively.PingInterval + lively.PingTimeout + timeouts)
		}, ended(PingTimeout, Stats{})},
		{"slow consumer", &Options{MaxQueuedMessages: 1}, func(t *testing.T, h *host) {
			p := h.poller()
			assert.NoError(t, p.session.Queue(TextMessage("a")))
			assert.ErrorIs(t, p.session.Queue(TextMessage("b")), ErrSlowConsumer)
		}, ended(SlowConsumer, Stats{})},
		{"a reason of the application", nil, func(_ *testing.T, h *host) {
			h.poller().session.Abort("the house burns", nil)
		}, ended("the house burns", Stats{})},
		{"shutdown", nil, func(t *testing.T, h *host) {
			h.poller()
			assert.NoError(t, h.engine.Shutdown(context.Background()))
			h.request("GET", h.url+"&transport=polling", "")
		}, ended(ServerShuttingDown, Stats{Refused: counts{CauseShutdown: 1}})},

		// Refused handshakes
		{"transport", nil, func(_ *testing.T, h *host) { h.request("GET", h.url+"&transport=abc", "") }, refused("UNKNOWN_TRANSPORT")},
		{"sid", nil, func(_ *testing.T, h *host) { h.request("GET", h.url+"&transport=polling&sid=x", "") }, refused("UNKNOWN_SID")},
		{"method", nil, func(_ *testing.T, h *host) { h.request("POST", h.url+"&transport=polling", "") }, refused("BAD_HANDSHAKE_METHOD")},
		{"AllowRequest", mallory, func(_ *testing.T, h *host) { h.request("GET", h.url+"&transport=polling", "") }, refused("FORBIDDEN")},
		{"protocol", nil, func(_ *testing.T, h *host) { h.request("GET", h.http.URL+"/?EIO=3&transport=polling", "") },
			refused("UNSUPPORTED_PROTOCOL_VERSION")},
		{"origin", nil, func(_ *testing.T, h *host) {
			h.request("GET", h.url+"&transport=polling", "", "Origin", "https://example.org")
		}, refused(CauseOrigin)},
		{"malformed origin", nil, func(_ *testing.T, h *host) {
			r := httptest.NewRequest("GET", h.url+"&transport=polling", nil)
			r.Header["Origin"] = []string{"http://example.com\x01"}
			h.engine.ServeHTTP(httptest.NewRecorder(), r)
		}, refused(CauseInvalidOrigin)},
		{"no WebSocket handshake", nil, func(_ *testing.T, h *host) { h.request("GET", h.url+"&transport=websocket", "") },
			refused(CauseTransportHandshake)},
		{"malformed WebSocket handshake", nil, func(t *testing.T, h *host) {
			r := httptest.NewRequest("GET", h.url+"&transport=websocket", nil)
			r.Header = wstest.Handshake()
			r.Header.Del("Sec-Websocket-Key")
			h.engine.ServeHTTP(httptest.NewRecorder(), r)
		}, refused(CauseTransportHandshake)},
		{"connection that cannot be taken over", nil, func(t *testing.T, h *host) {
			r := httptest.NewRequest("GET", h.url+"&transport=websocket", nil)
			r.Header = wstest.Handshake()
			h.engine.ServeHTTP(httptest.NewRecorder(), r)
		}, refused(CauseTransportHandshake)},
		{"GenerateID", &Options{GenerateID: func(*http.Request) (string, error) { return "", errors.New("none left") }},
			func(_ *testing.T, h *host) { h.request("GET", h.url+"&transport=polling", "") }, refused(CauseIDGeneration)},
		{"id in use", &Options{GenerateID: func(*http.Request) (string, error) { return "one", nil }}, func(_ *testing.T, h *host) {
			h.poller()
			h.request("GET", h.url+"&transport=polling", "")
		}, ofSession(refused(CauseIDGeneration))},
		{"connections", &Options{MaxConnections: 1}, func(_ *testing.T, h *host) {
			h.poller()
			h.request("GET", h.url+"&transport=polling", "")
		}, ofSession(refused(CauseMaxConnections))},

		// Refused requests of a session
		{"transport of another", nil, func(_ *testing.T, h *host) {
			p := h.poller()
			h.request("GET", h.url+"&transport=websocket&sid="+p.sid, "")
		}, ofSession(refused(CauseTransportMismatch))},
		{"method of a session", nil, func(_ *testing.T, h *host) {
			p := h.poller()
			h.request("PUT", p.url, "")
		}, ofSession(refused(CauseMethod))},
		{"oversized body", &Options{MaxPayload: 100}, func(_ *testing.T, h *host) { h.poller().post(strings.Repeat("4", 101)) },
			ofSession(Stats{Refused: counts{CausePayloadTooLarge: 1}, Oversized: 1})},
		{"overlapping polls", nil, func(_ *testing.T, h *host) {
			p := h.poller()
			pending := p.pending()
			p.get()
			<-pending
		}, ended(TransportError, refused(CauseOverlap))},
		{"overlapping posts", nil, func(t *testing.T, h *host) {
			p := h.poller()
			c := dial(t, h)
			c.write("POST /?EIO=4&transport=polling&sid=" + p.sid + " HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n4a")
			assert.Eventually(t, func() bool {
				p.session.mu.Lock()
				defer p.session.mu.Unlock()
				return p.session.polling.post != nil
			})
			p.post("4b")
		}, ended(TransportError, Stats{Refused: counts{CauseOverlap: 1, CauseIncompleteBody: 1}})},
		{"content type", nil, func(_ *testing.T, h *host) { h.poller().post("4", "Content-Type", "application/octet-stream") },
			ended(TransportError, refused(CauseContentType))},
		{"bad packet", nil, func(_ *testing.T, h *host) { h.poller().post("abc") }, ended(ParseError, refused(CauseBadPacket))},
		{"posted ping", nil, func(_ *testing.T, h *host) { h.poller().post("2") }, ended(TransportError, refused(CauseBadPacket))},
		{"incomplete body", nil, func(t *testing.T, h *host) {
			p := h.poller()
			c := dial(t, h)
			c.write("POST /?EIO=4&transport=polling&sid=" + p.sid + " HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n4a")
			c.close()
		}, ended(TransportError, refused(CauseIncompleteBody))},

		// Upgrades that come to nothing
		{"second candidate", nil, func(t *testing.T, h *host) {
			p := h.poller()
			first := p.candidate(t)
			p.candidate(t).ExpectClose(t)
			assert.NoError(t, first.SendText("5"))
			assert.Eventually(t, p.session.Upgraded)
		}, Stats{WebSocket: 1, Opened: 1, Upgraded: 1, Refused: counts{CauseUpgrade: 1}}},
		{"WebSocket of a session that began on WebSocket", nil, func(t *testing.T, h *host) {
			_, p := h.websocket(t)
			h.dialWebSocket(t, "&transport=websocket&sid="+p.session.ID()).ExpectClose(t)
		}, Stats{WebSocket: 1, Opened: 1, Refused: counts{CauseUpgrade: 1}}},
		{"malformed handshake of a candidate", nil, func(t *testing.T, h *host) {
			r := httptest.NewRequest("GET", h.url+"&transport=websocket&sid="+h.poller().sid, nil)
			r.Header = wstest.Handshake()
			r.Header.Del("Sec-Websocket-Key")
			h.engine.ServeHTTP(httptest.NewRecorder(), r)
		}, ofSession(refused(CauseTransportHandshake))},
		{"candidate that cannot be taken over", nil, func(t *testing.T, h *host) {
			r := httptest.NewRequest("GET", h.url+"&transport=websocket&sid="+h.poller().sid, nil)
			r.Header = wstest.Handshake()
			h.engine.ServeHTTP(httptest.NewRecorder(), r)
		}, ofSession(refused(CauseTransportHandshake))},
		{"candidate that says something else", nil, func(t *testing.T, h *host) {
			c := h.poller().candidate(t)
			assert.NoError(t, c.SendText("4hello"))
			c.ExpectClose(t)
			_ = c.Close()
		}, ofSession(Stats{UpgradesFailed: 1})},
		{"candidate that hangs up", nil, func(t *testing.T, h *host) { _ = h.poller().candidate(t).Close() },
			ofSession(Stats{UpgradesFailed: 1})},
		{"candidate that takes too long", &Options{UpgradeTimeout: timeouts}, func(t *testing.T, h *host) {
			h.poller().candidate(t).ExpectClose(t)
			time.Sleep(2 * closeTimeout) // it does not answer the close frame
		}, ofSession(Stats{UpgradesFailed: 1})},
		{"candidate that sends too much", &Options{MaxPayload: 100}, func(t *testing.T, h *host) {
			c := h.poller().candidate(t)
			assert.NoError(t, c.SendText(strings.Repeat("4", 101)))
			c.ExpectClose(t)
		}, ofSession(Stats{UpgradesFailed: 1, Oversized: 1})},
		{"candidate whose session ends", nil, func(t *testing.T, h *host) {
			p := h.poller()
			c := p.candidate(t)
			p.session.Abort(TransportError, nil)
			c.ExpectClose(t)
		}, ended(TransportError, Stats{UpgradesFailed: 1})},

		// What finds no room
		{"evicted and dropped", &Options{MaxQueuedMessages: 2}, func(t *testing.T, h *host) {
			p := h.poller()
			assert.NoError(t, p.session.Send(loose(TextMessage("a"))))
			assert.NoError(t, p.session.Queue(loose(TextMessage("b"))))
			assert.NoError(t, p.session.Send(TextMessage("c"))) // in place of a
			assert.NoError(t, p.session.Queue(TextMessage("d")))
			assert.ErrorIs(t, p.session.Send(loose(TextMessage("e"))), ErrDropped)
			assert.ErrorIs(t, p.session.Queue(loose(TextMessage("f"))), ErrDropped)
			p.expectPoll(t, "4c\x1e4d")
		}, ofSession(Stats{Evicted: 2, Dropped: 2})},
		{"evicted and dropped over WebSocket", &Options{MaxQueuedMessages: 2, UpgradeTimeout: timeouts}, func(t *testing.T, h *host) {
			_, p := h.websocket(t) // does not read
			assert.NoError(t, p.session.Queue(TextMessage(strings.Repeat("x", 1<<20))))
			synctest.Wait() // it is being written, and counts no more
			assert.NoError(t, p.session.Send(loose(TextMessage("a"))))
			assert.NoError(t, p.session.Queue(loose(TextMessage("b"))))
			assert.NoError(t, p.session.Send(TextMessage("c")))
			assert.NoError(t, p.session.Queue(TextMessage("d")))
			assert.ErrorIs(t, p.session.Send(loose(TextMessage("e"))), ErrDropped)
			assert.ErrorIs(t, p.session.Queue(loose(TextMessage("f"))), ErrDropped)
		}, Stats{WebSocket: 1, Opened: 1, Evicted: 2, Dropped: 2}},
	} {
		var o Options
		if c.o != nil {
			o = *c.o
		}
		hooks := &told{}
		o.Hooks = hooks.hooks()
		var droppedByQueue uint64
		if c.want.Dropped > 0 {
			droppedByQueue = 1
		}
		check := func(t *testing.T, h *host) {
			c.cause(t, h)
			h.expectStats(t, hooks, c.want, droppedByQueue)
		}
		t.Run(c.name, func(t *testing.T) {
			if o.PingTimeout != 0 || o.UpgradeTimeout != 0 { // is waited out
				faked(t, &o, check)
				return
			}
			check(t, serve(t, &o))
		})
	}
}

// A connection that breaks while its handshake is answered has opened nothing; it is told
// all the same.
func TestHandshakeThatBreaksIsTold(t *testing.T) {
	refusals := &log[Refusal]{}
	h := serveOn(t, &Options{Hooks: Hooks{Refused: refusals.add}}, nil, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(cut{w}, r)
		})
	})
	_, _, err := wstest.Try(h.url+"&transport=websocket", nil)
	assert.True(t, err != nil, "there is no answer")
	assert.Eventually(t, func() bool { return len(refusals.all()) == 1 })
	f := refusals.all()[0]
	assert.Equal(t, f.Status, 0)
	assert.Equal(t, f.Cause, CauseTransportHandshake)
	assert.True(t, f.Err != nil)
	assert.Equal(t, h.life(), Stats{Refused: map[string]uint64{CauseTransportHandshake: 1}})
}

// The causes that a failed upgrade is told with.
func TestWhyAnUpgradeFailed(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(p *poller, c *wstest.Conn)
		want error
	}{
		{"something else", func(_ *poller, c *wstest.Conn) { _ = c.SendText("4x") }, ErrUpgradePacket},
		{"end of the session", func(p *poller, _ *wstest.Conn) { p.session.Abort(TransportError, nil) }, ErrClosed},
		{"hang-up", func(_ *poller, c *wstest.Conn) { _ = c.Close() }, io.EOF},
		{"time-out", func(*poller, *wstest.Conn) {}, ErrUpgradeTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			failed := &log[error]{}
			faked(t, &Options{Hooks: Hooks{UpgradeFailed: func(_ *Session, err error) { failed.add(err) }}}, func(t *testing.T, h *host) {
				p := h.poller()
				c.do(p, p.candidate(t))
				time.Sleep(h.engine.opts.UpgradeTimeout + 2*closeTimeout)
			})
			if all := failed.all(); assert.Equal(t, len(all), 1, "told once") {
				assert.ErrorIs(t, all[0], c.want)
			}
		})
	}
}

// Crowds of every kind come and go; at rest the numbers agree.
func TestStatsAgreeAtRest(t *testing.T) {
	hooks := &told{}
	h := serve(t, &Options{Hooks: hooks.hooks()})
	var crowd sync.WaitGroup
	for i := range 8 {
		crowd.Go(func() {
			for range 5 {
				a, err := h.do("GET", h.url+"&transport=polling", "")
				if err != nil || a.status != 200 {
					t.Error(a, err)
					return
				}
				sid := parseOpen(t, a.body).SID
				url := h.url + "&transport=polling&sid=" + sid
				switch i % 4 {
				case 0:
					_, _ = h.do("POST", url, "1")
				case 1:
					_, _ = h.do("POST", url, "abc")
				default:
					c, _, err := wstest.Try(h.url+"&transport=websocket&sid="+sid, nil)
					if err != nil || c == nil {
						t.Error("candidate", err)
						return
					}
					if i%4 == 2 {
						_ = c.SendText("5")
						_ = c.SendText("2") // which only clients of protocol 3 do
					}
					_ = c.Close()
				}
			}
		})
	}
	crowd.Wait()
	sum := func(m map[Reason]uint64) (n uint64) {
		for _, count := range m {
			n += count
		}
		return n
	}
	assert.Eventually(t, func() bool {
		s := h.engine.Stats()
		return s.WebSocket == 0 && s.Upgraded+s.UpgradesFailed == 20
	})
	assert.Equal(t, h.engine.Stats().Polling, h.engine.Sessions())
	assert.NoError(t, h.engine.Shutdown(t.Context()))
	s := h.life()
	assert.Equal(t, s.Opened, uint64(40))
	assert.Equal(t, sum(s.Closed), s.Opened)
	assert.Equal(t, hooks.all(), s)
	assert.Equal(t, s.Polling+s.WebSocket, 0)
	assert.Equal(t, s.Refused, map[string]uint64{CauseBadPacket: 10}, fmt.Sprint(s))
}
