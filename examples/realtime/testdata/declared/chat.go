// Package declared has a gateway with what it sends by.
package declared

import (
	"context"

	"github.com/kachi-io/kachi/gateway"
)

var newMessage = gateway.NewEvent[string]("newMessage")

// Chat is a gateway.
type Chat struct{ server gateway.Emitter }

// Send tells everybody.
func (c *Chat) Send(ctx context.Context, text string) error {
	return newMessage.Emit(ctx, c.server.Namespace("/"), text)
}
