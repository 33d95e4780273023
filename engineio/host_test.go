package engineio

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

// A host's time-outs are for ordinary requests: polls outlive them, and so do WebSocket
// connections.
func TestHostWithShortTimeouts(t *testing.T) {
	const short = 100 * time.Millisecond
	h := serveOn(t, nil, func(s *httptest.Server) {
		s.Config.ReadTimeout, s.Config.WriteTimeout = short, short
	}, nil)
	p := h.poller()
	c, w := h.websocket(t)
	pending := p.pending()
	began := time.Now()
	assert.Eventually(t, func() bool { return time.Since(began) > 3*short })
	p.expectOpen(t)
	assert.NoError(t, p.session.Send(TextMessage("late")))
	a := assert.Receive(t, pending)
	assert.Equal(t, a.status, 200)
	assert.Equal(t, a.body, "4late")
	assert.NoError(t, w.session.Send(TextMessage("x")))
	c.Expect(t, "4x")
	assert.NoError(t, c.SendText("4y"))
	w.expect(t, "y")
}

// The deadlines that a poll sets belong to it, not to the connection that it came by.
func TestDeadlinesDoNotOutliveARequest(t *testing.T) {
	const timeout = 100 * time.Millisecond
	slow := make(chan struct{})
	h := serveOn(t, &Options{WriteTimeout: timeout}, nil, func(next http.Handler) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/engine.io/", next)
		mux.HandleFunc("/other", func(w http.ResponseWriter, r *http.Request) {
			<-slow
			_, _ = io.WriteString(w, "fine")
		})
		return mux
	})
	p := h.poller()
	assert.NoError(t, p.session.Send(TextMessage("x")))
	c := dial(t, h)
	c.write("GET /engine.io/?EIO=4&transport=polling&sid=" + p.sid + " HTTP/1.1\r\nHost: x\r\n\r\n")
	a, err := c.read()
	assert.NoError(t, err)
	assert.Equal(t, a.body, "4x")
	c.write("POST /engine.io/?EIO=4&transport=polling&sid=" + p.sid + " HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n4y")
	a, err = c.read()
	assert.NoError(t, err)
	assert.Equal(t, a.body, "ok")
	c.write("GET /other HTTP/1.1\r\nHost: x\r\n\r\n")
	time.AfterFunc(2*timeout, func() { close(slow) })
	a, err = c.read()
	assert.NoError(t, err)
	assert.Equal(t, a.body, "fine")
}

// wrapped is what logging middleware makes of a ResponseWriter.
type wrapped struct {
	http.ResponseWriter
	status int
}

func (w *wrapped) WriteHeader(status int) { w.status = status; w.ResponseWriter.WriteHeader(status) }

type unwrappable struct{ *wrapped }

func (w unwrappable) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func TestWrappedResponseWriter(t *testing.T) {
	h := serveOn(t, nil, nil, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(unwrappable{&wrapped{ResponseWriter: w}}, r)
		})
	})
	p := h.poller()
	pending := p.pending()
	assert.NoError(t, p.session.Send(TextMessage("x")))
	assert.Equal(t, assert.Receive(t, pending).body, "4x")
	assert.Equal(t, p.post("4y").body, "ok")
	c := p.upgrade(t)
	assert.NoError(t, c.SendText("4z"))
	p.expect(t, "y")
	p.expect(t, "z")
}

// panicking has a Flush that it cannot keep to, as echo's Response behind a time-out.
type panicking struct{ http.ResponseWriter }

func (panicking) Flush() { panic("flushing is not supported") }

func TestResponseWriterThatCannotFlush(t *testing.T) {
	h := serveOn(t, nil, nil, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(panicking{w}, r)
		})
	})
	p := h.poller()
	pending := p.pending()
	assert.NoError(t, p.session.Send(TextMessage("x")))
	assert.Equal(t, assert.Receive(t, pending).body, "4x")
	assert.Equal(t, p.post("4y").body, "ok")
	p.expect(t, "y")
}

// Middleware that compresses says so beforehand; twice would be once too often.
func TestAnswersThatTheHostCompresses(t *testing.T) {
	for name, value := range map[string]string{"Content-Encoding": "br", "Vary": "Origin, accept-encoding"} {
		h := serveOn(t, nil, nil, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set(name, value)
				next.ServeHTTP(w, r)
			})
		})
		p := h.poller()
		text := strings.Repeat("x", 5000)
		assert.NoError(t, p.session.Send(TextMessage(text)))
		assert.Equal(t, p.get("Accept-Encoding", "gzip").body, "4"+text, name)
	}
}

// Without Unwrap there is no way to the connection: polling works, WebSocket is refused,
// and an upgrade that fails leaves the session as it was.
func TestResponseWriterThatHidesTheConnection(t *testing.T) {
	refusals := &log[Refusal]{}
	h := serveOn(t, &Options{MaxConnections: 1, Hooks: Hooks{Refused: refusals.add}}, nil, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(&wrapped{ResponseWriter: w}, r)
		})
	})
	resp := dialResponse(t, h.url+"&transport=websocket")
	assert.Equal(t, resp.StatusCode, http.StatusNotImplemented)
	assert.Eventually(t, func() bool { return h.engine.Sessions() == 0 })
	assert.Equal(t, refusals.all()[0].Status, http.StatusNotImplemented)
	p := h.poller()
	resp = dialResponse(t, h.url+"&transport=websocket&sid="+p.sid)
	assert.Equal(t, resp.StatusCode, http.StatusNotImplemented)
	pending := p.pending()
	assert.NoError(t, p.session.Send(TextMessage("x")))
	assert.Equal(t, assert.Receive(t, pending).body, "4x")
	assert.Equal(t, p.post("4y").body, "ok")
}

func TestPollingOverHTTP2(t *testing.T) {
	const short = 100 * time.Millisecond
	h := serveOn(t, &Options{PingInterval: time.Second}, func(s *httptest.Server) {
		s.EnableHTTP2 = true
		s.Config.ReadTimeout, s.Config.WriteTimeout = short, short
	}, nil)
	p := h.poller()
	assert.True(t, p.session.Handshake().Secure)
	began := time.Now()
	pending := p.pending()
	assert.Equal(t, p.post("4a\x1ebAQID").body, "ok")
	p.expect(t, "a")
	p.expect(t, "\x01\x02\x03")
	assert.Eventually(t, func() bool { return time.Since(began) > 3*short })
	p.expectOpen(t)
	assert.NoError(t, p.session.Send(TextMessage("late")))
	assert.Equal(t, assert.Receive(t, pending).body, "4late")

	pending = p.pending()
	overlap := p.get()
	assert.Equal(t, overlap.status, 400)
	assert.Equal(t, assert.Receive(t, pending).body, "1")
	p.expectClosed(t, TransportError)

	for _, method := range []string{"GET", "CONNECT"} {
		r := httptest.NewRequest(method, h.url+"&transport=websocket", nil)
		r.ProtoMajor, r.ProtoMinor = 2, 0
		w := httptest.NewRecorder()
		h.engine.ServeHTTP(w, r)
		assert.Equal(t, w.Code, 400)
		assert.Equal(t, w.Body.String(), `{"code":3,"message":"WebSocket needs HTTP/1.1, this request came over HTTP/2 or later"}`)
	}
}

// A poll that is given up over HTTP/2 is a reset stream on a connection that goes on.
func TestDroppedPollOverHTTP2(t *testing.T) {
	h := serveOn(t, nil, func(s *httptest.Server) { s.EnableHTTP2 = true }, nil)
	p := h.poller()
	client := *h.client
	client.Timeout = 200 * time.Millisecond
	_, err := client.Get(p.url)
	assert.True(t, err != nil)
	assert.ErrorIs(t, p.expectClosed(t, TransportError), ErrPollDropped)
}

func TestWebSocketOverTLS(t *testing.T) {
	h := serveOn(t, nil, func(s *httptest.Server) { s.EnableHTTP2 = true }, nil)
	u, err := url.Parse(h.url)
	assert.NoError(t, err)
	pool := h.client.Transport.(*http.Transport).TLSClientConfig.RootCAs
	nc, err := tls.Dial("tcp", u.Host, &tls.Config{RootCAs: pool, ServerName: "example.com"})
	assert.NoError(t, err)
	defer nc.Close()
	c, _, err := wstest.On(nc, h.url+"&transport=websocket", nil)
	assert.NoError(t, err)
	c.Next(t)
	p := assert.Receive(t, h.peers)
	assert.True(t, p.session.Handshake().Secure)
	assert.NoError(t, p.session.Send(TextMessage("x")))
	c.Expect(t, "4x")
	p.session.Close()
	c.ExpectClose(t)
	p.expectClosed(t, ForcedClose)
}

// The server looks at the query, never at the path.
func TestMountedAnywhere(t *testing.T) {
	h := serveOn(t, nil, nil, func(next http.Handler) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/a/b/", http.StripPrefix("/a/b", next))
		mux.Handle("/exact", next)
		mux.Handle("GET /engine.io/", next)
		return mux
	})
	for _, path := range []string{"/a/b/", "/a/b/c/d", "/exact"} {
		a := h.request("GET", h.http.URL+path+"?EIO=4&transport=polling", "")
		assert.Equal(t, a.status, 200, path)
		conn, _, err := wstest.Try(h.http.URL+path+"?EIO=4&transport=websocket", nil)
		assert.NoError(t, err)
		if assert.True(t, conn != nil, path) {
			conn.Close()
		}
	}
}

// Unix sockets have no addresses.
func TestUnixSocket(t *testing.T) {
	path := t.TempDir() + "/s"
	h := serveOn(t, &Options{MaxPerAddress: 1}, func(s *httptest.Server) {
		_ = s.Listener.Close()
		var err error
		s.Listener, err = net.Listen("unix", path)
		assert.NoError(t, err)
	}, nil)
	for range 2 {
		nc, err := net.Dial("unix", path)
		assert.NoError(t, err)
		defer nc.Close()
		c, _, err := wstest.On(nc, "http://x/?EIO=4&transport=websocket", nil)
		assert.NoError(t, err)
		c.Next(t)
		p := assert.Receive(t, h.peers)
		assert.True(t, !p.session.Handshake().Address.IsValid())
		assert.NoError(t, c.SendText("4x"))
		p.expect(t, "x")
	}
}

// withoutKeepAlive listens for connections that the kernel never probes.
func withoutKeepAlive(s *httptest.Server) {
	_ = s.Listener.Close()
	lc := net.ListenConfig{KeepAlive: -1}
	l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	s.Listener = l
}

// Middleware that gives a request a deadline, and answers in its handler's place when it
// has passed: polls are answered before. http.TimeoutHandler also hides the connection,
// so that WebSocket is refused, which is said once in the log.
func TestHostThatLosesPatience(t *testing.T) {
	const patience = 30 * time.Second
	for name, wrap := range map[string]func(http.Handler) http.Handler{
		"http.TimeoutHandler": func(next http.Handler) http.Handler { return http.TimeoutHandler(next, patience, "late") },
		"context": func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ctx, cancel := context.WithTimeout(r.Context(), patience)
				defer cancel()
				next.ServeHTTP(w, r.WithContext(ctx))
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			var text lockedBuffer
			// Beats that would let a poll wait longer.
			o := &Options{Logger: slog.New(slog.NewTextHandler(&text, nil)), PingInterval: time.Hour}
			fakedOn(t, o, nil, wrap, func(t *testing.T, h *host) {
				p := h.poller()
				for range 2 {
					began := time.Now()
					p.expectPoll(t, "6")
					assert.Equal(t, time.Since(began), patience-time.Second)
				}
				pending := p.pending()
				assert.NoError(t, p.session.Send(TextMessage("x")))
				assert.Equal(t, assert.Receive(t, pending).body, "4x")
				assert.Equal(t, p.post("4y").body, "ok")
				p.expect(t, "y")
				p.expectOpen(t)
				if name == "context" {
					c := p.upgrade(t)
					time.Sleep(2 * patience)
					assert.NoError(t, c.SendText("4z"))
					p.expect(t, "z")
					return
				}
				for range 2 {
					nc, err := h.dial()
					assert.NoError(t, err)
					_, resp, err := wstest.On(nc, h.url+"&transport=websocket&sid="+p.sid, nil)
					assert.NoError(t, err)
					assert.Equal(t, resp.StatusCode, http.StatusNotImplemented)
					assert.NoError(t, nc.Close())
				}
				assert.Equal(t, strings.Count(text.String(), "level=WARN"), 1, text.String())
				assert.True(t, strings.Contains(text.String(), "writer=*http.timeoutWriter"), text.String())
			})
		})
	}
}

// The same of a host's own time-outs, where middleware keeps a poll from lifting them.
func TestShortTimeoutsThatCannotBeLifted(t *testing.T) {
	const short = 10 * time.Second
	for name, configure := range map[string]func(*http.Server){
		"ReadTimeout":  func(s *http.Server) { s.ReadTimeout = short },
		"WriteTimeout": func(s *http.Server) { s.WriteTimeout = short },
	} {
		t.Run(name, func(t *testing.T) {
			hide := func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					next.ServeHTTP(&wrapped{ResponseWriter: w}, r)
				})
			}
			fakedOn(t, &Options{PingInterval: time.Hour}, configure, hide, func(t *testing.T, h *host) {
				p := h.poller()
				for range 3 {
					began := time.Now()
					p.expectPoll(t, "6")
					assert.Equal(t, time.Since(began), short-time.Second)
				}
				p.expectOpen(t)
			})
		})
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// One HTTP/2 connection of a proxy carries many sessions, each with a poll that holds a
// stream: HTTP2Config.MaxConcurrentStreams (250 by default) bounds them.
func TestManySessionsOverOneHTTP2Connection(t *testing.T) {
	const sessions = 300
	for name, encrypted := range map[string]bool{"h2": true, "h2c": false} {
		t.Run(name, func(t *testing.T) {
			var connections atomic.Int32
			h := serveOn(t, nil, func(s *httptest.Server) {
				s.EnableHTTP2 = encrypted
				s.Config.Protocols = new(http.Protocols)
				s.Config.Protocols.SetHTTP1(true)
				s.Config.Protocols.SetHTTP2(encrypted)
				s.Config.Protocols.SetUnencryptedHTTP2(!encrypted)
				s.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 2 * sessions}
				s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
					if state == http.StateNew {
						connections.Add(1)
					}
				}
			}, nil)
			if !encrypted {
				transport := h.client.Transport.(*http.Transport)
				transport.Protocols = new(http.Protocols)
				transport.Protocols.SetUnencryptedHTTP2(true)
			}
			h.poller() // the connection for all that follows
			var clients sync.WaitGroup
			for range sessions {
				clients.Go(func() {
					a, err := h.do("GET", h.url+"&transport=polling", "")
					if err != nil {
						t.Error(err)
						return
					}
					url := h.url + "&transport=polling&sid=" + parseOpen(t, a.body).SID
					got := make(chan string, 1)
					go func() {
						a, err := h.do("GET", url, "")
						got <- fmt.Sprint(a.body, err)
					}()
					if a, err := h.do("POST", url, "4x"); err != nil || a.body != "ok" {
						t.Error("post", a, err)
					}
					if text := <-got; text != "4all<nil>" {
						t.Error("poll", text)
					}
				})
			}
			peers := make([]*peer, sessions)
			for i := range peers {
				peers[i] = assert.Receive(t, h.peers)
			}
			m := TextMessage("all")
			for _, p := range peers {
				p.expect(t, "x")
			}
			for _, p := range peers { // all polls wait, or are about to
				assert.NoError(t, p.session.Queue(m))
			}
			clients.Wait()
			assert.Equal(t, connections.Load(), int32(1))
		})
	}
}
