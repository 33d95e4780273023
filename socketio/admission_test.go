package socketio_test

import (
	"context"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

// Whoever knows a socket from a middleware may be sending to it while it is admitted: what
// it sends is refused until CONNECT has been answered, and comes behind the answer.
func TestNothingOvertakesTheAnswerToConnect(t *testing.T) {
	left := make(chan struct{}, 1)
	srv, url := start(t, &socketio.Options{Hooks: socketio.Hooks{
		Disconnected: func(*socketio.Socket, socketio.Reason, error) { left <- struct{}{} },
	}})
	srv.Use(func(_ context.Context, s *socketio.Socket) error {
		for range 8 {
			go func() {
				for s.Context().Err() == nil && s.Emit("first") != nil {
				}
			}()
		}
		return nil
	})
	c := dial(t, url)
	for range 500 {
		c.send("40")
		answer := c.read()
		if !strings.HasPrefix(answer, "40{") {
			t.Fatalf("%q came before CONNECT's answer", answer)
		}
		for range 8 {
			assert.Equal(t, c.read(), `42["first"]`)
		}
		c.send("41")
		assert.Receive(t, left) // who comes and goes faster than it is served is closed
	}
}
