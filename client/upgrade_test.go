package client_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

// Whatever happens to an upgrade before the client has said that it moves, the connection
// stays on polling and loses nothing.
func TestUpgradesThatFail(t *testing.T) {
	quiet := make(chan struct{}) // a poll waits, and nothing will answer it
	for name, answer := range map[string]http.HandlerFunc{
		"a proxy without WebSocket": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "no upgrades here", http.StatusBadRequest)
		},
		"closed at once": accepted(func(*websocket.Conn, *http.Request) {}),
		"another answer": accepted(func(c *websocket.Conn, r *http.Request) {
			_ = c.Write(r.Context(), websocket.MessageText, []byte("6"))
			_, _, _ = c.Read(r.Context())
		}),
		"no answer": accepted(func(c *websocket.Conn, r *http.Request) {
			for {
				if _, _, err := c.Read(r.Context()); err != nil {
					return
				}
			}
		}),
		// The server answers, and never lets go of the poll.
		"no pause": accepted(func(c *websocket.Conn, r *http.Request) {
			<-quiet
			_ = c.Write(r.Context(), websocket.MessageText, []byte("3probe"))
			for {
				if _, _, err := c.Read(r.Context()); err != nil {
					return
				}
			}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := socketio.NewServer(&socketio.Options{PingInterval: time.Minute})
			srv.On("echo", func(_ context.Context, e *socketio.Event) error {
				var n int
				if err := e.Decode(&n); err != nil {
					return err
				}
				return e.Ack(n)
			})
			var polls, begun atomic.Int32
			host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Upgrade") != "" {
					answer(w, r)
					return
				}
				if r.Method == http.MethodGet {
					begun.Add(1)
					polls.Add(1)
					defer polls.Add(-1)
				}
				srv.ServeHTTP(w, r)
			}))
			defer host.Close()
			defer srv.Shutdown(context.Background())
			failed := make(chan error, 1)
			s, err := client.Connect(within(t), host.URL, &client.Options{
				Timeout: time.Second,
				Hooks: client.Hooks{
					UpgradeFailed: func(err error) { failed <- err },
					Upgraded:      func(client.Connection) { t.Error("upgraded") },
				},
			})
			assert.NoError(t, err)
			w := watch(s)
			defer s.Client().Close()
			if name == "no pause" {
				// The first was the handshake, the second brought the answer to CONNECT.
				assert.Eventually(t, func() bool { return begun.Load() == 3 && polls.Load() == 1 })
				close(quiet)
				assert.ErrorAs[*client.TransportError](t, assert.Receive(t, failed))
			}
			for i := range 20 {
				n, err := client.Ask[int](within(t), s, "echo", i)
				assert.NoError(t, err)
				assert.Equal(t, n, i)
			}
			if name != "no pause" {
				assert.ErrorAs[*client.TransportError](t, assert.Receive(t, failed))
			}
			n, err := client.Ask[int](within(t), s, "echo", 20)
			assert.NoError(t, err)
			assert.Equal(t, n, 20)
			assert.Equal(t, len(w.disconnected), 0)
			connection, _ := s.Client().Connection()
			assert.Equal(t, connection.Transport, client.Polling)
		})
	}
}

func accepted(f func(*websocket.Conn, *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		f(c, r)
	}
}
