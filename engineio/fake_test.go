package engineio

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kachi-io/kachi/internal/memnet"
	"github.com/kachi-io/kachi/internal/wstest"
)

// faked runs a test with a server whose connections are in memory, and on a clock that
// moves when everybody waits: its time-outs have their real lengths and cost nothing.
func faked(t *testing.T, o *Options, test func(t *testing.T, h *host)) {
	t.Helper()
	fakedOn(t, o, nil, nil, test)
}

// fakedOn is faked with a chance to change the http.Server, and to wrap the handler.
func fakedOn(t *testing.T, o *Options, configure func(*http.Server), wrap func(http.Handler) http.Handler, test func(t *testing.T, h *host)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := memnet.Listen(nil)
		t.Cleanup(func() { time.Sleep(time.Second) }) // the wheels stop at their next tick
		h := serveOn(t, o, func(s *httptest.Server) {
			_ = s.Listener.Close()
			s.Listener = l
			if configure != nil {
				configure(s.Config)
			}
		}, wrap)
		h.dial = func() (net.Conn, error) { return l.Dial() }
		h.client.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
			return h.dial()
		}
		test(t, h)
	})
}

// dialWebSocket opens a WebSocket connection. The test ends it.
func (h *host) dialWebSocket(t testing.TB, query string) *wstest.Conn {
	t.Helper()
	nc, err := h.dial()
	if err != nil {
		t.Fatal(err)
	}
	c, resp, err := wstest.On(nc, h.url+query, nil)
	if err != nil || c == nil {
		t.Fatalf("WebSocket handshake: %v, %v", resp, err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}
