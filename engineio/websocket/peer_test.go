package websocket_test

import (
	"bufio"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
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

// host is a server whose connections are handed to the test, or to a handler.
type host struct {
	*httptest.Server
	conns chan *websocket.Conn
	ended chan error // what handlers returned
}

// listen starts a server. A nil handler leaves the connection to the test.
func listen(t testing.TB, o *websocket.Options, handle func(*websocket.Conn) error) *host {
	h := newHost(t, o, handle)
	h.Start()
	return h
}

// newHost is listen without the start.
func newHost(t testing.TB, o *websocket.Options, handle func(*websocket.Conn) error) *host {
	h := &host{conns: make(chan *websocket.Conn, 4096), ended: make(chan error, 4096)}
	h.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, o)
		if err != nil {
			h.ended <- err
			return
		}
		h.conns <- c
		if handle != nil {
			go func() { h.ended <- handle(c) }()
		}
	}))
	t.Cleanup(func() {
		h.Close()
		for {
			select {
			case c := <-h.conns:
				_ = c.CloseNow()
			default:
				return
			}
		}
	})
	return h
}

// peer is a client that sends whatever bytes a test wants.
type peer struct {
	t testing.TB
	net.Conn
	in     *bufio.Reader
	Answer *http.Response
}

// dial connects and does the handshake, with more header lines "Name: value".
func (h *host) dial(t testing.TB, headers ...string) *peer {
	t.Helper()
	p := connect(t, h.Listener.Addr().String())
	p.handshake(headers...)
	assert.Equal(t, p.Answer.StatusCode, http.StatusSwitchingProtocols)
	return p
}

func connect(t testing.TB, addr string) *peer {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	assert.NoError(t, err)
	return newPeer(t, nc)
}

func newPeer(t testing.TB, nc net.Conn) *peer {
	t.Helper()
	p := &peer{t: t, Conn: nc, in: bufio.NewReader(nc)}
	// A bound on a broken test.
	assert.NoError(t, nc.SetDeadline(time.Now().Add(30*time.Second)))
	t.Cleanup(func() { _ = nc.Close() })
	return p
}

// overTLS connects a peer by TLS, and reads on the server's side.
func overTLS(t testing.TB, o *websocket.Options) (*websocket.Conn, *peer) {
	t.Helper()
	conns := make(chan *websocket.Conn, 1)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, o)
		if err != nil {
			t.Errorf("accept: %v", err)
			return
		}
		conns <- c
	}))
	t.Cleanup(server.Close)
	nc, err := tls.Dial("tcp", server.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	assert.NoError(t, err)
	p := newPeer(t, nc)
	p.handshake()
	c := assert.Receive(t, conns)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			if _, _, err := c.Read(); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = c.CloseNow()
		<-ended
	})
	return c, p
}

const handshake = "GET /socket HTTP/1.1\r\nHost: kachi.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

func (p *peer) handshake(headers ...string) {
	p.t.Helper()
	request := handshake
	for _, h := range headers {
		request += h + "\r\n"
	}
	p.write([]byte(request + "\r\n"))
	p.readAnswer()
}

func (p *peer) readAnswer() {
	p.t.Helper()
	var err error
	p.Answer, err = http.ReadResponse(p.in, &http.Request{Method: http.MethodGet})
	assert.NoError(p.t, err)
}

func (p *peer) write(b []byte) {
	p.t.Helper()
	_, err := p.Write(b)
	assert.NoError(p.t, err)
}

// Bits and opcodes as they stand in the first byte.
const (
	end    = 0x80
	rsv1   = 0x40
	rsv2   = 0x20
	rsv3   = 0x10
	more   = 0x00
	text   = 0x1
	blob   = 0x2
	closes = 0x8
	ping   = 0x9
	pong   = 0xA
)

// frame encodes a client's frame.
func frame(first byte, payload string) []byte {
	b := header(first, len(payload))
	key := b[len(b)-4:]
	at := len(b)
	b = append(b, payload...)
	for i := range len(payload) {
		b[at+i] ^= key[i&3]
	}
	return b
}

// header encodes the header of a client's frame, with its mask at the end.
func header(first byte, n int) []byte {
	b := []byte{first}
	switch {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	var key [4]byte
	_, _ = rand.Read(key[:])
	return append(b, key[:]...)
}

func closing(code uint16, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, code)) + reason
}

// read reads one frame, which has to be valid: final, without a mask.
func (p *peer) read() (first byte, payload string, err error) {
	var h [10]byte
	if _, err := io.ReadFull(p.in, h[:2]); err != nil {
		return 0, "", err
	}
	n := uint64(h[1])
	switch n {
	case 126:
		_, err = io.ReadFull(p.in, h[2:4])
		n = uint64(binary.BigEndian.Uint16(h[2:]))
		if n < 126 {
			return 0, "", errors.New("length of 16 bits for less than 126")
		}
	case 127:
		_, err = io.ReadFull(p.in, h[2:10])
		n = binary.BigEndian.Uint64(h[2:])
		if n < 1<<16 {
			return 0, "", errors.New("length of 64 bits for less than 65536")
		}
	}
	if err != nil {
		return 0, "", err
	}
	if n > 64<<20 {
		return 0, "", fmt.Errorf("torn frame: %x %d bytes", h[0], n)
	}
	b := make([]byte, n)
	_, err = io.ReadFull(p.in, b)
	return h[0], string(b), err
}

// expect reads one frame and compares it.
func (p *peer) expect(first byte, payload string) {
	p.t.Helper()
	gotFirst, got, err := p.read()
	assert.NoError(p.t, err, "waiting for %s", describe(first, payload))
	if gotFirst != first || got != payload {
		p.t.Fatalf("want %s, got %s", describe(first, payload), describe(gotFirst, got))
	}
}

// expectClose reads a close frame with the code, 0 for none, and then the end of the
// connection, which has to be an orderly one.
func (p *peer) expectClose(code uint16) {
	p.t.Helper()
	first, got, err := p.read()
	assert.NoError(p.t, err, "waiting for close %d", code)
	want := ""
	if code != 0 {
		want = closing(code, "")
	}
	if first != end|closes || !strings.HasPrefix(got, want) || code == 0 && got != "" {
		p.t.Fatalf("want close %d, got %s", code, describe(first, got))
	}
	p.expectEOF()
}

func (p *peer) expectEOF() {
	p.t.Helper()
	if rest, err := io.ReadAll(p.in); err != nil || len(rest) > 0 {
		p.t.Fatalf("want the end, got %q, %v", rest, err)
	}
}

func describe(first byte, payload string) string {
	if len(payload) > 40 {
		return fmt.Sprintf("%02x with %d bytes %q…", first, len(payload), payload[:40])
	}
	return fmt.Sprintf("%02x %q", first, payload)
}
