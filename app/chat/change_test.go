package chat_test

import (
	"sync"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
)

// A new name was stored with what the room had been before it: a room that another page had
// just closed was open again.
func TestClosingARoomWhileItGetsAName(t *testing.T) {
	_, p := start(t)
	for range 20 {
		nest := open(t, p.mina, "nest", false)
		var both sync.WaitGroup
		for _, change := range []map[string]any{{"private": true}, {"name": "attic"}} {
			both.Go(func() { p.mina.Call(t, 200, "PATCH", "/api/rooms/"+nest, change, nil) })
		}
		both.Wait()
		var is room
		p.mina.Call(t, 200, "GET", "/api/rooms/"+nest, nil, &is)
		assert.True(t, is.Private && is.Name == "attic", is)
	}
}
