package main

import "github.com/kachi-io/kachi/engineio"

const enginePath = "/engine.io/"

// newEngine makes a bare Engine.IO server that sends every message back.
func newEngine(s *settings) (service, error) {
	opts := &engineio.Options{
		PingInterval:   s.pingInterval,
		PingTimeout:    s.pingTimeout,
		MaxPayload:     s.maxPayload,
		AllowedOrigins: s.cors.list(),
		AllowEIO3:      s.eio3,
	}
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	return engineio.NewServer(func(s *engineio.Session) engineio.Receiver { return echo{s} }, opts), nil
}

type echo struct{ session *engineio.Session }

// Message sends back what came. A client that is gone is told of by Closed.
func (e echo) Message(data []byte, binary bool) engineio.Work {
	if binary {
		_ = e.session.Send(engineio.BinaryMessage(data))
	} else {
		_ = e.session.Send(engineio.TextMessage(string(data)))
	}
	return nil
}

func (e echo) Closed(engineio.Reason, error) {}
