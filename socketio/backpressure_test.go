package socketio_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

// Twenty times what may be queued reaches a client that reads, when the sender waits for
// room.
func TestEmitContextWaitsForRoom(t *testing.T) {
	srv, url := start(t, &socketio.Options{MaxQueuedBytes: 256 << 10, MaxPayload: 64 << 10})
	payload := strings.Repeat("x", 32<<10)
	const count = 160
	srv.On("pour", func(ctx context.Context, e *socketio.Event) error {
		for n := range count {
			if err := e.Socket().EmitContext(ctx, "n", n, payload); err != nil {
				return err
			}
		}
		return e.Ack("done")
	})
	t.Run("websocket", func(t *testing.T) {
		c, _ := join(t, url)
		c.send(`421["pour"]`)
		for n := range count {
			assert.True(t, strings.HasPrefix(c.read(), fmt.Sprintf(`42["n",%d,`, n)))
		}
		c.expect(`431["done"]`)
	})
	t.Run("polling", func(t *testing.T) {
		base := url + "/socket.io/?EIO=4&transport=polling"
		var open struct{ SID string }
		assert.NoError(t, json.Unmarshal([]byte(body(t, http.Get, base)[1:]), &open))
		base += "&sid=" + open.SID
		post := func(text string) {
			assert.Equal(t, body(t, func(u string) (*http.Response, error) {
				return http.Post(u, "text/plain", strings.NewReader(text))
			}, base), "ok")
		}
		post("40")
		post(`421["pour"]`)
		for n := 0; n <= count; {
			for text := range strings.SplitSeq(body(t, http.Get, base), "\x1e") {
				switch {
				case text == "2":
					post("3")
				case strings.HasPrefix(text, "40"):
				case text == `431["done"]`:
					assert.Equal(t, n, count)
					n++
				default:
					assert.True(t, strings.HasPrefix(text, fmt.Sprintf(`42["n",%d,`, n)), "message %d", n)
					n++
				}
			}
		}
	})
	http.DefaultClient.CloseIdleConnections()
}

func body(t *testing.T, do func(string) (*http.Response, error), url string) string {
	t.Helper()
	response, err := do(url)
	assert.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	assert.NoError(t, err)
	return string(text)
}

func TestEmitContextGivesUp(t *testing.T) {
	srv, url := start(t, &socketio.Options{MaxQueuedBytes: 256 << 10})
	stuck, id := join(t, url)
	s, _ := srv.Socket(id)
	payload := strings.Repeat("x", 64<<10)
	ctx, cancel := context.WithTimeout(t.Context(), 20*short)
	defer cancel()
	var err error
	for n := 0; err == nil; n++ {
		if n > 10_000 {
			t.Fatal("a client that reads nothing took everything")
		}
		err = s.EmitContext(ctx, "n", payload)
	}
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.True(t, s.Connected(), "waiting does not end the client")

	waiting := make(chan error, 1)
	go func() { waiting <- s.EmitContext(t.Context(), "n", payload) }()
	select {
	case err := <-waiting:
		t.Fatalf("there was room: %v", err)
	case <-time.After(short):
	}
	stuck.gone()
	assert.ErrorIs(t, assert.Receive(t, waiting), socketio.ErrClosed)
	assert.ErrorIs(t, s.EmitContext(t.Context(), "n"), socketio.ErrClosed)
}
