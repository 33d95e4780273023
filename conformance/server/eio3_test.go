package main

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/nodetest"
)

// The client of the time of protocol 3, over each transport and from one to the other.
func TestEngineIO3(t *testing.T) {
	s, err := parse([]string{"-engine-only", "-allow-eio3", "-ping-interval", "100ms", "-ping-timeout", "1s"})
	assert.NoError(t, err)
	srv, err := s.service()
	assert.NoError(t, err)
	host := httptest.NewServer(srv)
	t.Cleanup(func() {
		assert.NoError(t, srv.Shutdown(context.Background()))
		host.Close()
	})
	for _, c := range []struct{ way, form, ends string }{
		{"polling", "base64", "polling"},
		{"websocket", "binary", "websocket"},
		{"websocket", "base64", "websocket"},
		{"upgrade", "binary", "websocket"},
		{"upgrade", "base64", "websocket"},
	} {
		t.Run(c.way+" "+c.form, func(t *testing.T) {
			t.Parallel()
			var seen struct {
				Transport       string
				Messages, Pongs int
			}
			assert.NoError(t, json.Unmarshal(nodetest.Run(t, "eio3.mjs", host.URL, c.way, c.form), &seen))
			assert.Equal(t, seen.Transport, c.ends)
			assert.True(t, seen.Messages > 200 && seen.Pongs > 1, "%+v", seen)
		})
	}
}
