package main

import (
	"context"
	"time"
	"unicode/utf8"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/limit"
)

// Context is what handlers are given: everybody is admitted, and is nobody in particular.
type Context = gateway.Context[gateway.Nobody]

// Line is a line of a chat, as pages show it.
var Line = gateway.NewEvent[string]("message")

// Text is what people write.
type Text string

// Validate implements [gateway.Validated].
func (t Text) Validate(context.Context) error {
	if n := utf8.RuneCountInString(string(t)); n == 0 || n > 500 {
		return gateway.Invalid(gateway.FieldError{Path: "message", Rule: "length", Param: "500", Message: "A message has 1 to 500 characters"})
	}
	return nil
}

// rate is what one socket may send: nobody types faster.
func rate() gateway.Guard { return limit.PerSocket(5, time.Second, limit.Options{Burst: 20}) }

// Everyone is the first version, the namespace /: what somebody writes everybody reads.
type Everyone struct{}

// NewEveryone makes the gateway.
func NewEveryone() gateway.Gateway { return gateway.New("/", gateway.Anyone, Everyone{}.register) }

func (e Everyone) register(g *gateway.Namespace[gateway.Nobody]) {
	g.Emits(Line)
	g.Use(rate())
	gateway.Handle(g, "message", e.message)
}

func (e Everyone) message(ctx *Context, text Text) error {
	return Line.Emit(ctx, ctx.All(), "client-"+label(ctx)+" : "+string(text))
}

// label tells sockets apart, for people. Nothing can be done with it.
func label(ctx *Context) string { return ctx.Socket().ID()[:4] }
