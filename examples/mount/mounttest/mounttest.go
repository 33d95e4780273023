// Package mounttest tries a server that is mounted in a router.
package mounttest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/testclient"
	"github.com/kachi-io/kachi/socketio"
)

// Run connects to the server through the router, over WebSocket and over polling, and
// asks the router's own /about.
func Run(t *testing.T, srv *socketio.Server, router http.Handler) {
	host := httptest.NewServer(router)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		assert.NoError(t, srv.Shutdown(ctx))
		host.Close()
	})

	var greeting string
	testclient.Connect(t, host.URL, "/", nil).Ask(&greeting, "greet", "Mina")
	assert.Equal(t, greeting, "Hello, Mina")
	testclient.Polls(t, host.URL)

	response, err := host.Client().Get(host.URL + "/about")
	assert.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	assert.NoError(t, err)
	assert.Equal(t, string(body), "about")
}
