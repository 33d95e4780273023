package client_test

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

// A question over loopback, this project's server included.
func BenchmarkAsk(b *testing.B) {
	for name, transports := range map[string][]client.Transport{"polling": {client.Polling}, "websocket": {client.WebSocket}} {
		b.Run(name, func(b *testing.B) {
			s := benchmarked(b, transports)
			b.ReportAllocs()
			for b.Loop() {
				_, err := s.Ask(context.Background(), "echo", "hello")
				assert.NoError(b, err)
			}
		})
	}
}

// Events one way, as many as the network takes.
func BenchmarkEmit(b *testing.B) {
	s := benchmarked(b, []client.Transport{client.WebSocket})
	b.ReportAllocs()
	for b.Loop() {
		assert.NoError(b, s.EmitContext(context.Background(), "drop", "hello"))
	}
	_, err := s.Ask(context.Background(), "echo", "hello")
	assert.NoError(b, err)
}

func benchmarked(b *testing.B, transports []client.Transport) *client.Socket {
	srv := socketio.NewServer(&socketio.Options{MailboxMessages: 1 << 20, MailboxBytes: 1 << 30})
	srv.On("drop", func(context.Context, *socketio.Event) error { return nil })
	srv.On("echo", func(_ context.Context, e *socketio.Event) error { return e.Ack("hello") })
	host := httptest.NewServer(srv)
	s, err := client.Connect(context.Background(), host.URL, &client.Options{Transports: transports})
	assert.NoError(b, err)
	b.Cleanup(func() {
		s.Client().Close()
		_ = srv.Shutdown(context.Background())
		host.Close()
	})
	return s
}
