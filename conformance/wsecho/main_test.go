package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/internal/assert"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEcho(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(accept))
	defer server.Close()
	tests := map[string]struct {
		mode  websocket.CompressionMode
		sizes []int
	}{
		"plain":   {websocket.CompressionDisabled, []int{0, 5, 70_000, maxMessage}},
		"deflate": {websocket.CompressionContextTakeover, []int{0, 5, 70_000}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			c, _, err := websocket.Dial(ctx, server.URL+"/any/path?a=b", &websocket.DialOptions{CompressionMode: test.mode})
			assert.NoError(t, err)
			defer c.CloseNow()
			c.SetReadLimit(-1)
			for _, n := range test.sizes {
				sent := bytes.Repeat([]byte("k"), n)
				assert.NoError(t, c.Write(ctx, websocket.MessageBinary, sent))
				_, got, err := c.Read(ctx)
				assert.NoError(t, err)
				assert.True(t, bytes.Equal(got, sent), "%d bytes come back", n)
			}
			// Many at once: the server reads no faster than it can write.
			const many = 40
			go func() {
				for range many {
					if c.Write(ctx, websocket.MessageText, bytes.Repeat([]byte("m"), 200_000)) != nil {
						return
					}
				}
			}()
			for range many {
				_, got, err := c.Read(ctx)
				assert.NoError(t, err)
				assert.Equal(t, len(got), 200_000)
			}
			assert.NoError(t, c.Close(websocket.StatusNormalClosure, ""))
		})
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.NoError(t, run(ctx, "127.0.0.1:0"))
}
