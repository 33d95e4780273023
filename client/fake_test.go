package client_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/kachi-io/kachi/client"
	wsdeflate "github.com/kachi-io/kachi/engineio/websocket"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

const open = `0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`

// try connects once, and returns the error.
func try(t *testing.T, url string, o client.Options) error {
	t.Helper()
	o.DisableReconnection = true
	s, err := client.Connect(within(t), url, &o)
	if err == nil {
		s.Client().Close()
	}
	return err
}

func TestWhatAnswersIsNoServer(t *testing.T) {
	for _, test := range []struct {
		name        string
		status      int
		contentType string
		retryAfter  string
		body        string
		code        client.Code
		serverCode  int
		says        string
	}{
		{"not found", 404, "text/plain", "", "404 page not found\n", client.CodeWrongPath, -1, "check Options.Path"},
		{"a page", 200, "text/html", "", "<!doctype html><title>Home</title>", client.CodeWrongPath, -1, "check Options.Path"},
		{"some other API", 200, "application/json", "", `{"hello":"world"}`, client.CodeWrongPath, -1, "hello"},
		{"a server of version 2", 200, "text/plain", "", `97:0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":5000}2:40`, client.CodeProtocol2, -1, "Socket.IO 2"},
		{"a server of another protocol", 400, "application/json", "", `{"code":5,"message":"Unsupported protocol version"}`, client.CodeUnsupportedProtocol, 5, "protocol 4"},
		{"transport unknown", 400, "application/json", "", `{"code":0,"message":"Transport unknown"}`, client.CodeUnknownTransport, 0, "Options.Transports"},
		{"session unknown", 400, "application/json", "", `{"code":1,"message":"Session ID unknown"}`, client.CodeUnknownSession, 1, "sticky"},
		{"forbidden", 403, "application/json", "", `{"code":4,"message":"not you"}`, client.CodeForbidden, 4, "not you"},
		{"a proxy forbids", 403, "text/html", "", "<h1>no</h1>", client.CodeForbidden, -1, "403"},
		{"credentials", 401, "text/plain", "", "who are you", client.CodeUnauthorized, -1, "who are you"},
		{"too many", 503, "application/json", "7", `{"code":4,"message":"Too many connections"}`, client.CodeUnavailable, 4, "Too many"},
		{"bad gateway", 502, "text/html", "", "<h1>Bad gateway</h1>", client.CodeUnavailable, -1, "502"},
	} {
		t.Run(test.name, func(t *testing.T) {
			host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", test.contentType)
				if test.retryAfter != "" {
					w.Header().Set("Retry-After", test.retryAfter)
				}
				w.WriteHeader(test.status)
				io.WriteString(w, test.body)
			}))
			defer host.Close()
			for _, transport := range []client.Transport{client.Polling, client.WebSocket} {
				err := assert.ErrorAs[*client.TransportError](t, try(t, host.URL, client.Options{Transports: []client.Transport{transport}}))
				if transport == client.WebSocket && test.code == client.CodeProtocol2 {
					continue // it would have answered 101
				}
				assert.Equal(t, err.Code, test.code, "%s: %v", transport, err)
				assert.Equal(t, err.ServerCode, test.serverCode)
				assert.Equal(t, err.Status, test.status)
				assert.Equal(t, err.Transport, transport)
				assert.True(t, strings.Contains(err.Error(), test.says), err.Error())
				if test.retryAfter != "" {
					assert.Equal(t, err.RetryAfter, 7*time.Second)
				}
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	l.Close()
	for _, url := range []string{"http://" + l.Addr().String() + "?token=secret", "http://no-such-host.invalid?token=secret"} {
		for name, transports := range ways {
			err := assert.ErrorAs[*client.TransportError](t, try(t, url, client.Options{Transports: transports}))
			assert.Equal(t, err.Code, client.CodeUnreachable, "%s: %v", name, err)
			assert.True(t, !strings.Contains(err.Error(), "secret"), err.Error())
		}
	}
}

// script is a WebSocket server that says what it is told to.
func script(t *testing.T, messages ...string) string {
	t.Helper()
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		for _, m := range messages {
			if conn.Write(r.Context(), websocket.MessageText, []byte(m)) != nil {
				return
			}
		}
		for {
			if _, _, err := conn.Read(r.Context()); err != nil {
				return
			}
		}
	}))
	t.Cleanup(host.Close)
	return host.URL
}

func TestMalformed(t *testing.T) {
	overWebSocket := client.Options{Transports: []client.Transport{client.WebSocket}, MaxPayload: 1000}
	for _, test := range []struct {
		name     string
		messages []string
		code     client.Code
	}{
		{"no OPEN", []string{"40"}, client.CodeParse},
		{"OPEN without an id", []string{`0{}`}, client.CodeParse},
		{"OPEN that is no JSON", []string{`0{`}, client.CodeParse},
		{"no packet", []string{"x"}, client.CodeParse},
		{"no UTF-8", []string{open, "4\xff"}, client.CodeParse},
		{"no packet behind OPEN", []string{open, "4x"}, client.CodeParse},
		{"an event that is none", []string{open, `42{"a":1}`}, client.CodeParse},
		{"too large", []string{open, "4" + strings.Repeat("2", 2000)}, client.CodeTooLarge},
		{"a server of version 2", []string{open, "40"}, client.CodeProtocol2},
		{"the server ends it", []string{open, "1"}, client.CodeClosed},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := assert.ErrorAs[*client.TransportError](t, try(t, script(t, test.messages...), overWebSocket))
			assert.Equal(t, err.Code, test.code, err.Error())
		})
	}
}

func TestWhatTheServerSaysOutOfTurn(t *testing.T) {
	url := script(t, open, `42["early"]`, `3["ack"]`, `430["nobody asked"]`, "40/other,{\"sid\":\"x\"}", "41/other", `44/other,"no"`, "6", "3", `40{"sid":"id"}`, `40{"sid":"twice"}`)
	s, err := client.Connect(within(t), url, &client.Options{Transports: []client.Transport{client.WebSocket}})
	assert.NoError(t, err)
	assert.Equal(t, s.ID(), "id")
	s.Client().Close()
}

func TestNamespaceThatDoesNotAnswer(t *testing.T) {
	err := assert.ErrorAs[*client.TransportError](t, try(t, script(t, open), client.Options{
		Transports: []client.Transport{client.WebSocket}, Timeout: 50 * time.Millisecond,
	}))
	assert.Equal(t, err.Code, client.CodeTimeout)
}

func TestMessagesAreBounded(t *testing.T) {
	srv := socketio.NewServer(nil)
	srv.OnConnect(func(_ context.Context, s *socketio.Socket) error { return s.Emit("large", make([]byte, 5000)) })
	host := httptest.NewServer(srv)
	defer host.Close()
	defer srv.Shutdown(context.Background())
	for name, transports := range ways {
		t.Run(name, func(t *testing.T) {
			c, err := client.New(host.URL, &client.Options{Transports: transports, DisableUpgrade: true, MaxPayload: 2000, DisableReconnection: true})
			assert.NoError(t, err)
			defer c.Close()
			s := c.Of("/", nil)
			ends := make(chan error, 2)
			s.OnConnectError(func(_ context.Context, err error) { ends <- err })
			s.OnDisconnect(func(_ context.Context, reason client.Reason, err error) {
				assert.Equal(t, reason, client.TransportFailure)
				ends <- err
			})
			s.Open()
			assert.Equal(t, assert.ErrorAs[*client.TransportError](t, assert.Receive(t, ends)).Code, client.CodeTooLarge)
		})
	}
}

func TestCookies(t *testing.T) {
	srv := socketio.NewServer(nil)
	srv.On("echo", func(_ context.Context, e *socketio.Event) error { return e.Ack("ok") })
	var first sync.Once
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fresh := false
		first.Do(func() { fresh = true })
		if fresh {
			http.SetCookie(w, &http.Cookie{Name: "node", Value: "a", Path: "/"})
		} else if c, err := r.Cookie("node"); err != nil || c.Value != "a" {
			http.Error(w, "the wrong node", http.StatusBadGateway)
			return
		}
		srv.ServeHTTP(w, r)
	}))
	defer host.Close()
	defer srv.Shutdown(context.Background())
	upgraded := make(chan client.Connection, 1)
	s, err := client.Connect(within(t), host.URL, &client.Options{Hooks: client.Hooks{Upgraded: func(c client.Connection) { upgraded <- c }}})
	assert.NoError(t, err)
	defer s.Client().Close()
	assert.Receive(t, upgraded)
	_, err = s.Ask(within(t), "echo")
	assert.NoError(t, err)
}

func TestDeflate(t *testing.T) {
	srv := socketio.NewServer(&socketio.Options{Deflate: &wsdeflate.Deflate{}})
	srv.On("echo", func(_ context.Context, e *socketio.Event) error {
		var text string
		if err := e.Decode(&text); err != nil {
			return err
		}
		return e.Ack(text)
	})
	var offered atomic.Bool
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Sec-WebSocket-Extensions"), "permessage-deflate") {
			offered.Store(true)
		}
		srv.ServeHTTP(w, r)
	}))
	defer host.Close()
	defer srv.Shutdown(context.Background())
	for _, deflate := range []bool{false, true} {
		s, err := client.Connect(within(t), host.URL, &client.Options{Transports: []client.Transport{client.WebSocket}, Deflate: deflate})
		assert.NoError(t, err)
		text := strings.Repeat("a long text ", 10_000)
		answer, err := client.Ask[string](within(t), s, "echo", text)
		assert.NoError(t, err)
		assert.True(t, answer == text)
		assert.Equal(t, offered.Load(), deflate)
		assert.NoError(t, s.Client().Close())
	}
}

// proxy is an HTTP proxy, for CONNECT and for plain requests, upgrades included.
func proxy(t *testing.T) (url string, used func() []string) {
	var seen ledger[string]
	var work sync.WaitGroup
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.add(r.Method)
		to, err := net.Dial("tcp", r.Host)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		from, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		if r.Method == http.MethodConnect {
			fmt.Fprint(from, "HTTP/1.1 200 OK\r\n\r\n")
		} else if r.Write(to) != nil {
			return
		}
		work.Go(func() { io.Copy(to, buffered); to.Close(); from.Close() })
		work.Go(func() { io.Copy(from, to); to.Close(); from.Close() })
	}))
	t.Cleanup(func() {
		host.Close()
		work.Wait()
	})
	return host.URL, seen.all
}

func TestSecureAndThroughAProxy(t *testing.T) {
	srv := socketio.NewServer(nil)
	srv.On("echo", func(_ context.Context, e *socketio.Event) error { return e.Ack("ok") })
	host := httptest.NewUnstartedServer(srv)
	host.EnableHTTP2 = true // for polling; WebSocket needs HTTP/1.1
	host.StartTLS()
	defer host.Close()
	defer srv.Shutdown(context.Background())
	pool := x509.NewCertPool()
	pool.AddCert(host.Certificate())
	config := &tls.Config{RootCAs: pool}

	for name, transports := range ways {
		t.Run(name, func(t *testing.T) {
			proxyURL, used := proxy(t)
			through := &http.Transport{TLSClientConfig: config, Proxy: func(*http.Request) (*url.URL, error) { return url.Parse(proxyURL) }}
			defer through.CloseIdleConnections()
			for how, o := range map[string]client.Options{
				"directly":        {TLS: config},
				"through a proxy": {HTTPClient: &http.Client{Transport: through, Timeout: time.Millisecond}}, // which does not count
			} {
				upgraded := make(chan client.Connection, 1)
				o.Transports = transports
				o.Hooks.Upgraded = func(c client.Connection) { upgraded <- c }
				s, err := client.Connect(within(t), host.URL, &o)
				assert.NoError(t, err, how)
				if len(transports) == 2 {
					assert.Receive(t, upgraded, how)
				}
				_, err = s.Ask(within(t), "echo")
				assert.NoError(t, err, how)
				assert.NoError(t, s.Client().Close())
			}
			assert.True(t, len(used()) > 0, "the proxy was asked")
			err := assert.ErrorAs[*client.TransportError](t, try(t, host.URL, client.Options{Transports: transports}))
			assert.Equal(t, err.Code, client.CodeTLS, err.Error())
		})
	}
	plain := httptest.NewServer(srv)
	defer plain.Close()
	err := assert.ErrorAs[*client.TransportError](t, try(t, strings.Replace(plain.URL, "http:", "https:", 1), client.Options{}))
	assert.Equal(t, err.Code, client.CodeTLS, err.Error())
	err = assert.ErrorAs[*client.TransportError](t, try(t, strings.Replace(host.URL, "https:", "http:", 1), client.Options{}))
	assert.True(t, strings.Contains(err.Error(), "HTTPS"), err.Error())
}

func TestOriginThatIsNotAllowed(t *testing.T) {
	srv := socketio.NewServer(nil)
	host := httptest.NewServer(srv)
	defer host.Close()
	defer srv.Shutdown(context.Background())
	for name, transports := range ways {
		o := client.Options{Transports: transports, Header: http.Header{"Origin": {"https://elsewhere.example"}}}
		err := assert.ErrorAs[*client.TransportError](t, try(t, host.URL, o), name)
		assert.Equal(t, err.Code, client.CodeForbidden, name)
		assert.Equal(t, err.ServerCode, 4, name)
		o.Header = http.Header{"Origin": {host.URL}}
		assert.NoError(t, try(t, host.URL, o), name)
	}
}
