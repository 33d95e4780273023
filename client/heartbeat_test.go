package client

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/kachi-io/kachi/internal/assert"
)

// A machine that slept wakes up with a connection that the server has given up, and timers
// that know nothing of it: what is emitted then must not go there.
func TestTimeThatPassedUnnoticed(t *testing.T) {
	events := make(chan string, 10)
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		say := func(text string) { _ = conn.Write(r.Context(), websocket.MessageText, []byte(text)) }
		say(`0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000}`)
		for {
			_, data, err := conn.Read(r.Context())
			if err != nil {
				return
			}
			if text := string(data); text == "40" {
				say(`40{"sid":"id"}`)
			} else if strings.HasPrefix(text, "42") {
				events <- text
			}
		}
	}))
	defer host.Close()
	c, err := New(host.URL, &Options{Transports: []Transport{WebSocket}, ReconnectionDelay: time.Millisecond})
	assert.NoError(t, err)
	defer c.Close()
	s := c.Of("/", nil)
	reasons := make(chan Reason, 10)
	s.OnDisconnect(func(_ context.Context, reason Reason, _ error) { reasons <- reason })
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	assert.NoError(t, s.Connect(ctx))

	c.mu.Lock()
	e := c.engine
	c.mu.Unlock()
	assert.Eventually(t, func() bool { return !e.delivering.Load() }) // it waits for the network again
	e.lastChance.Store(time.Now().Add(-time.Second).UnixNano())
	assert.NoError(t, s.Emit("hello"))
	assert.Equal(t, assert.Receive(t, reasons), PingTimeout)
	assert.Equal(t, assert.Receive(t, events), `42["hello"]`) // on the next connection
	assert.Equal(t, len(reasons), 0)
}
