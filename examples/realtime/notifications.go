package main

import (
	"context"

	"github.com/kachi-io/kachi/gateway"
)

// Notification is sent to whom it is for. It is whatever the service that notifies says.
var Notification = gateway.NewEvent[any]("notification")

var users = gateway.NewRooms("user")

// Notifications reach people wherever they are connected.
type Notifications struct{ emitter gateway.Emitter }

// register is its part of the namespace /.
func (n *Notifications) register(g *gateway.Namespace[Visitor]) {
	g.Emits(Notification)
	gateway.Handle(g, "subscribeToNotifications", n.subscribe).Authorize(n.isOwn)
}

// isOwn keeps people from reading what is for others. userID may be left out.
func (n *Notifications) isOwn(ctx *gateway.Context[Visitor], userID *string) error {
	if ctx.Principal.Guest {
		return gateway.Unauthorized("Guests are sent no notifications")
	}
	if userID != nil && *userID != ctx.Principal.ID {
		return gateway.Forbidden("These are somebody else's notifications")
	}
	return nil
}

func (n *Notifications) subscribe(ctx *gateway.Context[Visitor], _ *string) error {
	ctx.Join(users.Of(ctx.Principal.ID))
	return nil
}

// Send notifies a user.
func (n *Notifications) Send(ctx context.Context, userID string, notification any) error {
	return Notification.Emit(ctx, n.emitter.Namespace("/").To(users.Of(userID)), notification)
}
