package engineio

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

// raw is a TCP connection on which a test speaks HTTP, or does not, as it likes.
type raw struct {
	t  testing.TB
	nc net.Conn
	r  *bufio.Reader
}

func dial(t testing.TB, h *host) *raw {
	t.Helper()
	nc, err := h.dial()
	assert.NoError(t, err)
	t.Cleanup(func() { _ = nc.Close() })
	return &raw{t, nc, bufio.NewReader(nc)}
}

func (c *raw) write(text string) {
	c.t.Helper()
	_, err := io.WriteString(c.nc, text)
	assert.NoError(c.t, err)
}

// close hangs up with a reset where something is unread.
func (c *raw) close() { _ = c.nc.Close() }

// read returns the next answer. The error is that of a connection which was cut.
func (c *raw) read() (answer, error) {
	_ = c.nc.SetReadDeadline(time.Now().Add(10 * time.Second))
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return answer{}, err
	}
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, string(body), resp.Header}, err
}

// expectHangup checks that the server ends the connection; what it says before that
// does not matter.
func (c *raw) expectHangup() {
	c.t.Helper()
	_ = c.nc.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, err := io.Copy(io.Discard, c.r)
	if ne, ok := err.(net.Error); ok && ne.Timeout() {
		c.t.Fatal("the server does not hang up")
	}
}

// dialResponse returns the answer to a WebSocket handshake.
func dialResponse(t testing.TB, url string) *http.Response {
	t.Helper()
	c, resp, err := wstest.Try(url, nil)
	assert.NoError(t, err)
	if c != nil {
		t.Cleanup(func() { _ = c.Close() })
	}
	return resp
}
