package socketio_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
	"github.com/kachi-io/kachi/socketio"
)

// guardedPlain serves plain clients of "/" that show a token, and of "/open".
func guardedPlain(t *testing.T, o *socketio.Options) (*socketio.Server, string) {
	t.Helper()
	return mounted(t, o, func(mux *http.ServeMux, srv *socketio.Server) {
		mux.Handle("/ws", srv.PlainHandler(socketio.PlainMount{Cookie: "session"}))
		mux.Handle("/in/{space}", srv.PlainHandler(socketio.PlainMount{Namespace: "/{space}"}))
		srv.Of("/open")
		srv.Use(func(_ context.Context, s *socketio.Socket) error {
			var auth struct{ Token string }
			_ = json.Unmarshal(s.Auth(), &auth)
			switch auth.Token {
			case "good":
				return nil
			case "broken":
				return errors.New("no database")
			case "panic":
				panic("on purpose")
			case "late":
				return socketio.NewError(socketio.CodeOverloaded, "Come again")
			case "later":
				return socketio.NewError("unavailable", "Nobody can say")
			case "":
				return socketio.NewError("unauthorized", "Show a token")
			}
			return &socketio.Error{Code: "forbidden", Message: "Not you", Details: auth.Token}
		})
	})
}

func TestPlainHandshakes(t *testing.T) {
	srv, url := guardedPlain(t, nil)
	for _, test := range []struct {
		name, path string
		header     http.Header
		status     int
		body       string
	}{
		{"nothing", "/ws", nil, 401, `{"status":"error","code":"unauthorized","message":"Show a token","cause":{"pattern":"connect"}}`},
		{"header", "/ws", http.Header{"Authorization": {"Bearer good"}}, 101, ""},
		{"header, another word", "/ws", http.Header{"Authorization": {"bearer good"}}, 101, ""},
		{"another scheme", "/ws", http.Header{"Authorization": {"Basic good"}}, 401, `"code":"unauthorized"`},
		{"cookie", "/ws", http.Header{"Cookie": {"a=b; session=good"}}, 101, ""},
		{"another cookie", "/ws", http.Header{"Cookie": {"token=good"}}, 401, `"code":"unauthorized"`},
		{"subprotocol", "/ws", http.Header{"Sec-Websocket-Protocol": {"bearer.good, kachi"}}, 101, ""},
		{"query", "/ws?token=good", nil, 401, `"code":"unauthorized"`},
		{"forbidden", "/ws", http.Header{"Authorization": {"Bearer other"}}, 403, `"details":"other"`},
		{"nothing to ask", "/ws", http.Header{"Authorization": {"Bearer later"}}, 503, `"code":"unavailable"`},
		{"busy", "/ws", http.Header{"Authorization": {"Bearer late"}}, 503, `"code":"overloaded"`},
		{"failure", "/ws", http.Header{"Authorization": {"Bearer broken"}}, 500, `{"status":"error","code":"internal","message":"Internal error"`},
		{"panic", "/ws", http.Header{"Authorization": {"Bearer panic"}}, 500, `"code":"internal"`},
		{"a namespace by its parameter", "/in/open", nil, 101, ""},
		{"none of that name", "/in/other", nil, 404, `"code":"not_found"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			header := wstest.Handshake()
			for name, values := range test.header {
				header[name] = values
			}
			c, response, err := wstest.Try(url+test.path, header)
			assert.NoError(t, err)
			assert.Equal(t, response.StatusCode, test.status)
			if c != nil {
				if test.name == "subprotocol" {
					assert.Equal(t, response.Header.Get("Sec-Websocket-Protocol"), "kachi")
				}
				assert.NoError(t, c.Close())
				return
			}
			body, _ := io.ReadAll(response.Body)
			assert.True(t, strings.Contains(string(body), test.body), string(body))
			assert.Equal(t, response.Header.Get("Content-Type"), "application/json")
			assert.Equal(t, response.Header.Get("Www-Authenticate") != "", test.status == 401)
		})
	}
	assert.Eventually(t, func() bool { return srv.Connections() == 0 })
	assert.Eventually(t, func() bool { return srv.Stats().Refused >= 9 })
}

func TestPlainEvents(t *testing.T) {
	srv, url := guardedPlain(t, nil)
	open := srv.Of("/open")
	open.On("add", func(_ context.Context, e *socketio.Event) error {
		var a, b int
		if err := e.Decode(&a, &b); err != nil {
			return err
		}
		return e.Ack(a + b)
	})
	open.On("ask", func(ctx context.Context, e *socketio.Event) error {
		name, err := socketio.Ask[string](ctx, e.Socket(), "name")
		if err != nil {
			return err
		}
		return e.Socket().Emit("hello", name)
	})
	c := wstest.Dial(t, url+"/in/open")
	send := func(text string) { assert.NoError(t, c.SendText(text)) }
	send(`{"event":"add","args":[1,2],"id":1}`)
	c.Expect(t, `{"id":1,"data":3}`)
	send(`{"event":"add","data":1,"id":2}`)
	text := c.Next(t)
	assert.True(t, strings.HasPrefix(text, `{"id":2,"data":{"status":"error","code":"bad_request"`), text)
	send(`{"event":"ask"}`)
	c.Expect(t, `{"event":"name","id":0}`)
	send(`{"id":0,"data":"Kachi"}`)
	c.Expect(t, `{"event":"hello","data":"Kachi"}`)
	assert.NoError(t, open.Emit("none"))
	c.Expect(t, `{"event":"none"}`)
	assert.NoError(t, open.Emit("several", 1, "x"))
	c.Expect(t, `{"event":"several","args":[1,"x"]}`)
	assert.NoError(t, open.Emit("bytes", []byte{1, 2}))
	c.Expect(t, `{"event":"bytes","data":{"_placeholder":true,"num":0},"attachments":1}`)
	f, err := c.Read()
	assert.NoError(t, err)
	assert.Equal(t, f.Payload, []byte{1, 2})
}

func TestPlainCloseCodes(t *testing.T) {
	srv, url := mounted(t, &socketio.Options{MaxPayload: 1000, MailboxMessages: 2}, func(mux *http.ServeMux, srv *socketio.Server) {
		mux.Handle("/ws", srv.PlainHandler(socketio.PlainMount{}))
	})
	reasons := make(chan socketio.Reason, 10)
	srv.OnDisconnect(func(_ context.Context, _ *socketio.Socket, r socketio.Reason) error { reasons <- r; return nil })
	var hold atomic.Pointer[chan struct{}]
	renew := func() { ch := make(chan struct{}); hold.Store(&ch) }
	renew()
	srv.On("wait", func(context.Context, *socketio.Event) error { <-*hold.Load(); return nil })
	for _, test := range []struct {
		name   string
		do     func(c *wstest.Conn)
		code   uint16
		reason socketio.Reason
	}{
		{"put out", func(*wstest.Conn) { assert.NoError(t, srv.DisconnectSockets(false)) }, 4000, socketio.ReasonServerDisconnect},
		{"expired", func(*wstest.Conn) { srv.Sockets()[0].DisconnectFor(socketio.ReasonExpired) }, 4401, socketio.ReasonExpired},
		{"revoked", func(*wstest.Conn) { srv.Sockets()[0].DisconnectFor(socketio.ReasonRevoked) }, 4401, socketio.ReasonRevoked},
		{"closed", func(*wstest.Conn) { assert.NoError(t, srv.DisconnectSockets(true)) }, 4001, socketio.ReasonServerClose},
		{"no packet", func(c *wstest.Conn) { assert.NoError(t, c.SendText("hello")) }, 4400, "forced close"},
		{"not UTF-8", func(c *wstest.Conn) { assert.NoError(t, c.SendText("\xff")) }, 1007, "transport error"},
		{"too large", func(c *wstest.Conn) { assert.NoError(t, c.SendText(strings.Repeat("x", 1001))) }, 1009, "transport error"},
		{"flood", func(c *wstest.Conn) {
			for range 10 {
				assert.NoError(t, c.SendText(`{"event":"wait"}`))
			}
		}, 4429, socketio.ReasonFlooding},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := wstest.Dial(t, url+"/ws")
			assert.Eventually(t, func() bool { return srv.Count() == 1 })
			test.do(c)
			payload, orderly := c.ExpectClose(t)
			assert.True(t, orderly && len(payload) >= 2)
			assert.Equal(t, binary.BigEndian.Uint16(payload), test.code)
			close(*hold.Load())
			assert.Equal(t, assert.Receive(t, reasons), test.reason)
			renew() // when no handler of this client is left
		})
	}
	c := wstest.Dial(t, url+"/ws")
	assert.Eventually(t, func() bool { return srv.Count() == 1 })
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	assert.NoError(t, srv.Shutdown(ctx))
	payload, _ := c.ExpectClose(t)
	assert.True(t, len(payload) >= 2 && binary.BigEndian.Uint16(payload) == 1001, payload)
}

// A client that goes while the middleware thinks about it frees what it holds.
func TestPlainClientsThatDoNotWait(t *testing.T) {
	asked, left := make(chan struct{}, 1), make(chan error, 1)
	srv, url := mounted(t, nil, func(mux *http.ServeMux, srv *socketio.Server) {
		mux.Handle("/ws", srv.PlainHandler(socketio.PlainMount{}))
		srv.Use(func(ctx context.Context, _ *socketio.Socket) error {
			asked <- struct{}{}
			<-ctx.Done()
			left <- ctx.Err()
			return ctx.Err()
		})
	})
	ctx, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/ws", nil)
	assert.NoError(t, err)
	r.Header = wstest.Handshake()
	done := make(chan error, 1)
	go func() { _, err := http.DefaultTransport.(*http.Transport).Clone().RoundTrip(r); done <- err }()
	assert.Receive(t, asked)
	cancel()
	assert.True(t, assert.Receive(t, done) != nil)
	assert.True(t, errors.Is(assert.Receive(t, left), context.Canceled))
	assert.Eventually(t, func() bool { return srv.Connections() == 0 })
	assert.Equal(t, srv.Count(), 0)
}
