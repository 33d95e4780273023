// Package wstest is the client's side of a WebSocket connection for tests, as raw as
// they want it: it sends what it is told to and hides nothing of what comes.
package wstest

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"
)

// Opcodes of RFC 6455, 5.2.
const (
	Text   = 1
	Binary = 2
	Close  = 8
	Ping   = 9
	Pong   = 10
)

// patience bounds every read: a bound on a broken test, not a claim about speed.
const patience = 30 * time.Second

// Conn is a connection whose handshake is done. One goroutine may read and one write.
type Conn struct {
	net.Conn
	r *bufio.Reader
}

// Frame is one frame as it came.
type Frame struct {
	Op      byte
	Fin     bool
	RSV1    bool
	Payload []byte
}

// String returns the payload for text, and a description for others.
func (f Frame) String() string {
	if f.Op == Text {
		return string(f.Payload)
	}
	return fmt.Sprintf("op %d: %q", f.Op, f.Payload)
}

// Handshake returns the header of a proper handshake, for tests to spoil.
func Handshake() http.Header {
	var key [16]byte
	_, _ = rand.Read(key[:])
	return http.Header{
		"Connection":            {"Upgrade"},
		"Upgrade":               {"websocket"},
		"Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key":     {base64.StdEncoding.EncodeToString(key[:])},
	}
}

// Try dials an http or ws URL and sends a handshake with the header given, or a proper
// one for nil. The Conn is nil where the answer is not 101; the answer's body has then
// been read and can be read again.
func Try(rawURL string, header http.Header) (*Conn, *http.Response, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, nil, err
	}
	nc, err := net.Dial("tcp", u.Host)
	if err != nil {
		return nil, nil, err
	}
	return On(nc, rawURL, header)
}

// On is Try on a connection that exists.
func On(nc net.Conn, rawURL string, header http.Header) (*Conn, *http.Response, error) {
	if header == nil {
		header = Handshake()
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, nil, err
	}
	req := &http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: header}
	if host := header.Get("Host"); host != "" {
		req.Host = host
		header.Del("Host")
	}
	if err := req.Write(nc); err != nil {
		_ = nc.Close()
		return nil, nil, err
	}
	c := &Conn{Conn: nc, r: bufio.NewReader(nc)}
	_ = nc.SetReadDeadline(time.Now().Add(patience))
	resp, err := http.ReadResponse(c.r, req)
	if err != nil {
		_ = nc.Close()
		return nil, nil, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(resp.Body)
		resp.Body = io.NopCloser(bytes.NewReader(body))
		_ = nc.Close()
		return nil, resp, nil
	}
	return c, resp, nil
}

// Dial is Try for tests that want a connection. It is closed at the end of the test.
func Dial(t testing.TB, rawURL string) *Conn {
	t.Helper()
	c, resp, err := Try(rawURL, nil)
	if err != nil {
		t.Fatalf("dialling %s: %v", rawURL, err)
	}
	if c == nil {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("dialling %s: %s: %s", rawURL, resp.Status, body)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// SendText sends one text message in one frame.
func (c *Conn) SendText(text string) error { return c.SendFrame(Text, []byte(text)) }

// SendBinary sends one binary message in one frame.
func (c *Conn) SendBinary(data []byte) error { return c.SendFrame(Binary, data) }

// SendClose sends a close frame without a code.
func (c *Conn) SendClose() error { return c.SendFrame(Close, nil) }

// SendFrame sends one final, masked frame.
func (c *Conn) SendFrame(op byte, payload []byte) error {
	_, err := c.Write(AppendFrame(nil, op, payload))
	return err
}

// AppendFrame appends one final, masked frame.
func AppendFrame(dst []byte, op byte, payload []byte) []byte {
	dst = append(dst, 0x80|op)
	switch n := len(payload); {
	case n <= 125:
		dst = append(dst, 0x80|byte(n))
	case n <= 0xffff:
		dst = binary.BigEndian.AppendUint16(append(dst, 0x80|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 0x80|127), uint64(n))
	}
	mask := [4]byte{0x12, 0x34, 0x56, 0x78}
	dst = append(dst, mask[:]...)
	for i, b := range payload {
		dst = append(dst, b^mask[i%4])
	}
	return dst
}

// Read returns the next frame, whatever it is.
func (c *Conn) Read() (Frame, error) {
	_ = c.SetReadDeadline(time.Now().Add(patience))
	var head [2]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return Frame{}, err
	}
	n := uint64(head[1] & 0x7f)
	switch n {
	case 126:
		var b [2]byte
		if _, err := io.ReadFull(c.r, b[:]); err != nil {
			return Frame{}, err
		}
		n = uint64(binary.BigEndian.Uint16(b[:]))
	case 127:
		var b [8]byte
		if _, err := io.ReadFull(c.r, b[:]); err != nil {
			return Frame{}, err
		}
		n = binary.BigEndian.Uint64(b[:])
	}
	f := Frame{Op: head[0] & 0xf, Fin: head[0]&0x80 != 0, RSV1: head[0]&0x40 != 0, Payload: make([]byte, n)}
	_, err := io.ReadFull(c.r, f.Payload)
	return f, err
}

// Expect fails the test when the next frame is not the text.
func (c *Conn) Expect(t testing.TB, text string) {
	t.Helper()
	f, err := c.Read()
	if err != nil {
		t.Fatalf("want %q, got error %v", text, err)
	}
	if f.Op != Text || string(f.Payload) != text {
		t.Fatalf("want %q, got %v", text, f)
	}
}

// Next returns the next text message, and ends the test where something else comes.
func (c *Conn) Next(t testing.TB) string {
	t.Helper()
	f, err := c.Read()
	if err != nil {
		t.Fatalf("want a text message, got error %v", err)
	}
	if f.Op != Text {
		t.Fatalf("want a text message, got %v", f)
	}
	return string(f.Payload)
}

// ExpectClose reads until the server closes, answers its close frame, and returns its
// payload; nil and false when it hung up without one.
func (c *Conn) ExpectClose(t testing.TB) (payload []byte, orderly bool) {
	t.Helper()
	for {
		f, err := c.Read()
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			t.Fatal("the server does not close the connection")
		}
		if err != nil {
			return nil, false
		}
		if f.Op == Close {
			_ = c.SendFrame(Close, f.Payload)
			_ = c.Close()
			return f.Payload, true
		}
	}
}
