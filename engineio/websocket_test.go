package engineio

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/coder/websocket"

	ourws "github.com/kachi-io/kachi/engineio/websocket"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

func TestWebSocketHandshake(t *testing.T) {
	h := serve(t, &Options{Cookie: &Cookie{}})
	c, resp, err := wstest.Try(h.url+"&transport=websocket", nil)
	assert.NoError(t, err)
	defer c.Close()
	assert.Equal(t, len(resp.Header.Values("Set-Cookie")), 0, "no cookie on WebSocket")
	p := assert.Receive(t, h.peers)
	c.Expect(t, `0{"sid":"`+p.session.ID()+`","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`)
	assert.Equal(t, p.session.Transport(), WebSocket)
	assert.Equal(t, p.session.Upgraded(), false)
}

// What the client sends with its handshake, in the same packet, is not lost.
func TestMessageRightBehindTheHandshake(t *testing.T) {
	h := serve(t, nil)
	c := dial(t, h)
	var request strings.Builder
	request.WriteString("GET /?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n")
	assert.NoError(t, wstest.Handshake().Write(&request))
	c.write(request.String() + "\r\n" + string(wstest.AppendFrame(nil, wstest.Text, []byte("4early"))))
	p := assert.Receive(t, h.peers)
	p.expect(t, "early")
}

func TestWebSocketMessages(t *testing.T) {
	c, p := serve(t, nil).websocket(t)
	assert.NoError(t, c.SendText("4hello"))
	assert.NoError(t, c.SendBinary([]byte{1, 2, 3}))
	assert.NoError(t, c.SendText("bAQID")) // clients that cannot send binary frames
	assert.NoError(t, c.SendText("6"))     // no meaning
	assert.NoError(t, c.SendText("4"))
	for _, want := range []message{{"hello", false}, {"\x01\x02\x03", true}, {"\x01\x02\x03", true}, {"", false}} {
		got := assert.Receive(t, p.messages)
		assert.Equal(t, got.data, want.data)
		assert.Equal(t, got.binary, want.binary)
	}

	assert.NoError(t, p.session.Send(TextMessage("hello")))
	c.Expect(t, "4hello")
	assert.NoError(t, p.session.Queue(BinaryMessage([]byte{1, 2, 3})))
	f, err := c.Read()
	assert.NoError(t, err)
	assert.Equal(t, f.Op, byte(wstest.Binary))
	assert.Equal(t, f.Payload, []byte{1, 2, 3})
}

func TestAttachmentsComeTogether(t *testing.T) {
	c, p := serve(t, nil).websocket(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 200 {
			_ = p.session.Send(TextMessage("x"))
		}
	}()
	m := NewMessage(append(make([]byte, Room), "52-"...), []byte{1}, []byte{2})
	for range 50 {
		assert.NoError(t, p.session.Send(m))
	}
	<-done
	for n := 0; n < 50; {
		f, err := c.Read()
		assert.NoError(t, err)
		if string(f.Payload) != "452-" {
			assert.Equal(t, string(f.Payload), "4x")
			continue
		}
		n++
		for _, want := range []byte{1, 2} {
			f, err = c.Read()
			assert.NoError(t, err)
			assert.Equal(t, f.Payload, []byte{want})
		}
	}
}

// Table 1.4, and 1.3 for the reasons.
func TestWebSocketThatEndsTheSession(t *testing.T) {
	for _, c := range []struct {
		name   string
		send   func(*wstest.Conn) error
		reason Reason
		err    error
	}{
		{"close packet (Node ignores it)", func(c *wstest.Conn) error { return c.SendText("1") }, TransportClose, nil},
		{"unknown packet", func(c *wstest.Conn) error { return c.SendText("abc") }, ParseError, nil},
		{"empty packet", func(c *wstest.Conn) error { return c.SendText("") }, ParseError, nil},
		{"ping", func(c *wstest.Conn) error { return c.SendText("2") }, TransportError, ErrHeartbeatDirection},
		{"probe on a session's own connection", func(c *wstest.Conn) error { return c.SendText("2probe") }, TransportError, ErrHeartbeatDirection},
		{"close frame", func(c *wstest.Conn) error { return c.SendClose() }, TransportClose, nil},
		{"hang-up", func(c *wstest.Conn) error { return c.Close() }, TransportClose, nil},
		{"frame without mask", func(c *wstest.Conn) error { _, err := c.Write([]byte{0x81, 1, '4'}); return err }, TransportError, nil},
		{"text that is not UTF-8", func(c *wstest.Conn) error { return c.SendText("4\xff") }, TransportError, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, p := serve(t, nil).websocket(t)
			assert.NoError(t, conn.SendText("4before"))
			assert.NoError(t, c.send(conn))
			err := p.expectClosed(t, c.reason)
			if c.err != nil {
				assert.ErrorIs(t, err, c.err)
			}
			p.expect(t, "before")
			conn.ExpectClose(t)
			assert.ErrorIs(t, p.session.Send(TextMessage("x")), ErrClosed)
		})
	}
}

func TestOversizedWebSocketMessage(t *testing.T) {
	told := &log[[2]int64]{}
	h := serve(t, &Options{MaxPayload: 100, Hooks: Hooks{
		Oversized: func(_ *Session, size, limit int64) { told.add([2]int64{size, limit}) },
	}})
	c, p := h.websocket(t)
	assert.NoError(t, c.SendText("4"+strings.Repeat("x", 99)))
	p.expect(t, strings.Repeat("x", 99))
	assert.NoError(t, c.SendText("4"+strings.Repeat("x", 100)))
	assert.ErrorIs(t, p.expectClosed(t, TransportError), ErrPayloadTooBig)
	payload, orderly := c.ExpectClose(t)
	assert.True(t, orderly)
	assert.Equal(t, string(payload[:2]), "\x03\xf1") // 1009
	assert.Equal(t, told.all(), [][2]int64{{101, 100}})
}

func TestPermessageDeflate(t *testing.T) {
	for _, c := range []struct {
		name      string
		deflate   *ourws.Deflate
		compress  bool
		noDeflate bool
	}{
		{"off by default", nil, false, false},
		{"on", &ourws.Deflate{}, true, false},
		{"on, message that says no", &ourws.Deflate{}, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := serve(t, &Options{Deflate: c.deflate})
			header := wstest.Handshake()
			header.Set("Sec-Websocket-Extensions", "permessage-deflate")
			conn, resp, err := wstest.Try(h.url+"&transport=websocket", header)
			assert.NoError(t, err)
			defer conn.Close()
			assert.Equal(t, resp.Header.Get("Sec-Websocket-Extensions") != "", c.deflate != nil)
			conn.Next(t)
			p := assert.Receive(t, h.peers)
			m := TextMessage(strings.Repeat("x", 5000))
			m.NoCompress = c.noDeflate
			assert.NoError(t, p.session.Send(m))
			f, err := conn.Read()
			assert.NoError(t, err)
			assert.Equal(t, f.RSV1, c.compress)
		})
	}
}

// A client that is not of our making.
func TestIndependentClient(t *testing.T) {
	h := serve(t, &Options{Deflate: &ourws.Deflate{}})
	ctx := t.Context()
	c, _, err := websocket.Dial(ctx, h.url+"&transport=websocket", &websocket.DialOptions{CompressionMode: websocket.CompressionNoContextTakeover})
	assert.NoError(t, err)
	defer c.CloseNow()
	_, open, err := c.Read(ctx)
	assert.NoError(t, err)
	parseOpen(t, string(open))
	p := assert.Receive(t, h.peers)
	long := strings.Repeat("long ", 1000)
	assert.NoError(t, c.Write(ctx, websocket.MessageText, []byte("4"+long)))
	p.expect(t, long)
	assert.NoError(t, p.session.Send(TextMessage(long)))
	_, data, err := c.Read(ctx)
	assert.NoError(t, err)
	assert.Equal(t, string(data), "4"+long)
	p.session.Close()
	_, _, err = c.Read(ctx)
	var closed websocket.CloseError
	assert.True(t, errors.As(err, &closed), "an orderly close, got %v", err)
	assert.Equal(t, closed.Code, websocket.StatusNoStatusRcvd)
	p.expectClosed(t, ForcedClose)
}

func TestShutdownWithAClientThatDoesNotRead(t *testing.T) {
	h := serve(t, nil)
	c, p := h.websocket(t)
	assert.NoError(t, p.session.Send(TextMessage(strings.Repeat("x", 4<<20))))
	assert.NoError(t, h.engine.Shutdown(context.Background()))
	p.expectClosed(t, ServerShuttingDown)
	c.Close()
}
