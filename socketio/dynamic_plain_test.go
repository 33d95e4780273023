package socketio_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
	"github.com/kachi-io/kachi/socketio"
)

// Plain WebSocket clients are in dynamic namespaces like others.
func TestPlainClientsInDynamicNamespaces(t *testing.T) {
	srv, _ := start(t, nil)
	rooms := srv.Dynamic("/room-{id}", &socketio.DynamicOptions{MaxNamespaces: 1})
	rooms.Use(func(_ context.Context, s *socketio.Socket) error {
		if s.Namespace().Param("id") == "secret" {
			return socketio.NewError("unauthorized", "Sign in first")
		}
		return nil
	})
	rooms.OnConnect(func(_ context.Context, s *socketio.Socket) error {
		return s.Emit("hello", s.Namespace().Param("id"))
	})
	host := httptest.NewServer(srv.PlainHandler(socketio.PlainMount{Path: "/ws/{room}", Namespace: "/{room}"}))
	defer host.Close()
	visit := func(room string) (*wstest.Conn, int) {
		c, response, err := wstest.Try(host.URL+"/ws/"+room, nil)
		assert.NoError(t, err)
		if c != nil {
			return c, http.StatusSwitchingProtocols
		}
		return nil, response.StatusCode
	}
	for range 3 {
		c, status := visit("room-7")
		assert.Equal(t, status, http.StatusSwitchingProtocols)
		f, err := c.Read()
		assert.NoError(t, err)
		assert.True(t, strings.Contains(f.String(), `hello`) && strings.Contains(f.String(), `7`), f.String())
		for room, want := range map[string]int{
			"room-8":      http.StatusServiceUnavailable,
			"room-secret": http.StatusUnauthorized,
			"nothing":     http.StatusNotFound,
		} {
			_, status := visit(room)
			assert.Equal(t, status, want)
		}
		assert.NoError(t, c.Close())
		atRest(t, srv, rooms)
	}
}
