package main

import (
	"encoding/json"

	"github.com/kachi-io/kachi/gateway"
)

// DataUpdated tells everybody what the data are now.
var DataUpdated = gateway.NewEvent[json.RawMessage]("dataUpdated")

// Secure is the namespace /secure, where people are somebody: they change what all see.
type Secure struct{ emitter gateway.Emitter }

// NewSecure makes the gateway.
func NewSecure(visitors Visitors, emitter gateway.Emitter) gateway.Gateway {
	s := &Secure{emitter}
	return gateway.New("/secure", Members{visitors}, s.register)
}

func (s *Secure) register(g *gateway.Namespace[Visitor]) {
	gateway.Handle(g, "updateData", s.updateData)
}

// updateData tells everybody, once: where servers are many, their adapter carries it to
// each, and nobody subscribes to anything.
func (s *Secure) updateData(ctx *gateway.Context[Visitor], data json.RawMessage) error {
	if data == nil {
		return gateway.NewError(gateway.CodeBadRequest, "There are no data")
	}
	return DataUpdated.Emit(ctx, s.emitter.Namespace("/"), data)
}
