package websocket_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/engineio/websocket"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestCloseByServer(t *testing.T) {
	h := listen(t, nil, drainReads)
	p := h.dial(t)
	c := assert.Receive(t, h.conns)
	for i := range 1000 {
		assert.NoError(t, c.Queue(websocket.NewFrame(websocket.Text, fmt.Append(nil, i))))
	}
	assert.NoError(t, c.Close(4321, "enough"))
	assert.ErrorIs(t, c.Close(1000, ""), websocket.ErrClosed)
	assert.ErrorIs(t, c.Send(websocket.NewFrame(websocket.Text, nil)), websocket.ErrClosed)
	assert.ErrorIs(t, c.Queue(websocket.NewFrame(websocket.Text, nil)), websocket.ErrClosed)
	assert.ErrorIs(t, c.SendFirst(websocket.NewFrame(websocket.Text, nil)), net.ErrClosed)
	for i := range 1000 {
		p.expect(end|text, fmt.Sprint(i))
	}
	p.expect(end|closes, closing(4321, "enough"))
	p.write(frame(end|text, "crossed our close frame"))
	p.write(frame(end|closes, closing(4321, "")))
	p.expectEOF()
	e := assert.ErrorAs[*websocket.CloseError](t, assert.Receive(t, h.ended))
	assert.Equal(t, e.Code, websocket.StatusCode(4321))
}

func TestCloseFrames(t *testing.T) {
	h := listen(t, nil, drainReads)
	tests := []struct {
		code   websocket.StatusCode
		reason string
		want   string
	}{
		{websocket.StatusNoStatus, "ignored", ""},
		{1000, "", closing(1000, "")},
		{1001, strings.Repeat("x", 123), closing(1001, strings.Repeat("x", 123))},
		{1001, strings.Repeat("x", 200), closing(1001, strings.Repeat("x", 123))},
		{1001, strings.Repeat("x", 122) + "é", closing(1001, strings.Repeat("x", 122))},
		{1001, strings.Repeat("x", 121) + "éé", closing(1001, strings.Repeat("x", 121)+"é")},
	}
	for _, test := range tests {
		p := h.dial(t)
		assert.NoError(t, assert.Receive(t, h.conns).Close(test.code, test.reason))
		p.expect(end|closes, test.want)
	}
	h.dial(t)
	c := assert.Receive(t, h.conns)
	for _, code := range []websocket.StatusCode{0, 999, 1004, 1006, 1015, 2999, 5000} {
		assert.True(t, c.Close(code, "") != nil, "%d is refused", code)
	}
	assert.NoError(t, c.Send(websocket.NewFrame(websocket.Text, nil)), "still open")
}

// What of TestCloseTimeout depends on the kernel.
func TestCloseTimeoutOfASocket(t *testing.T) {
	o := &websocket.Options{CloseTimeout: 50 * time.Millisecond, WriteTimeout: 50 * time.Millisecond}
	t.Run("backlog not taken", func(t *testing.T) {
		h := listen(t, &websocket.Options{CloseTimeout: 50 * time.Millisecond, WriteTimeout: 500 * time.Millisecond}, drainReads)
		small(t, h.dial(t))
		c := assert.Receive(t, h.conns)
		overload(t, c, 64<<10)
		assert.NoError(t, c.Close(1000, ""))
		// One or the other: the kernel may still find room for a little.
		assert.ErrorIs(t, assert.Receive(t, h.ended), os.ErrDeadlineExceeded)
	})
	t.Run("peer closed and does not read", func(t *testing.T) {
		h := listen(t, &websocket.Options{CloseTimeout: 50 * time.Millisecond}, drainReads)
		p := small(t, h.dial(t))
		c := assert.Receive(t, h.conns)
		overload(t, c, 64<<10)
		p.write(frame(end|closes, closing(1000, "")))
		assert.ErrorAs[*websocket.CloseError](t, assert.Receive(t, h.ended))
		assert.Eventually(t, func() bool { return websocket.Dead(c) })
	})
	t.Run("peer at fault talks on", func(t *testing.T) {
		h := listen(t, o, drainReads)
		p := h.dial(t)
		c := assert.Receive(t, h.conns)
		p.write(frame(end|3, ""))
		go func() {
			for {
				if _, err := p.Write(make([]byte, 10_000)); err != nil {
					return
				}
			}
		}()
		assert.ErrorAs[*websocket.ProtocolError](t, assert.Receive(t, h.ended))
		assert.Eventually(t, func() bool { return websocket.Dead(c) })
	})
}

func TestBothCloseAtOnce(t *testing.T) {
	h := listen(t, nil, drainReads)
	for range 200 {
		p := h.dial(t)
		c := assert.Receive(t, h.conns)
		go func() { _ = c.Close(1001, "server") }()
		p.write(frame(end|closes, closing(1000, "client")))
		first, got, err := p.read()
		assert.NoError(t, err)
		assert.Equal(t, first, byte(end|closes))
		assert.True(t, got == closing(1000, "") || got == closing(1001, "server"), "%q", got)
		p.expectEOF()
		assert.ErrorAs[*websocket.CloseError](t, assert.Receive(t, h.ended))
		_ = p.Close()
	}
}

func TestAbruptEnds(t *testing.T) {
	h := listen(t, nil, drainReads)
	t.Run("hang up", func(t *testing.T) {
		p := h.dial(t)
		_ = p.Close()
		assert.ErrorIs(t, assert.Receive(t, h.ended), io.EOF)
	})
	t.Run("half open", func(t *testing.T) {
		p := h.dial(t)
		assert.NoError(t, p.Conn.(*net.TCPConn).CloseWrite())
		assert.ErrorIs(t, assert.Receive(t, h.ended), io.EOF)
		p.expectEOF()
	})
	for name, part := range map[string][]byte{
		"in a header":        frame(end|text, "x")[:1],
		"after a header":     frame(end|text, "x")[:6],
		"in a payload":       frame(end|text, "xyz")[:8],
		"between fragments":  frame(text, "xyz"),
		"in a control frame": frame(end|ping, "xyz")[:7],
		"in a large payload": frame(end|blob, strings.Repeat("x", 100_000))[:50_000],
	} {
		t.Run(name, func(t *testing.T) {
			p := h.dial(t)
			p.write(part)
			_ = p.Close()
			assert.ErrorIs(t, assert.Receive(t, h.ended), io.ErrUnexpectedEOF)
		})
	}
	t.Run("reset", func(t *testing.T) {
		p := h.dial(t)
		assert.NoError(t, p.Conn.(*net.TCPConn).SetLinger(0))
		_ = p.Close()
		err := assert.Receive(t, h.ended)
		assert.True(t, err != nil && !errors.Is(err, io.EOF), "%v", err)
	})
}

func TestSendToAPeerThatIsGone(t *testing.T) {
	h := listen(t, nil, nil) // nobody reads, so nobody notices
	p := h.dial(t)
	c := assert.Receive(t, h.conns)
	assert.NoError(t, p.Conn.(*net.TCPConn).SetLinger(0))
	_ = p.Close()
	assert.Eventually(t, func() bool {
		return errors.Is(c.Send(websocket.NewFrame(websocket.Text, []byte("x"))), websocket.ErrClosed)
	})
	_, _, err := c.Read()
	assert.True(t, err != nil, "Read tells")
	_, _, again := c.Read()
	assert.True(t, err == again, "and tells the same again")
}

func TestCloseNow(t *testing.T) {
	h := listen(t, nil, drainReads)
	p := h.dial(t)
	c := assert.Receive(t, h.conns)
	assert.NoError(t, c.CloseNow())
	assert.NoError(t, c.CloseNow())
	assert.ErrorIs(t, assert.Receive(t, h.ended), websocket.ErrClosed)
	assert.ErrorIs(t, c.Close(1000, ""), websocket.ErrClosed)
	p.expectEOF()
}

func TestCloseNowWhileStuck(t *testing.T) {
	h := listen(t, nil, drainReads)
	small(t, h.dial(t))
	c := assert.Receive(t, h.conns)
	overload(t, c, 64<<10)
	assert.NoError(t, c.Close(1000, "")) // waits for the backlog
	assert.NoError(t, c.CloseNow())
	assert.ErrorIs(t, assert.Receive(t, h.ended), websocket.ErrClosed)
	assert.Eventually(t, func() bool { m, b := c.Buffered(); return m == 0 && b == 0 })
}

func TestCloseNowWith(t *testing.T) {
	t.Run("a connection at rest", func(t *testing.T) {
		h := listen(t, nil, drainReads)
		p := h.dial(t)
		c := assert.Receive(t, h.conns)
		assert.NoError(t, c.CloseNowWith(4321, "bye"))
		assert.ErrorIs(t, c.Send(websocket.NewFrame(websocket.Text, nil)), websocket.ErrClosed)
		assert.ErrorIs(t, assert.Receive(t, h.ended), websocket.ErrClosed)
		p.expect(end|closes, closing(4321, "bye"))
		p.expectEOF()
	})
	t.Run("over TLS", func(t *testing.T) {
		c, p := overTLS(t, nil)
		assert.NoError(t, c.CloseNowWith(1001, ""))
		p.expect(end|closes, closing(1001, ""))
	})
	t.Run("nothing is said where something waits", func(t *testing.T) {
		faked(t, nil, func(t *testing.T, c *websocket.Conn, p *peer) { // whose buffers are small
			assert.NoError(t, c.Send(websocket.NewFrame(websocket.Binary, make([]byte, 1<<20))))
			assert.NoError(t, c.CloseNowWith(4321, "bye"))
			_, _, err := p.read()
			assert.True(t, err != nil, "the message was cut, or had not begun")
		})
	})
	t.Run("nothing is said twice", func(t *testing.T) {
		h := listen(t, nil, drainReads)
		p := h.dial(t)
		c := assert.Receive(t, h.conns)
		assert.NoError(t, c.Close(1000, ""))
		p.expect(end|closes, closing(1000, ""))
		assert.NoError(t, c.CloseNowWith(4321, "bye"))
		p.expectEOF()
	})
	t.Run("a code that cannot be sent", func(t *testing.T) {
		h := listen(t, nil, drainReads)
		h.dial(t)
		c := assert.Receive(t, h.conns)
		assert.True(t, c.CloseNowWith(1006, "") != nil)
		assert.NoError(t, c.Send(websocket.NewFrame(websocket.Text, nil)))
	})
}
