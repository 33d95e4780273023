package socketio_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/adapter"
)

// stalling is an adapter that holds the first socket up in the middle of its admission.
type stalling struct {
	adapter.Adapter
	namespace string
	held      *atomic.Bool
	reached   chan struct{}
	release   chan struct{}
}

func (s *stalling) RoomChanged(string) {
	if s.namespace == "/" && s.held.CompareAndSwap(false, true) {
		close(s.reached)
		<-s.release
	}
}

// A client that leaves while it is being admitted, and asks again at once, got the
// DISCONNECT that was meant for the first time, and took it for the second.
func TestLeavingWhileBeingAdmittedDoesNotEndTheNextSocket(t *testing.T) {
	held, reached, release := &atomic.Bool{}, make(chan struct{}), make(chan struct{})
	_, url := start(t, &socketio.Options{Adapter: func(n adapter.Node) (adapter.Adapter, error) {
		memory, err := adapter.NewMemory(n)
		return &stalling{memory, n.Namespace(), held, reached, release}, err
	}})
	c := dial(t, url)
	c.send("40")
	<-reached
	first := c.read()
	assert.True(t, strings.HasPrefix(first, `40{"sid":`), first)
	c.send("41")
	c.send("40")
	second := c.read()
	assert.True(t, strings.HasPrefix(second, `40{"sid":`) && second != first, second)
	close(release)
	for range 20 { // the first admission ends meanwhile
		c.expectSilence()
	}
}
