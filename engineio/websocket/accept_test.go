package websocket_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/engineio/websocket"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestHandshakeAnswer(t *testing.T) {
	h := listen(t, &websocket.Options{
		Header:       http.Header{"Set-Cookie": {"io=abc", "b=c"}, "X-Split": {"a\r\nInjected: yes"}, "Sec-Websocket-Accept": {"forged"}},
		Subprotocols: []string{"second", "first"},
	}, echo)
	p := h.dial(t, "Sec-WebSocket-Protocol: first, third", "sec-websocket-protocol: second")
	a := p.Answer.Header
	assert.Equal(t, a["Sec-Websocket-Accept"], []string{"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}, "the example of RFC 6455 1.3")
	assert.Equal(t, a["Upgrade"], []string{"websocket"})
	assert.Equal(t, a["Connection"], []string{"Upgrade"})
	assert.Equal(t, a["Set-Cookie"], []string{"io=abc", "b=c"})
	assert.Equal(t, a["Injected"], []string(nil))
	assert.Equal(t, a["Sec-Websocket-Protocol"], []string{"second"})
	c := assert.Receive(t, h.conns)
	assert.Equal(t, c.Subprotocol(), "second")
	assert.Equal(t, c.RemoteAddr().String(), p.LocalAddr().String())
}

func TestNoCommonSubprotocol(t *testing.T) {
	h := listen(t, &websocket.Options{Subprotocols: []string{"a"}}, echo)
	p := h.dial(t, "Sec-WebSocket-Protocol: b")
	assert.Equal(t, p.Answer.Header["Sec-Websocket-Protocol"], []string(nil))
	assert.Equal(t, assert.Receive(t, h.conns).Subprotocol(), "")
}

func TestBadHandshakes(t *testing.T) {
	h := listen(t, nil, echo)
	edit := func(old, new string) string { return strings.Replace(handshake, old, new, 1) }
	tests := map[string]struct {
		request string
		status  int
		header  string
		value   string
	}{
		"method POST":          {edit("GET", "POST"), 405, "Allow", "GET"},
		"HTTP/1.0":             {edit("HTTP/1.1", "HTTP/1.0"), 426, "Upgrade", "websocket"},
		"no upgrade":           {edit("Upgrade: websocket\r\n", ""), 426, "Upgrade", "websocket"},
		"another upgrade":      {edit("Upgrade: websocket\r\n", "Upgrade: h2c\r\n"), 426, "Upgrade", "websocket"},
		"no connection":        {edit("Connection: keep-alive, Upgrade\r\n", ""), 426, "Connection", "Upgrade"},
		"connection:close":     {edit("keep-alive, Upgrade", "keep-alive"), 426, "Connection", "Upgrade"},
		"no version":           {edit("Sec-WebSocket-Version: 13\r\n", ""), 426, "Sec-Websocket-Version", "13"},
		"version 8":            {edit("Version: 13", "Version: 8"), 426, "Sec-Websocket-Version", "13"},
		"version 13 and 8":     {edit("Version: 13", "Version: 13, 8"), 426, "Sec-Websocket-Version", "13"},
		"no key":               {edit("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""), 400, "", ""},
		"two keys":             {handshake + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", 400, "", ""},
		"short key":            {edit("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZQ=="), 400, "", ""},
		"key not in base64":    {edit("dGhlIHNhbXBsZSBub25jZQ==", "!GhlIHNhbXBsZSBub25jZQ=="), 400, "", ""},
		"a request, no socket": {"GET / HTTP/1.1\r\nHost: kachi.test\r\n", 426, "Upgrade", "websocket"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := connect(t, h.Listener.Addr().String())
			p.write([]byte(test.request + "\r\n"))
			p.readAnswer()
			assert.Equal(t, p.Answer.StatusCode, test.status)
			if test.header != "" {
				assert.Equal(t, p.Answer.Header.Get(test.header), test.value)
			}
			e := assert.ErrorAs[*websocket.HandshakeError](t, assert.Receive(t, h.ended))
			assert.Equal(t, e.Status, test.status)
		})
	}
}

func TestGoodHandshakesOfEveryStyle(t *testing.T) {
	h := listen(t, nil, echo)
	for _, request := range []string{
		handshake,
		strings.ToLower(handshake[:strings.Index(handshake, "Sec-")])[len("get /socket http/1.1\r\n"):],
	} {
		if !strings.HasPrefix(request, "GET") { // names and tokens in lower case
			request = "GET /socket HTTP/1.1\r\n" + request + handshake[strings.Index(handshake, "Sec-"):]
		}
		p := connect(t, h.Listener.Addr().String())
		p.write([]byte(request + "\r\n"))
		p.readAnswer()
		assert.Equal(t, p.Answer.StatusCode, 101)
	}
}

// Frames that come together with the request are in the server's buffer when the
// connection is taken over.
func TestFramesSentWithTheRequest(t *testing.T) {
	h := listen(t, nil, echo)
	t.Run("whole", func(t *testing.T) {
		p := connect(t, h.Listener.Addr().String())
		p.write(append([]byte(handshake+"\r\n"), append(frame(end|text, "early"), frame(end|text, "bird")...)...))
		p.readAnswer()
		p.expect(end|text, "early")
		p.expect(end|text, "bird")
		p.write(frame(end|text, "later"))
		p.expect(end|text, "later")
	})
	t.Run("cut anywhere", func(t *testing.T) {
		all := append(frame(end|text, strings.Repeat("e", 200)), frame(end|text, "bird")...)
		for cut := range len(all) {
			p := connect(t, h.Listener.Addr().String())
			p.write(append([]byte(handshake+"\r\n"), all[:cut]...))
			p.readAnswer()
			p.write(all[cut:])
			p.expect(end|text, strings.Repeat("e", 200))
			p.expect(end|text, "bird")
			_ = p.Close()
		}
	})
	t.Run("many", func(t *testing.T) {
		p := connect(t, h.Listener.Addr().String())
		request := []byte(handshake + "\r\n")
		for range 100 {
			request = append(request, frame(end|blob, strings.Repeat("m", 1000))...)
		}
		go func() { _, _ = p.Write(request) }()
		p.readAnswer()
		for range 100 {
			p.expect(end|blob, strings.Repeat("m", 1000))
		}
	})
}

// wrapped is what middleware puts around a ResponseWriter.
type wrapped struct{ inner http.ResponseWriter }

func (w wrapped) Header() http.Header         { return w.inner.Header() }
func (w wrapped) Write(b []byte) (int, error) { return w.inner.Write(b) }
func (w wrapped) WriteHeader(code int)        { w.inner.WriteHeader(code) }
func (w wrapped) Unwrap() http.ResponseWriter { return w.inner }

type sealed struct{ http.ResponseWriter }

func TestResponseWriterOfMiddleware(t *testing.T) {
	ended := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", "17")
		w.Header().Set("Set-Cookie", "session=mine")
		w.Header().Set("X-Replaced", "theirs")
		w.Header().Set("Content-Type", "text/html")
		c, err := websocket.Accept(wrapped{wrapped{w}}, r, &websocket.Options{Header: http.Header{"X-Replaced": {"ours"}}})
		if err != nil {
			ended <- err
			return
		}
		go func() { ended <- echo(c) }()
	}))
	defer server.Close()
	p := connect(t, server.Listener.Addr().String())
	p.handshake()
	assert.Equal(t, p.Answer.StatusCode, 101)
	assert.Equal(t, p.Answer.Header["X-Request-Id"], []string{"17"})
	assert.Equal(t, p.Answer.Header["Set-Cookie"], []string{"session=mine"})
	assert.Equal(t, p.Answer.Header["X-Replaced"], []string{"ours"})
	assert.Equal(t, p.Answer.Header["Content-Type"], []string(nil))
	p.write(frame(end|text, "through middleware"))
	p.expect(end|text, "through middleware")
	_ = p.Close()
	assert.Receive(t, ended)
}

func TestResponseWriterThatCannotBeTakenOver(t *testing.T) {
	ended := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := websocket.Accept(sealed{w}, r, nil)
		ended <- err
	}))
	defer server.Close()
	p := connect(t, server.Listener.Addr().String())
	p.handshake()
	assert.Equal(t, p.Answer.StatusCode, 501)
	assert.Equal(t, assert.ErrorAs[*websocket.HandshakeError](t, assert.Receive(t, ended)).Status, 501)
}

// The server's time-outs were for the request; the connection outlives them.
func TestServerTimeoutsEndWithTheHandshake(t *testing.T) {
	ended := make(chan error, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			ended <- err
			return
		}
		go func() { ended <- echo(c) }()
	}))
	server.Config.ReadTimeout = 200 * time.Millisecond
	server.Config.WriteTimeout = 200 * time.Millisecond
	server.Start()
	defer server.Close()
	p := connect(t, server.Listener.Addr().String())
	p.handshake()
	began := time.Now()
	for time.Since(began) < 500*time.Millisecond {
		p.write(frame(end|text, "still there"))
		p.expect(end|text, "still there")
		time.Sleep(20 * time.Millisecond) // the time-outs have to pass
	}
	_ = p.Close()
	assert.ErrorIs(t, assert.Receive(t, ended), io.EOF)
}

// Over any net.Conn, with what was read ahead.
func TestNewConn(t *testing.T) {
	ours, theirs := net.Pipe()
	c := websocket.NewConn(ours, frame(end|text, "read ahead"), nil, false)
	ended := make(chan error, 1)
	go func() { ended <- echo(c) }()
	p := &peer{t: t, Conn: theirs, in: bufio.NewReader(theirs)}
	p.expect(end|text, "read ahead")
	for _, n := range []int{0, 1, 10, 200, 70_000} {
		p.write(frame(end|text, strings.Repeat("p", n)))
		p.expect(end|text, strings.Repeat("p", n))
	}
	octets(end|text, "in octets")(p)
	p.expect(end|text, "in octets")
	p.write(frame(end|closes, closing(1001, "away")))
	p.expectClose(1001)
	assert.ErrorAs[*websocket.CloseError](t, assert.Receive(t, ended))
}
