package websocket_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	coder "github.com/coder/websocket"

	"github.com/kachi-io/kachi/engineio/websocket"
	"github.com/kachi-io/kachi/internal/assert"
)

// echo answers every message with itself until the connection ends.
func echo(c *websocket.Conn) error {
	for {
		t, data, err := c.Read()
		if err != nil {
			return err
		}
		if err := c.Send(websocket.NewFrame(t, data)); err != nil {
			return err
		}
	}
}

// An independent client of every kind: with and without compression, over TLS.
func TestCoderClient(t *testing.T) {
	tests := map[string]struct {
		tls  bool
		mode coder.CompressionMode
	}{
		"plain":                       {},
		"TLS":                         {tls: true},
		"deflate":                     {mode: coder.CompressionContextTakeover},
		"deflate, no takeover asked":  {mode: coder.CompressionNoContextTakeover},
		"deflate, no takeover on TLS": {mode: coder.CompressionNoContextTakeover, tls: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 1)
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c, err := websocket.Accept(w, r, &websocket.Options{
					MaxMessage: 4 << 20,
					Deflate:    &websocket.Deflate{Threshold: 100},
				})
				if err != nil {
					ended <- err
					return
				}
				go func() { ended <- echo(c) }()
			}))
			if test.tls {
				server.StartTLS()
			} else {
				server.Start()
			}
			defer server.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			client, _, err := coder.Dial(ctx, server.URL, &coder.DialOptions{HTTPClient: server.Client(), CompressionMode: test.mode})
			assert.NoError(t, err)
			defer client.CloseNow()
			client.SetReadLimit(-1)
			for _, n := range []int{0, 1, 125, 126, 127, 1000, 65535, 65536, 1 << 20, 3 << 20} {
				sent := bytes.Repeat([]byte("kachi "), n/6+1)[:n]
				assert.NoError(t, client.Write(ctx, coder.MessageText, sent))
				kind, got, err := client.Read(ctx)
				assert.NoError(t, err, "%d bytes", n)
				assert.Equal(t, kind, coder.MessageText)
				assert.True(t, bytes.Equal(got, sent), "%d bytes come back", n)
			}
			assert.NoError(t, client.Close(coder.StatusNormalClosure, "done"))
			e := assert.ErrorAs[*websocket.CloseError](t, assert.Receive(t, ended))
			assert.Equal(t, *e, websocket.CloseError{Code: websocket.StatusNormalClosure, Reason: "done"})
		})
	}
}
