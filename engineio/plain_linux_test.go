package engineio

import (
	"runtime"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

// An idle connection that has answered a ping holds no goroutine again.
func TestIdlePlainSessionHoldsNoGoroutine(t *testing.T) {
	h := servePlain(t, nil, Plain{})
	c, p := h.plain(t)
	reading := func() bool {
		var b [1 << 20]byte
		return strings.Contains(string(b[:runtime.Stack(b[:], true)]), "plainReader")
	}
	for range 10 { // more than a newcomer has
		assert.NoError(t, c.SendFrame(wstest.Pong, nil))
		assert.NoError(t, c.SendText("x"))
		p.expect(t, "x")
		assert.NoError(t, c.SendFrame(wstest.Pong, nil))
		assert.Eventually(t, func() bool { return !reading() })
	}
}
