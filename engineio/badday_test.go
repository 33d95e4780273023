package engineio

import (
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

// A body that dribbles keeps its client from answering pings: the heartbeat ends the
// session, and with it the request.
func TestPostThatDribbles(t *testing.T) {
	p := serve(t, &Options{PingInterval: 20 * time.Millisecond, PingTimeout: 20 * time.Millisecond}).poller()
	c := dial(t, p.host)
	c.write("POST /?EIO=4&transport=polling&sid=" + p.sid + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
	stop := make(chan struct{})
	var dribbling sync.WaitGroup
	dribbling.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				_, _ = c.nc.Write([]byte("4"))
			}
		}
	})
	p.expectClosed(t, PingTimeout)
	c.expectHangup()
	close(stop)
	dribbling.Wait()
	assert.Eventually(t, func() bool { return p.engine.Sessions() == 0 })
}

// The same where nothing comes at all, of a body that is announced but not allowed.
func TestBodiesThatAreNotRead(t *testing.T) {
	h := serve(t, nil)
	p := h.poller()
	for _, request := range []string{
		"POST /?EIO=4&transport=polling&sid=unknown HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n",
		"POST /?EIO=4&transport=polling&sid=" + p.sid + " HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n",
		"PUT /?EIO=4&transport=polling&sid=" + p.sid + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n",
	} {
		c := dial(t, h)
		c.write(request)
		a, err := c.read()
		assert.NoError(t, err)
		assert.True(t, a.status >= 400, "status %d", a.status)
	}
	p.expectOpen(t)
}

// stuckPoll is a poll whose client does not read the answer.
func stuckPoll(t *testing.T, p *poller) *raw {
	t.Helper()
	c := dial(t, p.host)
	m := TextMessage(strings.Repeat("x", 1<<20))
	for range 20 {
		assert.NoError(t, p.session.Send(m))
	}
	c.write("GET /?EIO=4&transport=polling&sid=" + p.sid + " HTTP/1.1\r\nHost: x\r\n\r\n")
	assert.Eventually(t, func() bool {
		p.session.mu.Lock()
		defer p.session.mu.Unlock()
		return p.session.polling.writing != nil
	})
	return c
}

func TestStuckReaderOfAPoll(t *testing.T) {
	o := Options{MaxPayload: 30 << 20, MaxQueuedBytes: 30 << 20}
	t.Run("ends with WriteTimeout", func(t *testing.T) {
		o := o
		o.WriteTimeout = 50 * time.Millisecond
		p := serve(t, &o).poller()
		stuckPoll(t, p)
		p.expectClosed(t, TransportError)
	})
	t.Run("ends with the session", func(t *testing.T) {
		o := o
		o.PingInterval, o.PingTimeout = 100*time.Millisecond, 100*time.Millisecond
		p := serve(t, &o).poller()
		stuckPoll(t, p)
		p.expectClosed(t, PingTimeout)
		assert.Eventually(t, func() bool {
			p.session.mu.Lock()
			defer p.session.mu.Unlock()
			return p.session.polling.writing == nil
		}, "its handler returns")
	})
	t.Run("gets nothing twice, and delays its successor", func(t *testing.T) {
		p := serve(t, &o).poller()
		c := stuckPoll(t, p)
		assert.NoError(t, p.session.Send(TextMessage("next")))
		pending := p.pending()
		a, err := c.read()
		assert.NoError(t, err)
		assert.Equal(t, strings.Count(a.body, "4x"), 20)
		assert.Equal(t, assert.Receive(t, pending).body, "4next")
		p.expectOpen(t)
	})
}

func TestStuckReaderOfAWebSocket(t *testing.T) {
	h := serve(t, &Options{WriteTimeout: 50 * time.Millisecond, MaxQueuedBytes: 30 << 20})
	_, p := h.websocket(t)
	m := TextMessage(strings.Repeat("x", 1<<20))
	for range 20 { // more than the kernel takes, within the bounds of the queue
		if p.session.Send(m) != nil {
			break
		}
	}
	p.expectClosed(t, TransportError)
}

// Clients hang up at every stage of their life; nothing stays.
func TestAbruptClosesAtEachStage(t *testing.T) {
	h := serve(t, &Options{UpgradeTimeout: 100 * time.Millisecond, PingInterval: 300 * time.Millisecond, PingTimeout: 100 * time.Millisecond})
	url := func(transport, sid string) string { return h.url + "&transport=" + transport + sid }
	reset := func(nc net.Conn) {
		if tcp, ok := nc.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = nc.Close()
	}
	stages := map[string]func(t *testing.T){
		"half a request": func(t *testing.T) {
			c := dial(t, h)
			c.write("GET /engine.io/?EIO=4&transport=web")
			reset(c.nc)
		},
		"half a WebSocket handshake": func(t *testing.T) {
			c := dial(t, h)
			c.write("GET /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n")
			reset(c.nc)
		},
		"right behind the WebSocket handshake": func(t *testing.T) {
			c := dial(t, h)
			var b strings.Builder
			b.WriteString("GET /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n")
			assert.NoError(t, wstest.Handshake().Write(&b))
			c.write(b.String() + "\r\n")
			reset(c.nc)
		},
		"right behind the polling handshake": func(t *testing.T) {
			c := dial(t, h)
			c.write("GET /engine.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n")
			reset(c.nc)
		},
		"half a frame": func(t *testing.T) {
			c := wstest.Dial(t, url("websocket", ""))
			_, _ = c.Write([]byte{0x81, 0xfe, 0x10})
			reset(c.Conn)
		},
		"in a poll": func(t *testing.T) {
			p := h.poller()
			c := dial(t, h)
			c.write("GET /engine.io/?EIO=4&transport=polling&sid=" + p.sid + " HTTP/1.1\r\nHost: x\r\n\r\n")
			p.awaitPending(t)
			reset(c.nc)
			p.expectClosed(t, TransportError)
		},
		"in a post": func(t *testing.T) {
			p := h.poller()
			c := dial(t, h)
			c.write("POST /engine.io/?EIO=4&transport=polling&sid=" + p.sid + " HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n4a")
			reset(c.nc)
			<-p.closed // by the post, or by the heartbeat when the server never saw it
		},
		"candidate": func(t *testing.T) {
			p := h.poller()
			reset(p.candidate(t).Conn)
		},
		"candidate after its probe": func(t *testing.T) {
			p := h.poller()
			c := p.candidate(t)
			assert.NoError(t, c.SendText("2probe"))
			reset(c.Conn)
		},
		"right behind the upgrade": func(t *testing.T) {
			p := h.poller()
			c := p.candidate(t)
			assert.NoError(t, c.SendText("2probe"))
			assert.NoError(t, c.SendText("5"))
			reset(c.Conn)
		},
		"while the server closes": func(t *testing.T) {
			c := wstest.Dial(t, url("websocket", ""))
			for range 3 {
				_ = c.SendText("abc") // a parse error
			}
			reset(c.Conn)
		},
	}
	for name, stage := range stages {
		t.Run(name, func(t *testing.T) {
			for range 3 {
				stage(t)
			}
		})
	}
	assert.Eventually(t, func() bool { return h.engine.Sessions() == 0 })
}

// Two thousand connections, of every kind, vanish without a word. Afterwards the server
// is as it was.
func TestCrowdThatVanishes(t *testing.T) {
	if testing.Short() {
		t.Skip("two thousand connections")
	}
	h := serve(t, &Options{PingInterval: 500 * time.Millisecond, PingTimeout: 500 * time.Millisecond})
	crowd := func(n int) {
		var clients sync.WaitGroup
		for worker := range 8 {
			clients.Go(func() {
				for i := range n / 8 {
					kind := (worker + i) % 4
					if kind == 0 { // polling, and never heard of again
						c := dialQuietly(h)
						if c == nil {
							t.Error("dial")
							return
						}
						_, _ = fmt.Fprint(c, "GET /?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n")
						_, _ = c.Read(make([]byte, 1024))
						defer c.Close()
						continue
					}
					c, _, err := wstest.Try(h.url+"&transport=websocket", nil)
					if err != nil || c == nil {
						t.Error("WebSocket", err)
						return
					}
					defer c.Close()
					switch kind {
					case 1:
						_ = c.SendText("4hello")
					case 2:
						_, _ = c.Write([]byte{0x81, 0xff}) // the beginning of a frame
					}
				}
			})
		}
		clients.Wait()
		for range n / 8 * 8 {
			assert.Receive(t, h.peers)
		}
		assert.Eventually(t, func() bool { return h.engine.Sessions() == 0 })
	}
	crowd(1000) // pools and maps, which do not shrink
	goroutines, heap := runtime.NumGoroutine(), liveHeap()
	crowd(2000)
	h.client.CloseIdleConnections()
	assert.Eventually(t, func() bool { return runtime.NumGoroutine() <= goroutines+5 },
		"goroutines before %d", goroutines)
	// A session and its handshake alone are 700 bytes; less than that each may be what maps
	// and pools have grown by.
	assert.Eventually(t, func() bool { return liveHeap() <= heap+2000*400 }, "heap before %d", heap)
	t.Logf("heap before %d KB, after %d KB", heap>>10, liveHeap()>>10)
}

func dialQuietly(h *host) net.Conn {
	c, err := net.Dial("tcp", strings.TrimPrefix(h.http.URL, "http://"))
	if err != nil {
		return nil
	}
	return c
}

func liveHeap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Sessions are sent to, closed, moved and looked at from all sides at once.
func TestEverythingAtOnce(t *testing.T) {
	h := serve(t, &Options{MaxQueuedMessages: 50, PingInterval: 5 * time.Millisecond, PingTimeout: 50 * time.Millisecond})
	shared := TextMessage("shared")
	for range 20 {
		p := h.poller()
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				for range 50 {
					m := shared
					if i == 3 {
						m = NewMessage(append(make([]byte, Room), "51-"...), []byte{1})
						m.Volatile = true
					}
					if i%2 == 0 {
						_ = p.session.Send(m)
					} else {
						_ = p.session.Queue(m)
					}
					_, _ = p.session.Buffered()
					_ = p.session.Transport()
					_ = p.session.Upgraded()
				}
			})
		}
		all.Go(func() {
			for range 3 {
				_, _ = p.do("GET", p.url, "")
			}
		})
		all.Go(func() {
			for range 3 {
				_, _ = p.do("POST", p.url, "4a\x1e3")
			}
		})
		all.Go(func() {
			c, _, err := wstest.Try(h.url+"&transport=websocket&sid="+p.sid, nil)
			if err != nil || c == nil {
				return
			}
			defer c.Close()
			_ = c.SendText("2probe")
			_ = c.SendText("5")
			for range 20 {
				if _, err := c.Read(); err != nil {
					return
				}
			}
		})
		all.Go(func() {
			time.Sleep(time.Millisecond)
			p.session.Close()
		})
		all.Wait()
		p.session.Abort(ServerShuttingDown, nil)
		assert.Receive(t, p.closed)
	}
	assert.Eventually(t, func() bool { return h.engine.Sessions() == 0 })
}
