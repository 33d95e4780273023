package main

import (
	"context"

	"github.com/kachi-io/kachi/socketio"
)

// newSocketIO makes a Socket.IO server that sends back what the public suite sends.
func newSocketIO(s *settings) (service, error) {
	opts := &socketio.Options{
		PingInterval:   s.pingInterval,
		PingTimeout:    s.pingTimeout,
		ConnectTimeout: s.connectTimeout,
		MaxPayload:     s.maxPayload,
		AllowedOrigins: s.cors.list(),
		AllowEIO3:      s.eio3,
	}
	if s.recovery {
		opts.Recovery = &socketio.Recovery{RequireOffset: true} // as the reference does
	}
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	srv := socketio.NewServer(opts)
	register(srv)
	return srv, nil
}

// register adds the handlers that the suite speaks to.
func register(srv *socketio.Server) {
	sayAuth := func(_ context.Context, s *socketio.Socket) error {
		return s.Emit("auth", s.Auth())
	}
	srv.OnConnect(sayAuth)
	srv.On("message", func(_ context.Context, e *socketio.Event) error {
		values, err := values(e)
		if err != nil {
			return err
		}
		return e.Socket().Emit("message-back", values...)
	})
	srv.On("message-with-ack", func(_ context.Context, e *socketio.Event) error {
		values, err := values(e)
		if err != nil {
			return err
		}
		return e.Ack(values...)
	})
	srv.Of("/custom").OnConnect(sayAuth)
}

// values decodes all arguments; attachments become []byte.
func values(e *socketio.Event) ([]any, error) {
	values := make([]any, e.Args().Len())
	targets := make([]any, len(values))
	for i := range values {
		targets[i] = &values[i]
	}
	return values, e.Decode(targets...)
}
