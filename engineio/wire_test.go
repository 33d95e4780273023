package engineio

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

// get and post are the lines of a request of the session, as the test wants them.
func (p *poller) rawGet(header ...string) string {
	return "GET /?EIO=4&transport=polling&sid=" + p.sid + " HTTP/1.1\r\nHost: x\r\n" + lines(header) + "\r\n"
}

func (p *poller) rawPost(body string, header ...string) string {
	return "POST /?EIO=4&transport=polling&sid=" + p.sid + " HTTP/1.1\r\nHost: x\r\n" + lines(header) + "\r\n" + body
}

func lines(header []string) string {
	if len(header) == 0 {
		return ""
	}
	return strings.Join(header, "\r\n") + "\r\n"
}

// rawUpgrade is a WebSocket handshake, and frames that do not wait for its answer.
func rawUpgrade(query string, frames ...string) []byte {
	var b strings.Builder
	b.WriteString("GET /?EIO=4&transport=websocket" + query + " HTTP/1.1\r\nHost: x\r\n")
	_ = wstest.Handshake().Write(&b)
	all := []byte(b.String() + "\r\n")
	for _, f := range frames {
		all = wstest.AppendFrame(all, wstest.Text, []byte(f))
	}
	return all
}

// expect reads one answer.
func (c *raw) expect(status int, body string) answer {
	c.t.Helper()
	a, err := c.read()
	assert.NoError(c.t, err)
	assert.Equal(c.t, a.status, status)
	assert.Equal(c.t, a.body, body)
	return a
}

// halfClose says that the client will send nothing more.
func (c *raw) halfClose() {
	c.t.Helper()
	assert.NoError(c.t, c.nc.(*net.TCPConn).CloseWrite())
}

// Clients that send their first frames with the handshake: net/http has read them into
// its buffer by the time the connection is taken over, or a part of them.
func TestFramesInThePacketOfTheHandshake(t *testing.T) {
	long := strings.Repeat("long", 3000) // more than net/http's buffer of 4 KiB
	t.Run("direct", func(t *testing.T) {
		h := serve(t, nil)
		c := dial(t, h)
		_, err := c.nc.Write(rawUpgrade("", "4a", "4"+long, "4b"))
		assert.NoError(t, err)
		p := assert.Receive(t, h.peers)
		p.expect(t, "a")
		p.expect(t, long)
		p.expect(t, "b")
	})
	t.Run("direct, cut anywhere", func(t *testing.T) {
		h := serve(t, nil)
		whole := rawUpgrade("", "4a", "4bcd")
		frames := len(whole) - len(wstest.AppendFrame(wstest.AppendFrame(nil, wstest.Text, []byte("4a")), wstest.Text, []byte("4bcd")))
		for cut := frames; cut <= len(whole); cut++ {
			c := dial(t, h)
			_, err := c.nc.Write(whole[:cut])
			assert.NoError(t, err)
			p := assert.Receive(t, h.peers)
			_, err = c.nc.Write(whole[cut:])
			assert.NoError(t, err)
			p.expect(t, "a")
			p.expect(t, "bcd")
			c.close()
		}
	})
	t.Run("upgrade", func(t *testing.T) {
		p := serve(t, nil).poller()
		pending := p.pending()
		c := dial(t, p.host)
		_, err := c.nc.Write(rawUpgrade("&sid="+p.sid, "2probe", "5", "4a", "4"+long))
		assert.NoError(t, err)
		p.expect(t, "a")
		p.expect(t, long)
		assert.True(t, p.session.Upgraded())
		assert.Equal(t, assert.Receive(t, pending).status, 400)
		assert.NoError(t, p.session.Send(TextMessage("x")))
		resp, err := http.ReadResponse(c.r, nil)
		assert.NoError(t, err)
		assert.Equal(t, resp.StatusCode, http.StatusSwitchingProtocols)
		assert.Equal(t, readFrames(t, c.r, 2), []string{"3probe", "4x"})
	})
	t.Run("goodbye, too", func(t *testing.T) {
		h := serve(t, nil)
		c := dial(t, h)
		_, err := c.nc.Write(wstest.AppendFrame(rawUpgrade("", "4a"), wstest.Close, nil))
		assert.NoError(t, err)
		p := assert.Receive(t, h.peers)
		p.expect(t, "a")
		p.expectClosed(t, TransportClose)
		c.expectHangup()
	})
}

// readFrames reads n short frames of the server.
func readFrames(t testing.TB, r *bufio.Reader, n int) []string {
	t.Helper()
	var all []string
	for range n {
		var head [2]byte
		_, err := io.ReadFull(r, head[:])
		assert.NoError(t, err)
		payload := make([]byte, head[1])
		_, err = io.ReadFull(r, payload)
		assert.NoError(t, err)
		all = append(all, string(payload))
	}
	return all
}

// A client that shuts down its side of the connection has gone, where the server waits
// for it: net/http and Node take it so, too. What it has sent before counts.
func TestHalfClosedConnections(t *testing.T) {
	t.Run("WebSocket", func(t *testing.T) {
		h := serve(t, nil)
		c := dial(t, h)
		_, err := c.nc.Write(rawUpgrade("", "4a"))
		assert.NoError(t, err)
		c.halfClose()
		p := assert.Receive(t, h.peers)
		p.expect(t, "a")
		p.expectClosed(t, TransportClose)
		c.expectHangup()
	})
	t.Run("WebSocket, while the server is writing", func(t *testing.T) {
		h := serve(t, &Options{MaxQueuedBytes: 64 << 20, WriteTimeout: 100 * time.Millisecond})
		c, p := h.websocket(t)
		m := TextMessage(strings.Repeat("x", 1<<20))
		for range 20 { // more than the kernel takes
			assert.NoError(t, p.session.Send(m))
		}
		assert.NoError(t, c.Conn.(*net.TCPConn).CloseWrite())
		p.expectClosed(t, TransportClose)
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, err := io.Copy(io.Discard, c.Conn)
		ne, timeout := err.(net.Error)
		assert.True(t, !timeout || !ne.Timeout(), "the server hangs up")
	})
	t.Run("WebSocket, in the middle of a frame", func(t *testing.T) {
		c, p := serve(t, nil).websocket(t)
		_, err := c.Write([]byte{0x81, 0xfe, 0x10})
		assert.NoError(t, err)
		assert.NoError(t, c.Conn.(*net.TCPConn).CloseWrite())
		p.expectClosed(t, TransportClose)
		c.ExpectClose(t)
	})
	t.Run("candidate", func(t *testing.T) {
		p := serve(t, nil).poller()
		for _, frames := range [][]string{nil, {"2probe"}} {
			c := dial(t, p.host)
			_, err := c.nc.Write(rawUpgrade("&sid="+p.sid, frames...))
			assert.NoError(t, err)
			c.halfClose()
			c.expectHangup()
			assert.Eventually(t, func() bool {
				p.session.mu.Lock()
				defer p.session.mu.Unlock()
				return p.session.upgrade == nil
			}, "it is withdrawn")
		}
		p.expectOpen(t)
		c := p.upgrade(t) // another one succeeds
		assert.NoError(t, c.SendText("4x"))
		p.expect(t, "x")
	})
	t.Run("poll that waits", func(t *testing.T) {
		p := serve(t, nil).poller()
		c := dial(t, p.host)
		c.write(p.rawGet())
		p.awaitPending(t)
		c.halfClose()
		assert.ErrorIs(t, p.expectClosed(t, TransportError), ErrPollDropped)
		c.expectHangup()
	})
	t.Run("poll that is answered at once", func(t *testing.T) {
		p := serve(t, nil).poller()
		assert.NoError(t, p.session.Send(TextMessage("x")))
		c := dial(t, p.host)
		c.write(p.rawGet())
		c.halfClose()
		c.expect(200, "4x")
		p.expectOpen(t)
	})
	t.Run("post", func(t *testing.T) {
		p := serve(t, nil).poller()
		c := dial(t, p.host)
		c.write(p.rawPost("4hello", "Content-Length: 6"))
		c.halfClose()
		p.expect(t, "hello")
		c.expect(200, "ok")
		p.expectOpen(t)
	})
	t.Run("post, in its middle", func(t *testing.T) {
		for _, length := range []string{"Content-Length: 60", "Transfer-Encoding: chunked"} {
			p := serve(t, nil).poller()
			c := dial(t, p.host)
			c.write(p.rawPost("6\r\n4hello\r\n", length))
			c.halfClose()
			assert.ErrorIs(t, p.expectClosed(t, TransportError), ErrPostDropped)
			c.expectHangup()
		}
	})
	t.Run("handshake", func(t *testing.T) {
		h := serve(t, nil)
		c := dial(t, h)
		c.write("GET /?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n")
		c.halfClose()
		a, err := c.read()
		assert.NoError(t, err)
		parseOpen(t, a.body)
		assert.Receive(t, h.peers).expectOpen(t)
	})
}

// A reset instead of a goodbye, where a session notices it at once.
func TestResetConnections(t *testing.T) {
	reset := func(nc net.Conn) {
		_ = nc.(*net.TCPConn).SetLinger(0)
		_ = nc.Close()
	}
	t.Run("WebSocket", func(t *testing.T) {
		c, p := serve(t, nil).websocket(t)
		reset(c.Conn)
		p.expectClosed(t, TransportClose)
	})
	t.Run("WebSocket that does not read", func(t *testing.T) {
		c, p := serve(t, &Options{MaxQueuedBytes: 64 << 20}).websocket(t)
		m := TextMessage(strings.Repeat("x", 1<<20))
		for range 20 {
			assert.NoError(t, p.session.Send(m))
		}
		reset(c.Conn)
		p.expectClosed(t, TransportClose)
	})
	t.Run("poll that is being answered", func(t *testing.T) {
		p := serve(t, &Options{MaxPayload: 30 << 20, MaxQueuedBytes: 30 << 20}).poller()
		c := stuckPoll(t, p)
		reset(c.nc)
		p.expectClosed(t, TransportError)
	})
	t.Run("post, in its middle", func(t *testing.T) {
		p := serve(t, nil).poller()
		c := dial(t, p.host)
		c.write(p.rawPost("4a", "Content-Length: 9"))
		assert.Eventually(t, func() bool {
			p.session.mu.Lock()
			defer p.session.mu.Unlock()
			return p.session.polling.post != nil
		})
		reset(c.nc)
		assert.ErrorIs(t, p.expectClosed(t, TransportError), ErrPostDropped)
	})
	t.Run("candidate", func(t *testing.T) {
		p := serve(t, nil).poller()
		c := p.candidate(t)
		assert.NoError(t, c.SendText("2probe"))
		c.Expect(t, "3probe")
		reset(c.Conn)
		assert.Eventually(t, func() bool {
			p.session.mu.Lock()
			defer p.session.mu.Unlock()
			return p.session.upgrade == nil
		})
		p.upgrade(t)
	})
}

// The heartbeat is all that a session needs to notice a silent peer.
func TestWithoutTCPKeepAlive(t *testing.T) {
	h := serveOn(t, &Options{PingInterval: 50 * time.Millisecond, PingTimeout: 50 * time.Millisecond}, withoutKeepAlive, nil)
	_, p := h.websocket(t)
	p.expectClosed(t, PingTimeout)
}
