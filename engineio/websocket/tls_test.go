package websocket_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/kachi-io/kachi/engineio/websocket"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/outbox"
)

func TestTLS(t *testing.T) {
	t.Run("messages and close", func(t *testing.T) {
		c, p := overTLS(t, nil)
		for i := range 1000 {
			assert.NoError(t, c.Queue(websocket.NewFrame(websocket.Text, fmt.Append(nil, i))))
		}
		p.write(frame(end|ping, "?"))
		assert.NoError(t, c.Close(1001, "going"))
		next := 0
		for next < 1000 {
			first, got, err := p.read()
			assert.NoError(t, err)
			if first == end|pong {
				continue
			}
			assert.Equal(t, got, fmt.Sprint(next))
			next++
		}
		for { // the pong may come late, but not after the close frame
			first, got, err := p.read()
			assert.NoError(t, err)
			if first == end|closes {
				assert.Equal(t, got, closing(1001, "going"))
				break
			}
		}
		p.write(frame(end|closes, closing(1001, "")))
		assert.Eventually(t, func() bool { return websocket.Dead(c) })
	})
	t.Run("fault", func(t *testing.T) {
		_, p := overTLS(t, nil)
		p.write(append(frame(end|3, ""), make([]byte, 100_000)...))
		p.expectClose(1002) // ends with a close_notify, or reading would fail
	})
	t.Run("large messages", func(t *testing.T) {
		ours, theirs := tlsPair(t)
		c := websocket.NewConn(ours, nil, nil, false)
		ended := make(chan error, 1)
		go func() { ended <- echo(c) }()
		p := newPeer(t, theirs)
		payload := noise(900_000)
		go p.sendMessage(blob, payload, 70_000, 1000)
		p.expect(end|blob, payload)
		assert.NoError(t, c.CloseNow())
		assert.ErrorIs(t, assert.Receive(t, ended), websocket.ErrClosed)
	})
	t.Run("stuck peer", func(t *testing.T) {
		c, p := overTLS(t, &websocket.Options{Queue: outbox.Limits{Bytes: 1 << 20}})
		assert.NoError(t, p.Conn.(*tls.Conn).NetConn().(*net.TCPConn).SetReadBuffer(128<<10))
		n := overload(t, c, 8<<10)
		assert.True(t, n > 100, "%d", n)
		m, bytes := c.Buffered()
		assert.True(t, m > 0 && bytes <= 1<<20+16<<10, "%d bytes", bytes)
		assert.NoError(t, c.CloseNow())
		m, _ = c.Buffered()
		assert.Equal(t, m, 0)
	})
	t.Run("stuck peer is given up", func(t *testing.T) {
		c, p := overTLS(t, &websocket.Options{WriteTimeout: 100 * time.Millisecond})
		assert.NoError(t, p.Conn.(*tls.Conn).NetConn().(*net.TCPConn).SetReadBuffer(128<<10))
		for c.Send(websocket.NewFrame(websocket.Binary, make([]byte, 10_000))) == nil {
		}
		assert.Eventually(t, func() bool { return websocket.Dead(c) })
	})
}

// tlsPair connects two ends by TLS, for connections without an HTTP server.
func tlsPair(t testing.TB) (ours, theirs net.Conn) {
	t.Helper()
	a, b := tcpPair(t)
	ours = tls.Server(a, &tls.Config{Certificates: []tls.Certificate{certificate(t)}})
	theirs = tls.Client(b, &tls.Config{InsecureSkipVerify: true})
	return ours, theirs
}

func certificate(t testing.TB) tls.Certificate {
	t.Helper()
	server := httptest.NewTLSServer(nil) // has one
	defer server.Close()
	return server.TLS.Certificates[0]
}
