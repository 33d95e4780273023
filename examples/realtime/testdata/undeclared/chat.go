// Package undeclared has a gateway without what it sends by: it does not compile.
package undeclared

import (
	"context"

	"github.com/kachi-io/kachi/gateway"
)

var newMessage = gateway.NewEvent[string]("newMessage")

// Chat is a gateway.
type Chat struct{}

// Send tells everybody.
func (c *Chat) Send(ctx context.Context, text string) error {
	return newMessage.Emit(ctx, c.server.Namespace("/"), text)
}
