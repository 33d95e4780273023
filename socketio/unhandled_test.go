package socketio_test

import (
	"context"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

func TestUnhandledEventsHaveAFunctionOfTheirOwn(t *testing.T) {
	hooked := make(chan string, 1)
	srv, url := start(t, &socketio.Options{Hooks: socketio.Hooks{
		Unhandled: func(_ *socketio.Socket, event string) { hooked <- event },
	}})
	srv.On("known", func(_ context.Context, e *socketio.Event) error { return e.Ack("known") })
	c, _ := join(t, url)
	c.send(`42["unknown",1]`)
	assert.Equal(t, assert.Receive(t, hooked), "unknown")

	srv.OnUnhandled(func(_ context.Context, e *socketio.Event) error {
		return e.Ack("nobody handles " + e.Name())
	})
	c.send(`420["unknown",1]`)
	c.expect(`430["nobody handles unknown"]`)
	c.send(`421["known",1]`)
	c.expect(`431["known"]`)
	assert.Equal(t, len(hooked), 0)
	defer func() { assert.True(t, recover() != nil) }()
	srv.OnUnhandled(nil)
}

func TestAnExtensionStaysWithItsSocket(t *testing.T) {
	srv, url := start(t, nil)
	_, id := join(t, url)
	s, _ := srv.Socket(id)
	assert.Equal(t, s.Extension(), nil)
	s.SetExtension(1)
	s.SetData("data")
	assert.Equal(t, s.Extension(), any(1))
	assert.Equal(t, s.Data(), any("data"))
}
