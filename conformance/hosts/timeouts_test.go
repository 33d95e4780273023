package hosts

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

// A host's time-outs are for ordinary requests. Sessions outlive them, whichever protocol
// carries them.
func TestShortTimeouts(t *testing.T) {
	t.Parallel()
	const short = 1200 * time.Millisecond
	for _, way := range append([]string{"polling, HTTP/2", "upgrade, HTTP/2"}, ways...) {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			s := open(t, place{
				tls:     strings.HasSuffix(way, "HTTP/2"),
				options: socketio.Options{PingInterval: 2 * short},
				configure: func(h *httptest.Server) {
					h.Config.ReadHeaderTimeout, h.Config.ReadTimeout = short, short
					h.Config.WriteTimeout, h.Config.IdleTimeout = short, short
				},
			})
			c := s.client(t, way)
			c.holds(way, true)
			c.pings(1)
			c.holds(way, true)
		})
	}
}

// http.TimeoutHandler has no way to the connection and ends requests after a time.
// Polling goes on, with a noop in time; WebSocket is refused, and the log says why.
func TestTimeoutHandler(t *testing.T) {
	t.Parallel()
	for _, way := range ways {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			s := open(t, place{
				options: socketio.Options{PingInterval: 2 * patience},
				wrap:    func(next http.Handler) http.Handler { return http.TimeoutHandler(next, patience, "late") },
			})
			c := s.client(t, way)
			if way == "websocket" {
				assert.Equal(t, c.happened("connect_error").Reason, "websocket error")
				assert.Equal(t, s.refusals()[0].Status, http.StatusNotImplemented)
			} else {
				c.holds(way, false)
				c.pings(1)
				c.holds(way, false)
			}
			warned := strings.Count(s.log.String(), "level=WARN")
			if way == "polling" {
				assert.Equal(t, warned, 0)
			} else {
				assert.Equal(t, warned, 1)
			}
		})
	}
}
