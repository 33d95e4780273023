package engineio

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/engineio/websocket"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

// room makes a text for PlainMessage.
func room(text string) []byte { return append(make([]byte, Room), text...) }

// mounted serves plain sessions under /ws/{room}/{rest...}, and the others elsewhere. What
// p leaves open is as with other sessions of a host.
func mounted(p Plain) func(http.Handler) http.Handler {
	return func(engine http.Handler) http.Handler {
		if p.Accept == nil {
			p.Accept = func(_ *http.Request, s *Session) (Receiver, error) {
				return engine.(*Server).accept(s), nil
			}
		}
		mux := http.NewServeMux()
		mux.Handle("/ws/{room}/{rest...}", engine.(*Server).PlainHandler(p))
		mux.Handle("/", engine)
		return mux
	}
}

func servePlain(t testing.TB, o *Options, p Plain) *host {
	t.Helper()
	h := serveOn(t, o, nil, mounted(p))
	h.url = h.http.URL + "/ws/lobby/a/b?token=x"
	return h
}

func fakedPlain(t *testing.T, o *Options, p Plain, test func(*testing.T, *wstest.Conn, *peer)) {
	t.Helper()
	fakedOn(t, o, nil, mounted(p), func(t *testing.T, h *host) {
		h.url = h.http.URL + "/ws/lobby/a/b?token=x"
		c, p := h.plain(t)
		test(t, c, p)
	})
}

// plain is a plain client.
func (h *host) plain(t testing.TB) (*wstest.Conn, *peer) {
	t.Helper()
	c := h.dialWebSocket(t, "")
	return c, assert.Receive(t, h.peers)
}

func expectStatus(t testing.TB, c *wstest.Conn, code websocket.StatusCode, text string) {
	t.Helper()
	payload, orderly := c.ExpectClose(t)
	if assert.True(t, orderly && len(payload) >= 2, "there is a close frame with a code: %q", payload) {
		assert.Equal(t, websocket.StatusCode(binary.BigEndian.Uint16(payload)), code)
		assert.Equal(t, string(payload[2:]), text)
	}
}

func TestPlainMessages(t *testing.T) {
	h := servePlain(t, &Options{InitialPacket: []byte("not for plain ones")}, Plain{Subprotocols: []string{"b", "a"}})
	header := wstest.Handshake()
	header.Set("Sec-WebSocket-Protocol", "a, b, c")
	c, resp, err := wstest.Try(h.url, header)
	assert.NoError(t, err)
	defer c.Close()
	assert.Equal(t, resp.Header.Get("Sec-WebSocket-Protocol"), "b")
	p := assert.Receive(t, h.peers)

	assert.NoError(t, p.session.Send(PlainMessage(room("한글"))))
	c.Expect(t, "한글")
	assert.NoError(t, p.session.Queue(PlainMessage(room(""), []byte{1}, []byte{2, 3})))
	c.Expect(t, "")
	for _, want := range []string{"\x01", "\x02\x03"} {
		f, err := c.Read()
		assert.NoError(t, err)
		assert.Equal(t, f.Op, byte(wstest.Binary))
		assert.Equal(t, string(f.Payload), want)
	}
	m := PlainMessage(nil, []byte{4})
	assert.Equal(t, m.Size(), m.wire().Len())
	m = PlainMessage(room(strings.Repeat("x", 126)), []byte{4})
	assert.Equal(t, m.Size(), m.wire().Len())

	assert.NoError(t, c.SendText("2")) // what would be a ping elsewhere
	assert.True(t, assert.Receive(t, p.messages) == message{"2", false})
	assert.NoError(t, c.SendText(""))
	assert.True(t, assert.Receive(t, p.messages) == message{"", false})
	assert.NoError(t, c.SendBinary([]byte{0, 0xff}))
	assert.True(t, assert.Receive(t, p.messages) == message{"\x00\xff", true})

	s := p.session
	assert.Equal(t, s.Protocol(), 0)
	assert.Equal(t, s.Transport(), WebSocket)
	assert.Equal(t, s.Upgraded(), false)
	assert.Equal(t, s.Subprotocol(), "b")
	assert.Equal(t, s.Handshake().Query().Get("token"), "x")
	assert.Equal(t, h.engine.Stats().WebSocket, 1)
	assert.ErrorIs(t, s.Send(TextMessage("x")), ErrMessageKind)
	_, engine := (&host{t: t, http: h.http, peers: h.peers, dial: h.dial, url: h.http.URL + "/?EIO=4"}).websocket(t)
	assert.Equal(t, engine.session.Subprotocol(), "")
	assert.Equal(t, engine.session.Protocol(), 4)
	assert.ErrorIs(t, engine.session.Send(m), ErrMessageKind)

	// Nobody takes part who has learned the id.
	for _, query := range []string{"polling", "websocket"} {
		a := h.request("GET", h.http.URL+"/?EIO=4&transport="+query+"&sid="+s.ID(), "")
		assert.Equal(t, a.body, `{"code":1,"message":"Session ID unknown"}`)
	}
	assert.NoError(t, c.SendFrame(wstest.Close, []byte{0x0f, 0xa0}))
	expectStatus(t, c, 4000, "")
	p.expectClosed(t, TransportClose)
}

func TestParametersOfThePath(t *testing.T) {
	h := servePlain(t, nil, Plain{})
	_, p := h.plain(t)
	hs := p.session.Handshake()
	assert.Equal(t, hs.Param("room"), "lobby")
	assert.Equal(t, hs.Param("rest"), "a/b")
	assert.Equal(t, hs.Param("other"), "")
	assert.Equal(t, hs.Params(), map[string]string{"room": "lobby", "rest": "a/b"})

	for pattern, want := range map[string]map[string]string{
		"GET example.com/x/{a}/{b}/{$}": {"a": "1", "b": "2"},
		"/x/":                           nil,
		"/{$}":                          nil,
		"":                              nil,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Pattern = pattern
		r.SetPathValue("a", "1")
		r.SetPathValue("b", "2")
		hs := newHandshake(r, client{}, time.Now())
		assert.Equal(t, hs.Params(), want, pattern)
		assert.Equal(t, hs.Param("b"), want["b"], pattern)
	}
}

// Accept may take its time; what is sent meanwhile comes first, and what the client sent
// is read after Opened.
func TestPlainAccept(t *testing.T) {
	asked, answer := make(chan *Session), make(chan struct{})
	receiver := &peer{messages: make(chan message, 10), closed: make(chan end, 2)}
	h := servePlain(t, nil, Plain{
		Accept: func(r *http.Request, s *Session) (Receiver, error) {
			assert.Equal(t, r.PathValue("room"), "lobby")
			asked <- s
			<-answer
			return receiver, nil
		},
		Opened: func(s *Session, _ Receiver) {
			receiver.messages <- message{"opened", false}
			assert.NoError(t, s.Send(PlainMessage(room("2"))))
		},
	})
	c := dial(t, h)
	var b strings.Builder
	b.WriteString("GET /ws/lobby/ HTTP/1.1\r\nHost: x\r\n")
	_ = wstest.Handshake().Write(&b)
	_, err := c.nc.Write(wstest.AppendFrame([]byte(b.String()+"\r\n"), wstest.Text, []byte("early")))
	assert.NoError(t, err)
	s := assert.Receive(t, asked)
	assert.NoError(t, s.Send(PlainMessage(room("1"))))
	assert.Equal(t, h.engine.Sessions(), 1)
	assert.Equal(t, h.engine.Stats().Opened, uint64(0))
	close(answer)
	resp, err := http.ReadResponse(c.r, nil)
	assert.NoError(t, err)
	assert.Equal(t, resp.StatusCode, http.StatusSwitchingProtocols)
	assert.Equal(t, readFrames(t, c.r, 2), []string{"1", "2"})
	receiver.expect(t, "opened")
	receiver.expect(t, "early")
	assert.Equal(t, h.engine.Stats().Opened, uint64(1))
	c.close()
	receiver.expectClosed(t, TransportClose)
}

func TestPlainRefusals(t *testing.T) {
	refusals := &log[Refusal]{}
	cause := errors.New("the token has ended")
	h := servePlain(t, &Options{
		MaxPerAddress:  1,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		AllowRequest: func(r *http.Request) error {
			if r.Header.Get("Who") == "mallory" {
				return errors.New("not you")
			}
			return nil
		},
		Hooks: Hooks{
			Refused: refusals.add,
			Opened:  func(*Session) { t.Error("opened") },
			Closed:  func(*Session, Reason, error) { t.Error("closed") },
		},
	}, Plain{Accept: func(r *http.Request, s *Session) (Receiver, error) {
		switch r.Header.Get("Who") {
		case "eve":
			return nil, &StatusError{Status: 401, Code: "unauthorized", Message: "Who are you?", Err: cause,
				Header: http.Header{"WWW-Authenticate": {"Bearer"}}}
		case "odd":
			return nil, &StatusError{Status: 200, Code: "odd", Message: "Not a status of errors"}
		case "nobody":
			return nil, nil
		case "closer":
			s.Abort(ForcedClose, nil)
			s.Close()
		}
		return nil, cause
	}})
	for _, c := range []struct {
		name          string
		spoil         func(http.Header)
		status        int
		body, cause   string
		header, value string
	}{
		{"no WebSocket", func(h http.Header) { h.Del("Upgrade") }, 426, `{"code":"upgrade_required","message":"WebSocket handshake: not a request to upgrade to websocket"}`, CauseTransportHandshake, "Upgrade", "websocket"},
		{"an old version", func(h http.Header) { h.Set("Sec-WebSocket-Version", "8") }, 426, `{"code":"upgrade_required","message":"WebSocket handshake: Sec-WebSocket-Version is not 13"}`, CauseTransportHandshake, "Sec-WebSocket-Version", "13"},
		{"no key", func(h http.Header) { h.Del("Sec-WebSocket-Key") }, 400, `{"code":"transport_handshake_error","message":"WebSocket handshake: not one Sec-WebSocket-Key"}`, CauseTransportHandshake, "", ""},
		{"another site", func(h http.Header) { h.Set("Origin", "https://evil.example") }, 403, `{"code":"origin_not_allowed","message":"Origin not allowed"}`, CauseOrigin, "", ""},
		{"AllowRequest", func(h http.Header) { h.Set("Who", "mallory") }, 403, `{"code":"forbidden","message":"not you"}`, "", "", ""},
		{"StatusError", func(h http.Header) { h.Set("Who", "eve") }, 401, `{"code":"unauthorized","message":"Who are you?"}`, CauseAccept, "WWW-Authenticate", "Bearer"},
		{"StatusError without an error's status", func(h http.Header) { h.Set("Who", "odd") }, 500, `{"code":"odd","message":"Not a status of errors"}`, CauseAccept, "", ""},
		{"another error, which nobody sees", func(http.Header) {}, 500, `{"code":"internal_error","message":"Internal server error"}`, CauseAccept, "", ""},
		{"no receiver", func(h http.Header) { h.Set("Who", "nobody") }, 500, `{"code":"internal_error","message":"Internal server error"}`, CauseAccept, "", ""},
		{"closed and refused", func(h http.Header) { h.Set("Who", "closer") }, 500, `{"code":"internal_error","message":"Internal server error"}`, CauseAccept, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(refusals.all())
			header := wstest.Handshake()
			c.spoil(header)
			conn, resp, err := wstest.Try(h.url, header)
			assert.NoError(t, err)
			assert.True(t, conn == nil)
			body, _ := io.ReadAll(resp.Body)
			assert.Equal(t, resp.StatusCode, c.status)
			assert.Equal(t, string(body), c.body)
			assert.Equal(t, resp.Header.Get("Content-Type"), "application/json")
			assert.Equal(t, resp.Header.Get(c.header), c.value)
			all := refusals.all()
			if assert.Equal(t, len(all), before+1) {
				assert.Equal(t, all[before].Status, c.status)
				assert.Equal(t, all[before].Cause, c.cause)
			}
			assert.Eventually(t, func() bool { return h.engine.Sessions() == 0 })
		})
	}
	assert.Equal(t, h.engine.Stats().Refused[CauseAccept], uint64(5))
	assert.ErrorIs(t, refusals.all()[5].Err, cause)
	a := h.request("POST", h.url, "body")
	assert.Equal(t, a.status, 405)
	assert.Equal(t, a.header.Get("Allow"), "GET")
	assert.NoError(t, h.engine.Shutdown(t.Context()))
	conn, resp, err := wstest.Try(h.url, nil)
	assert.NoError(t, err)
	assert.True(t, conn == nil)
	body, _ := io.ReadAll(resp.Body)
	assert.Equal(t, string(body), `{"code":"server_shutting_down","message":"Server shutting down"}`)
	assert.True(t, resp.Header.Get("Retry-After") != "")
}

func TestPlainOverHTTP2(t *testing.T) {
	h := serveOn(t, nil, func(s *httptest.Server) { s.EnableHTTP2 = true }, mounted(Plain{}))
	a := h.request("GET", h.http.URL+"/ws/lobby/", "")
	assert.Equal(t, a.status, 400)
	assert.Equal(t, a.body, `{"code":"transport_handshake_error","message":"WebSocket handshake: protocol is not HTTP/1.1"}`)
}

func TestPlainLimits(t *testing.T) {
	h := servePlain(t, &Options{MaxConnections: 1}, Plain{})
	c, p := h.plain(t)
	conn, resp, err := wstest.Try(h.url, nil)
	assert.NoError(t, err)
	assert.True(t, conn == nil)
	body, _ := io.ReadAll(resp.Body)
	assert.Equal(t, resp.StatusCode, 503)
	assert.Equal(t, string(body), `{"code":"max_connections","message":"Too many connections"}`)
	_ = c.Close()
	p.expectClosed(t, TransportClose)
	assert.Eventually(t, func() bool { return h.engine.Sessions() == 0 })
	h.plain(t)
}

func TestPlainHeartbeat(t *testing.T) {
	expectPing := func(t *testing.T, c *wstest.Conn) {
		t.Helper()
		began := time.Now()
		f, err := c.Read()
		assert.NoError(t, err)
		assert.Equal(t, f.Op, byte(wstest.Ping))
		expectAfter(t, began, lively.PingInterval)
	}
	signs := map[string]func(c *wstest.Conn) error{
		"pong":     func(c *wstest.Conn) error { return c.SendFrame(wstest.Pong, nil) },
		"text":     func(c *wstest.Conn) error { return c.SendText("hello") },
		"binary":   func(c *wstest.Conn) error { return c.SendBinary(nil) },
		"fragment": func(c *wstest.Conn) error { _, err := c.Write(fragment()); return err },
	}
	for name, sign := range signs {
		t.Run(name, func(t *testing.T) {
			fakedPlain(t, &lively, Plain{}, func(t *testing.T, c *wstest.Conn, p *peer) {
				for range 3 {
					expectPing(t, c)
					assert.NoError(t, sign(c))
					if name == "fragment" { // of one message, as long as it likes
						sign = func(c *wstest.Conn) error { return c.SendFrame(wstest.Pong, nil) }
					}
				}
				p.expectOpen(t)
			})
		})
	}
	t.Run("a ping of the client's own", func(t *testing.T) {
		fakedPlain(t, &lively, Plain{}, func(t *testing.T, c *wstest.Conn, p *peer) {
			expectPing(t, c)
			assert.NoError(t, c.SendFrame(wstest.Ping, []byte("x")))
			f, err := c.Read()
			assert.NoError(t, err)
			assert.Equal(t, f.String(), `op 10: "x"`)
			expectPing(t, c)
		})
	})
	t.Run("none", func(t *testing.T) {
		fakedPlain(t, &lively, Plain{}, func(t *testing.T, c *wstest.Conn, p *peer) {
			assert.NoError(t, c.SendText("before the ping"))
			expectPing(t, c)
			began := time.Now()
			p.expect(t, "before the ping")
			p.expectClosed(t, PingTimeout)
			expectAfter(t, began, lively.PingTimeout)
		})
	})
}

// fragment is the beginning of a message.
func fragment() []byte {
	b := wstest.AppendFrame(nil, wstest.Text, []byte("half"))
	b[0] &^= 0x80
	return b
}

func TestPlainClose(t *testing.T) {
	statuses := Plain{CloseStatus: func(r Reason) (websocket.StatusCode, string) {
		switch r {
		case "kicked":
			return 4001, "kicked"
		case "unsendable":
			return websocket.StatusNoStatus + 1, ""
		case ServerShuttingDown:
			return websocket.StatusServiceRestart, "later"
		}
		return 3000, string(r)
	}}
	fill := func(p *peer) {
		for range 3 {
			assert.NoError(t, p.session.Send(PlainMessage(room("backlog"))))
		}
	}
	for _, c := range []struct {
		name  string
		plain Plain
		act   func(h *host, c *wstest.Conn, p *peer)
		why   Reason
		code  websocket.StatusCode
		text  string
	}{
		{"Close", Plain{}, func(_ *host, _ *wstest.Conn, p *peer) { fill(p); p.session.Close() }, ForcedClose, 1000, ""},
		{"Close with a status", statuses, func(_ *host, _ *wstest.Conn, p *peer) { p.session.Close() }, ForcedClose, 3000, "forced close"},
		{"CloseWith", statuses, func(_ *host, _ *wstest.Conn, p *peer) { fill(p); p.session.CloseWith(4000, "bye") }, ForcedClose, 4000, "bye"},
		{"Abort", statuses, func(_ *host, _ *wstest.Conn, p *peer) { p.session.Abort("kicked", nil) }, "kicked", 4001, "kicked"},
		{"Shutdown", Plain{}, func(h *host, _ *wstest.Conn, _ *peer) { assert.NoError(t, h.engine.Shutdown(t.Context())) }, ServerShuttingDown, 1001, ""},
		{"Shutdown with a status", statuses, func(h *host, _ *wstest.Conn, _ *peer) { assert.NoError(t, h.engine.Shutdown(t.Context())) }, ServerShuttingDown, 1012, "later"},
		{"too big", statuses, func(_ *host, c *wstest.Conn, _ *peer) { assert.NoError(t, c.SendText(strings.Repeat("x", 1001))) }, TransportError, 1009, "message too big"},
		{"not UTF-8", statuses, func(_ *host, c *wstest.Conn, _ *peer) { assert.NoError(t, c.SendText("\xff")) }, TransportError, 1007, "text is not UTF-8"},
		{"not WebSocket", statuses, func(_ *host, c *wstest.Conn, _ *peer) { assert.NoError(t, c.SendFrame(5, nil)) }, TransportError, 1002, "reserved opcode"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := servePlain(t, &Options{MaxPayload: 1000}, c.plain)
			conn, p := h.plain(t)
			c.act(h, conn, p)
			expectStatus(t, conn, c.code, c.text)
			p.expectClosed(t, c.why)
		})
	}
	t.Run("Abort with a code that cannot be sent", func(t *testing.T) {
		conn, p := servePlain(t, nil, statuses).plain(t)
		p.session.Abort("unsendable", nil)
		_, orderly := conn.ExpectClose(t)
		assert.Equal(t, orderly, false)
		p.expectClosed(t, "unsendable")
	})
	t.Run("CloseWith a code that cannot be sent", func(t *testing.T) {
		conn, p := servePlain(t, nil, statuses).plain(t)
		p.session.CloseWith(1, "")
		payload, orderly := conn.ExpectClose(t)
		assert.Equal(t, orderly, true)
		assert.Equal(t, payload, []byte{})
		p.expectClosed(t, ForcedClose)
	})
	t.Run("CloseWith in Accept", func(t *testing.T) {
		ends := make(chan *peer, 1)
		h := servePlain(t, nil, Plain{
			Accept: func(_ *http.Request, s *Session) (Receiver, error) {
				p := &peer{closed: make(chan end, 2)}
				ends <- p
				assert.NoError(t, s.Send(PlainMessage(room("no"))))
				s.CloseWith(4003, "no")
				return p, nil
			},
			Opened: func(*Session, Receiver) { t.Error("opened") },
		})
		conn := h.dialWebSocket(t, "")
		conn.Expect(t, "no")
		expectStatus(t, conn, 4003, "no")
		assert.Receive(t, ends).expectClosed(t, ForcedClose)
	})
	t.Run("Abort in Accept", func(t *testing.T) {
		ends := make(chan *peer, 1)
		h := servePlain(t, nil, Plain{CloseStatus: statuses.CloseStatus, Accept: func(_ *http.Request, s *Session) (Receiver, error) {
			p := &peer{closed: make(chan end, 2)}
			ends <- p
			s.Abort("kicked", nil)
			return p, nil
		}})
		expectStatus(t, h.dialWebSocket(t, ""), 4001, "kicked")
		assert.Receive(t, ends).expectClosed(t, "kicked")
	})
	t.Run("with a backlog nothing is waited for", func(t *testing.T) {
		fakedPlain(t, nil, statuses, func(t *testing.T, c *wstest.Conn, p *peer) { // its buffers are small
			began := time.Now()
			big := PlainMessage(nil, make([]byte, 1<<20))
			for p.session.Send(big) == nil {
			}
			p.expectClosed(t, SlowConsumer)
			assert.Equal(t, time.Since(began), time.Duration(0))
			_, orderly := c.ExpectClose(t)
			assert.Equal(t, orderly, false)
		})
	})
	t.Run("over a connection that is no plain socket", func(t *testing.T) {
		fakedPlain(t, nil, Plain{}, func(t *testing.T, c *wstest.Conn, p *peer) {
			p.session.Abort("kicked", nil)
			expectStatus(t, c, 1000, "")
		})
	})
}

// CloseWith on sessions of Engine.IO.
func TestCloseWith(t *testing.T) {
	h := serve(t, nil)
	c, p := h.websocket(t)
	p.session.CloseWith(4000, "bye")
	expectStatus(t, c, 4000, "bye")
	p.expectClosed(t, ForcedClose)

	q := h.poller()
	q.session.CloseWith(4000, "bye")
	q.expectPoll(t, "6\x1e1")
	q.expectClosed(t, ForcedClose)
}

// A receiver whose handshake fails is closed all the same, and no hook hears of a session.
func TestPlainHandshakeThatFails(t *testing.T) {
	receiver := &peer{closed: make(chan end, 2)}
	refusals := &log[Refusal]{}
	o := &Options{Hooks: Hooks{Refused: refusals.add, Opened: func(*Session) { t.Error("opened") }}}
	s := NewServer(nil, o)
	handler := s.PlainHandler(Plain{Accept: func(*http.Request, *Session) (Receiver, error) { return receiver, nil }})
	r := httptest.NewRequest("GET", "/", nil)
	r.Header = wstest.Handshake()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r) // httptest.ResponseRecorder cannot be hijacked
	assert.Equal(t, w.Code, 501)
	receiver.expectClosed(t, TransportError)
	assert.Equal(t, len(refusals.all()), 1)
	assert.Equal(t, s.Sessions(), 0)
	assert.Equal(t, len(receiver.closed), 0)
}

func TestPlainAcceptPanics(t *testing.T) {
	s := NewServer(nil, nil)
	handler := s.PlainHandler(Plain{Accept: func(*http.Request, *Session) (Receiver, error) { panic("user code") }})
	r := httptest.NewRequest("GET", "/", nil)
	r.Header = wstest.Handshake()
	func() {
		defer func() { assert.Equal(t, recover(), any("user code")) }()
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}()
	assert.Equal(t, s.Sessions(), 0)
}

// Shutdown ends what Accept waits for.
func TestShutdownDuringPlainAccept(t *testing.T) {
	asked := make(chan bool, 1)
	receiver := &peer{closed: make(chan end, 2)}
	h := servePlain(t, nil, Plain{Accept: func(r *http.Request, _ *Session) (Receiver, error) {
		asked <- true
		<-r.Context().Done()
		return receiver, nil
	}})
	answers := make(chan int)
	go func() {
		_, resp, err := wstest.Try(h.url, nil)
		assert.NoError(t, err)
		answers <- resp.StatusCode
	}()
	assert.Receive(t, asked)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	assert.NoError(t, h.engine.Shutdown(ctx))
	assert.Equal(t, assert.Receive(t, answers), 503)
	receiver.expectClosed(t, ServerShuttingDown)
}

// The client leaves while Accept works.
func TestClientLeavesDuringPlainAccept(t *testing.T) {
	asked := make(chan bool, 1)
	h := servePlain(t, nil, Plain{Accept: func(r *http.Request, _ *Session) (Receiver, error) {
		asked <- true
		<-r.Context().Done()
		return nil, r.Context().Err()
	}})
	nc, err := net.Dial("tcp", h.http.Listener.Addr().String())
	assert.NoError(t, err)
	_, _ = io.WriteString(nc, "GET /ws/lobby/ HTTP/1.1\r\nHost: x\r\n")
	_ = wstest.Handshake().Write(nc)
	_, _ = io.WriteString(nc, "\r\n")
	assert.Receive(t, asked)
	_ = nc.Close()
	assert.Eventually(t, func() bool { return h.engine.Sessions() == 0 })
}

// The receivers are those of the handler where a session begins; after that any will do.
func TestHandlersShareSessions(t *testing.T) {
	here := make(chan *peer, 2)
	h := serveOn(t, nil, nil, func(engine http.Handler) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/", engine)
		mux.Handle("/here/{id}", engine.(*Server).Handler(func(s *Session) Receiver {
			p := &peer{session: s, messages: make(chan message, 10), closed: make(chan end, 1)}
			here <- p
			return p
		}))
		return mux
	})
	a := h.request("GET", h.http.URL+"/here/7?EIO=4&transport=polling", "")
	p := assert.Receive(t, here)
	first, _, _ := strings.Cut(a.body, "\x1e")
	assert.Equal(t, parseOpen(t, first).SID, p.session.ID())
	assert.Equal(t, p.session.Handshake().Param("id"), "7")
	assert.Equal(t, h.request("POST", h.url+"&transport=polling&sid="+p.session.ID(), "4there").status, 200)
	p.expect(t, "there")
	q := h.poller()
	assert.Equal(t, h.request("POST", h.http.URL+"/here/8?EIO=4&transport=polling&sid="+q.sid, "4here").status, 200)
	q.expect(t, "here")
	h.stop()
	p.expectClosed(t, ServerShuttingDown)
	q.expectClosed(t, ServerShuttingDown)
}
