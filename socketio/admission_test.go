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
	srv, url := start(t, nil)
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
	}
}
