package engineio

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

// Bodies as HTTP clients other than browsers send them.
func TestBodiesOfPosts(t *testing.T) {
	h := serve(t, &Options{MaxPayload: 1000})
	t.Run("Expect: 100-continue", func(t *testing.T) {
		p := h.poller()
		c := dial(t, h)
		for range 2 {
			c.write(p.rawPost("", "Content-Length: 6", "Expect: 100-continue"))
			resp, err := http.ReadResponse(c.r, nil)
			assert.NoError(t, err)
			assert.Equal(t, resp.StatusCode, http.StatusContinue)
			c.write("4hello")
			c.expect(200, "ok")
			p.expect(t, "hello")
		}
	})
	t.Run("Expect: 100-continue, and no", func(t *testing.T) {
		p := h.poller()
		for request, want := range map[string]string{
			p.rawPost("", "Content-Length: 1001", "Expect: 100-continue"):                                                         `{"code":3,"message":"Payload too large"}`,
			"POST /?EIO=4&transport=polling&sid=unknown HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n": `{"code":1,"message":"Session ID unknown"}`,
			"POST /?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n":             `{"code":2,"message":"Bad handshake method"}`,
			h.poller().rawPost("", "Content-Length: 6", "Expect: 100-continue", "Content-Type: application/octet-stream"):         "",
		} {
			c := dial(t, h)
			c.write(request)
			a, err := c.read()
			assert.NoError(t, err)
			assert.True(t, a.status >= 400, a.status)
			assert.Equal(t, a.body, want, request)
		}
	})
	t.Run("chunked", func(t *testing.T) {
		p := h.poller()
		c := dial(t, h)
		for range 2 {
			c.write(p.rawPost("", "Transfer-Encoding: chunked", "Trailer: X-Sum"))
			for _, r := range "4hello" {
				c.write("1;name=value\r\n" + string(r) + "\r\n")
			}
			c.write("0\r\nX-Sum: 1\r\n\r\n")
			c.expect(200, "ok")
			p.expect(t, "hello")
		}
		c.write(p.rawPost("0\r\n\r\n", "Transfer-Encoding: chunked")) // empty: no packet
		a, err := c.read()
		assert.NoError(t, err)
		empty := p.post("")
		assert.Equal(t, a.status, empty.status)
	})
	t.Run("chunked, and too large", func(t *testing.T) {
		p := h.poller()
		c := dial(t, h)
		c.write(p.rawPost("", "Transfer-Encoding: chunked"))
		for range 11 {
			c.write("64\r\n" + strings.Repeat("4", 100) + "\r\n")
		}
		c.expect(413, `{"code":3,"message":"Payload too large"}`)
		p.expectOpen(t)
		assert.Equal(t, p.post("4x").body, "ok")
	})
	t.Run("chunked, and malformed", func(t *testing.T) {
		p := h.poller()
		c := dial(t, h)
		c.write(p.rawPost("xyz\r\n4hello\r\n", "Transfer-Encoding: chunked"))
		c.expect(400, "")
		assert.ErrorIs(t, p.expectClosed(t, TransportError), ErrPostDropped)
	})
}

func TestHTTP10(t *testing.T) {
	h := serve(t, nil)
	c := dial(t, h)
	c.write("GET /?EIO=4&transport=polling HTTP/1.0\r\n\r\n")
	a, err := c.read()
	assert.NoError(t, err)
	sid := parseOpen(t, a.body).SID
	assert.Equal(t, a.header.Get("Content-Length"), fmt.Sprint(len(a.body)))
	c.expectHangup()
	p := &poller{host: h, peer: h.peer(sid), sid: sid}

	// One connection for each, as nginx has it by default, and one for all.
	old := func(request string) string { return strings.Replace(request, "HTTP/1.1", "HTTP/1.0", 1) }
	c = dial(t, h)
	c.write(old(p.rawGet()))
	p.awaitPending(t)
	post := dial(t, h)
	post.write(old(p.rawPost("4a", "Content-Length: 2")))
	post.expect(200, "ok")
	post.expectHangup()
	p.expect(t, "a")
	assert.NoError(t, p.session.Send(TextMessage("x")))
	c.expect(200, "4x")
	c.expectHangup()

	c = dial(t, h)
	for i := range 3 {
		c.write(old(p.rawPost("4b", "Content-Length: 2", "Connection: keep-alive")))
		c.expect(200, "ok")
		p.expect(t, "b")
		assert.NoError(t, p.session.Send(TextMessage(fmt.Sprint(i))))
		c.write(old(p.rawGet("Connection: keep-alive")))
		c.expect(200, fmt.Sprintf("4%d", i))
	}
	c.write(old(string(rawUpgrade("&sid=" + sid)))) // takes HTTP/1.1
	a, err = c.read()
	assert.NoError(t, err)
	assert.Equal(t, a.status, 426)
	p.expectOpen(t)
}

// Whatever a HEAD request names, it changes nothing.
func TestHead(t *testing.T) {
	p := serve(t, nil).poller()
	pending := p.pending()
	c := dial(t, p.host)
	for _, query := range []string{"", "&sid=unknown", "&sid=" + p.sid} {
		c.write("HEAD /?EIO=4&transport=polling" + query + " HTTP/1.1\r\nHost: x\r\n\r\n")
		_ = c.nc.SetReadDeadline(time.Now().Add(10 * time.Second))
		resp, err := http.ReadResponse(c.r, &http.Request{Method: "HEAD"})
		assert.NoError(t, err)
		assert.True(t, resp.StatusCode >= 400, query, resp.StatusCode)
	}
	assert.NoError(t, p.session.Send(TextMessage("x")))
	assert.Equal(t, assert.Receive(t, pending).body, "4x")
	assert.Equal(t, p.engine.Sessions(), 1)
}

// The host bounds a request's headers (http.Server.MaxHeaderBytes, 1 MB by default); what
// it lets through is kept with the session.
func TestHugeHeaders(t *testing.T) {
	h := serve(t, nil)
	cookie := strings.Repeat("c", 100_000)
	p := h.poller("Cookie", cookie)
	assert.Equal(t, p.session.Handshake().Header().Get("Cookie"), cookie)
	assert.Equal(t, p.post("4a", "Cookie", cookie).body, "ok")
	p.expect(t, "a")
	header := wstest.Handshake()
	header.Set("Cookie", cookie)
	for _, query := range []string{"", "&sid=" + p.sid} {
		c, _, err := wstest.Try(h.url+"&transport=websocket"+query, header)
		assert.NoError(t, err)
		assert.True(t, c != nil, "upgraded")
		t.Cleanup(func() { _ = c.Close() })
	}
	assert.Equal(t, assert.Receive(t, h.peers).session.Handshake().Header().Get("Cookie"), cookie)

	c := dial(t, h)
	go func() { _, _ = io.WriteString(c.nc, p.rawGet("Cookie: "+strings.Repeat("c", 2<<20))) }()
	a, err := c.read()
	assert.NoError(t, err)
	assert.Equal(t, a.status, http.StatusRequestHeaderFieldsTooLarge)
	p.expectOpen(t)
}

// Requests that are sent down one connection without waiting for answers. net/http serves
// one after the other, so polls never overlap there; Node serves them at once and ends
// the session.
func TestPipelinedRequests(t *testing.T) {
	t.Run("two polls", func(t *testing.T) {
		p := serve(t, nil).poller()
		c := dial(t, p.host)
		c.write(p.rawGet() + p.rawGet())
		p.awaitPending(t)
		assert.NoError(t, p.session.Send(TextMessage("x")))
		c.expect(200, "4x")
		p.awaitPending(t)
		assert.NoError(t, p.session.Send(TextMessage("y")))
		c.expect(200, "4y")
		p.expectOpen(t)
	})
	t.Run("posts and a poll", func(t *testing.T) {
		p := serve(t, nil).poller()
		c := dial(t, p.host)
		c.write(p.rawPost("4a", "Content-Length: 2") + p.rawPost("4b", "Content-Length: 2") + p.rawGet())
		p.expect(t, "a")
		p.expect(t, "b")
		assert.NoError(t, p.session.Send(TextMessage("x")))
		c.expect(200, "ok")
		c.expect(200, "ok")
		c.expect(200, "4x")
	})
	t.Run("behind a poll that waits", func(t *testing.T) {
		// The post, a pong, say, has to wait for its turn; the ping gives it that.
		p := serve(t, &Options{PingInterval: 50 * time.Millisecond}).poller()
		c := dial(t, p.host)
		c.write(p.rawGet() + p.rawPost("3\x1e4a", "Content-Length: 4"))
		c.expect(200, "2")
		c.expect(200, "ok")
		p.expect(t, "a")
		p.expectOpen(t)
	})
	t.Run("and then gone", func(t *testing.T) {
		p := serve(t, nil).poller()
		c := dial(t, p.host)
		c.write(p.rawGet() + p.rawGet())
		p.awaitPending(t)
		c.close()
		assert.ErrorIs(t, p.expectClosed(t, TransportError), ErrPollDropped)
	})
	t.Run("and then gone, unnoticed", func(t *testing.T) {
		// net/http looks for the end by reading one byte, and here there is one.
		p := serve(t, &Options{PingInterval: 50 * time.Millisecond, PingTimeout: 50 * time.Millisecond}).poller()
		c := dial(t, p.host)
		c.write(p.rawGet())
		p.awaitPending(t)
		c.write(p.rawGet())
		c.close()
		assert.Receive(t, p.closed) // by the heartbeat
	})
	t.Run("behind an upgrade", func(t *testing.T) {
		// What follows the handshake is the WebSocket's, and no frame.
		h := serve(t, nil)
		c := dial(t, h)
		_, err := c.nc.Write(append(rawUpgrade(""), "GET /?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n"...))
		assert.NoError(t, err)
		p := assert.Receive(t, h.peers)
		p.expectClosed(t, TransportError)
		c.expectHangup()
		assert.Equal(t, len(h.peers), 0)
	})
}

func TestConnectionForEachRequest(t *testing.T) {
	p := serve(t, nil).poller()
	for i := range 5 {
		c := dial(t, p.host)
		c.write(p.rawGet("Connection: close"))
		p.awaitPending(t)
		post := dial(t, p.host)
		post.write(p.rawPost("4a", "Content-Length: 2", "Connection: close"))
		post.expect(200, "ok")
		post.expectHangup()
		p.expect(t, "a")
		assert.NoError(t, p.session.Send(TextMessage(fmt.Sprint(i))))
		c.expect(200, fmt.Sprintf("4%d", i))
		c.expectHangup()
	}
	p.expectOpen(t)
}
