// Package exampletest lets the real socket.io-client talk to an example.
package exampletest

import (
	"context"
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"testing"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/nodetest"
)

// Serve serves an app until the test ends, as an example's main does, and returns the
// address. A nil handler is the app alone.
func Serve(t testing.TB, app *gateway.App, handler http.Handler) (url string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- app.Serve(ctx, listener, handler) }()
	t.Cleanup(func() {
		stop()
		assert.NoError(t, assert.Receive(t, served))
	})
	return "http://" + listener.Addr().String()
}

// Play runs a script of conformance/js/examples against a server: each of its checks is a
// subtest. The script is given the address, and what else it needs.
func Play(t *testing.T, script, url string, given map[string]any) {
	t.Helper()
	all := map[string]any{"url": url}
	maps.Copy(all, given)
	data, err := json.Marshal(all)
	assert.NoError(t, err)
	nodetest.Checks(t, "examples/"+script, nil, "KACHI_GIVEN="+string(data))
}
