package main

import (
	"log/slog"

	"github.com/kachi-io/kachi/gateway"
)

// Context is what handlers are given: everybody is admitted, and is nobody in particular.
type Context = gateway.Context[gateway.Nobody]

// ServerToClient is sent to a client that has said something.
var ServerToClient = gateway.NewEvent[string]("ServerToClient")

// Channels is the namespace /channels.
type Channels struct{ log *slog.Logger }

// NewChannels makes the gateway.
func NewChannels(log *slog.Logger) gateway.Gateway {
	c := &Channels{log}
	return gateway.New("/channels", gateway.Anyone, c.register)
}

func (c *Channels) register(g *gateway.Namespace[gateway.Nobody]) {
	g.Emits(ServerToClient)
	g.OnConnect(c.connected)
	g.OnDisconnect(c.disconnected)
	gateway.On(g, "message", c.message)
	gateway.Handle(g, "ClientToServer", c.clientToServer)
}

func (c *Channels) connected(ctx *Context) error {
	c.log.Info("Client Connected", "id", ctx.Socket().ID())
	return nil
}

func (c *Channels) disconnected(ctx *Context, reason gateway.Reason) error {
	c.log.Info("Client Disconnected", "id", ctx.Socket().ID(), "reason", reason)
	return nil
}

// message takes anything, and nothing. What it returns is the acknowledgement.
func (c *Channels) message(*Context, gateway.Raw) (string, error) {
	return "Hello world!", nil
}

// clientToServer answers by an event, which the client gets that has asked.
func (c *Channels) clientToServer(ctx *Context, text string) error {
	c.log.Info("ClientToServer", "text", text)
	return ServerToClient.Emit(ctx, ctx.Client(), "Hello Client!")
}
